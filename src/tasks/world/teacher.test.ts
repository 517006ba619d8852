import { test } from "node:test";
import assert from "node:assert/strict";
import { randomStream } from "../../core/random.ts";
import type { Segment } from "../../core/trajectory.ts";
import type { Codec, SampleResult } from "../../engines/engine.ts";
import { extractBoxed } from "../../agent/parser.ts";
import type { Scene } from "./scene.ts";
import { Teacher } from "./teacher.ts";
import { teacherScript } from "./teacherScript.ts";
import type { TeacherBehaviour } from "./teacherScript.ts";
import type { Colour, Kind, Place } from "./vocabulary.ts";
import { PLACES } from "./vocabulary.ts";
import { createWorld, worldTask } from "./world.ts";

const FLAWLESS = { giveUp: 0, wrongPlace: 0, pythonError: 0 } as const;

function sceneOf(kind: Kind, beads: Partial<Record<Place, Colour>>, asked: readonly Place[] = []): Scene {
  const places = PLACES.map((place) => {
    const bead = beads[place];
    return bead === undefined ? { place, dx: 0, dy: 0 } : { place, bead, dx: 0, dy: 0 };
  });
  return { kind, places, asked, placesInUse: 4, beadAmplitude: 100, ground: [0, 0, 0, 0, 0, 0] };
}

const turns = (scene: Scene, behaviour: Partial<TeacherBehaviour>, seed = 0): string[] => [
  ...teacherScript(scene, randomStream("teacher test", seed), { ...FLAWLESS, ...behaviour }),
];

const cell = (box: string, name = "image_clue_0"): string =>
  `<code>\n\`\`\`python\nplt.imshow(${name}.crop((${box})))\nplt.show()\n\`\`\`\n</code>`;
const TOP_LEFT = cell("304,224,336,256");
const TOP_RIGHT = cell("944,224,976,256");
const BOTTOM_LEFT = cell("304,704,336,736");
const BOTTOM_RIGHT = cell("944,704,976,736");

test("plain: one turn without a look", () => {
  const scene: Scene = { ...sceneOf("plain", {}), disc: { colour: "blue", x: 400, y: 400, radius: 150 } };
  assert.deepEqual(turns(scene, { giveUp: 1 }), ["The disc is blue.<answer>\\boxed{blue}</answer>"]);
});

test("look: look, then say what is there", () => {
  const scene = sceneOf("look", { "top left": "red", "top right": "blue" }, ["top left"]);
  assert.deepEqual(turns(scene, {}), [
    `Look top left.${TOP_LEFT}`,
    "I see red.<answer>\\boxed{red}</answer>",
  ]);
});

test("search: cyclic reading order from the start drawn by lot, until found", () => {
  assert.deepEqual(turns(sceneOf("search", { "top left": "white" }), {}, 5), [
    `Look bottom left.${BOTTOM_LEFT}`,
    `Empty. Look bottom right.${BOTTOM_RIGHT}`,
    `Empty. Look top left.${TOP_LEFT}`,
    "I see white.<answer>\\boxed{white}</answer>",
  ]);
});

test("compare: both places in the order of the question", () => {
  const scene = sceneOf("compare", { "top left": "red", "bottom right": "blue" }, [
    "top left",
    "bottom right",
  ]);
  assert.deepEqual(turns(scene, {}), [
    `Look top left.${TOP_LEFT}`,
    `I see red. Look bottom right.${BOTTOM_RIGHT}`,
    "I see blue. Different.<answer>\\boxed{no}</answer>",
  ]);
  const alike = sceneOf("compare", { "top left": "red", "bottom right": "red" }, [
    "top left",
    "bottom right",
  ]);
  assert.equal(turns(alike, {}).at(-1), "I see red. Same.<answer>\\boxed{yes}</answer>");
});

test("count: every place with a running count", () => {
  assert.deepEqual(turns(sceneOf("count", { "top right": "green", "bottom left": "black" }), {}, 0), [
    `Look top left.${TOP_LEFT}`,
    `Empty. 0 so far. Look top right.${TOP_RIGHT}`,
    `I see green. 1 so far. Look bottom left.${BOTTOM_LEFT}`,
    `I see black. 2 so far. Look bottom right.${BOTTOM_RIGHT}`,
    "Empty. 2 so far.<answer>\\boxed{2}</answer>",
  ]);
});

test("mistakes are made and repaired", () => {
  const scene = sceneOf("look", { "top left": "red", "top right": "blue" }, ["top left"]);
  assert.deepEqual(turns(scene, { pythonError: 1 }), [
    `Look top left.${cell("304,224,336,256", "img")}`,
    `Fix the name.${TOP_LEFT}`,
    "I see red.<answer>\\boxed{red}</answer>",
  ]);
  const wrong = turns(scene, { wrongPlace: 1 });
  assert.equal(wrong.length, 3);
  assert.doesNotMatch(wrong[0] ?? "", /top left/);
  assert.deepEqual(wrong.slice(1), [
    `Wrong place. Look top left.${TOP_LEFT}`,
    "I see red.<answer>\\boxed{red}</answer>",
  ]);
});

test("needless looks come when the answer is known, each after its caption, until no call is left", () => {
  const beads = { "top left": "red", "top right": "blue" } as const;
  const plain: Scene = { ...sceneOf("plain", beads), disc: { colour: "blue", x: 400, y: 400, radius: 150 } };
  const looks = turns(plain, { needless: 1 }, 3);
  assert.equal(looks.length, 5);
  assert.match(looks[0] ?? "", /^The disc is blue\. Look (top|bottom) (left|right)\.<code>/);
  assert.match(looks.at(-1) ?? "", /^(Empty|I see (red|blue))\.<answer>\\boxed\{blue\}<\/answer>$/);
  const look = sceneOf("look", beads, ["top left"]);
  assert.equal(turns(look, { needless: 1 }).length, 5);
  assert.equal(turns(look, { needless: 1, pythonError: 1 }).length, 5);
  assert.equal(turns(look, { needless: 1, giveUp: 1 }).length, 1);
  // Captions are of the look before them.
  for (let seed = 0; seed < 20; seed++) {
    const said = turns(look, { needless: 1 }, seed);
    for (const [i, turn] of said.slice(1).entries()) {
      const place = /Look (.*?)\./.exec(said[i] ?? "")?.[1] as keyof typeof beads;
      assert.ok(turn.startsWith(beads[place] === undefined ? "Empty." : `I see ${beads[place]}.`), turn);
    }
  }
  const counts = Array.from({ length: 2000 }, (_, seed) => turns(plain, { needless: 0.5 }, seed).length - 1);
  const share = (calls: number): number => counts.filter((count) => count === calls).length / counts.length;
  for (const [calls, expected] of [0.5, 0.25, 0.125, 0.0625, 0.0625].entries())
    assert.ok(Math.abs(share(calls) - expected) < 0.045, `${calls} calls: ${share(calls)}`);
});

test("no mistake is made when the calls are needed for looking", () => {
  const counting = turns(sceneOf("count", {}), { pythonError: 1 });
  assert.equal(counting.length, 5);
  assert.equal(turns(sceneOf("count", {}), { pythonError: 1, maxCalls: 5 }).length, 6);
});

test("giving up before the first look is a uniform guess", () => {
  const scene = sceneOf("look", { "top left": "red" }, ["top left"]);
  const guesses = new Map<string, number>();
  for (let seed = 0; seed < 600; seed++) {
    const [first, ...rest] = turns(scene, { giveUp: 1 }, seed);
    assert.equal(rest.length, 0);
    const guess = /^Guess\.<answer>\\boxed\{(\w+)\}<\/answer>$/.exec(first ?? "")?.[1] ?? "none";
    guesses.set(guess, (guesses.get(guess) ?? 0) + 1);
  }
  assert.deepEqual([...guesses.keys()].sort(), ["black", "blue", "green", "red", "white", "yellow"]);
  for (const count of guesses.values()) assert.ok(count > 60 && count < 140); // 100 expected, sd 9
});

test("without giving up every answer is right, within four calls, in both orders", () => {
  const world = createWorld({ seed: 21, split: "train" });
  for (let i = 0; i < 400; i++) {
    const { scene, answer } = world.at(i);
    for (const order of ["reading", "random"] as const) {
      const said = turns(scene, { order, wrongPlace: 0.5, pythonError: 0.5 }, i);
      assert.equal(extractBoxed(said.at(-1) ?? ""), answer);
      assert.ok(said.length <= 5);
    }
  }
});

test("as a sampler: next turn per request of a sequence, zeros for logprobs, cut by the token limit, forgotten on release", async () => {
  const scene = sceneOf("look", { "top left": "red" }, ["top left"]);
  const asked: string[] = [];
  const teacher = new Teacher({
    codec: characterCodec,
    behaviour: FLAWLESS,
    episodeOf: (sequenceId) => {
      asked.push(sequenceId);
      return { task: worldTask(sequenceId, scene), random: randomStream(sequenceId) };
    },
  });
  const ask = (
    ids: readonly string[],
    segments: readonly Segment[] = [],
    maxNewTokens = 500,
  ): Promise<readonly SampleResult[]> =>
    teacher.sample(
      ids.map((sequenceId) => ({
        sequenceId,
        segments,
        params: { maxNewTokens, temperature: 1, topP: 1, topK: 0, stopStrings: ["</code>", "</answer>"] },
        random: randomStream(0),
      })),
    );
  const text = (results: readonly SampleResult[]): string[] =>
    results.map((r) => characterCodec.decode(r.tokens));
  const look = `Look top left.${TOP_LEFT}`;
  const answer = "I see red.<answer>\\boxed{red}</answer>";
  assert.deepEqual(text(await ask(["a", "b"])), [look, look]);
  const [second] = await ask(["a"], LOOKED);
  assert.deepEqual(second, {
    tokens: characterCodec.encodeText(answer),
    logprobs: Array.from(answer, () => 0),
    stop: "stop",
  });
  assert.deepEqual(asked, ["a", "b"]);
  assert.deepEqual(text(await ask(["b"], FAILED)), ["No figure came."]);
  teacher.release("b");
  const [cut] = await ask(["b"], [], 4);
  assert.deepEqual([characterCodec.decode(cut?.tokens ?? []), cut?.stop], ["Look", "length"]);
  await assert.rejects(ask(["a"]), /internal: .*"a" after its answer/);
});

const PROMPT: Segment = { type: "text", source: "prompt", tokens: [9] };
const TURN: Segment = { type: "sampled", tokens: [9], logprobs: [0] };
const pixels = { width: 1, height: 1, data: new Uint8Array(3) };
const picture = (source: "prompt" | "observation"): Segment => ({
  type: "image",
  source,
  image: { pixels, grid: [1, 2, 2], tokenCount: 1 },
});
/** A sequence whose last observation holds a figure, and one where only earlier parts hold images. */
const LOOKED = [picture("prompt"), PROMPT, TURN, picture("observation"), PROMPT];
const FAILED = [picture("prompt"), PROMPT, TURN, picture("observation"), TURN, PROMPT];

/** One token a character: a codec small enough to read. */
const characterCodec: Codec = {
  imagePadId: 1,
  endOfTurnId: 2,
  encodeText: (text) => Array.from(text, (char) => char.charCodeAt(0)),
  encodeTemplate: (text) => Array.from(text, (char) => char.charCodeAt(0)),
  decode: (tokens) => String.fromCharCode(...tokens),
  viewImage: (pixels) => ({ pixels, grid: [1, 6, 8], tokenCount: 12 }),
};
