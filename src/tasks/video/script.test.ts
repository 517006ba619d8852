import assert from "node:assert/strict";
import { test } from "node:test";
import { extractBoxed } from "../../agent/parser.ts";
import { randomStream } from "../../core/random.ts";
import type { Segment } from "../../core/trajectory.ts";
import type { Codec, SampleResult } from "../../engines/engine.ts";
import type { TeacherBehaviour } from "../world/teacherScript.ts";
import type { Colour, Place } from "../world/vocabulary.ts";
import { answerOf, drawClip } from "./clip.ts";
import type { Clip, ClipQuestion } from "./clip.ts";
import { videoScript } from "./script.ts";
import type { ScriptTurn } from "./script.ts";
import { VideoTeacher } from "./teacher.ts";

const FLAWLESS = { giveUp: 0, wrongPlace: 0, pythonError: 0 } as const;
const SHOWN: readonly (readonly [number, Colour, Place])[] = [
  [12, "red", "top left"],
  [37, "green", "bottom right"],
  [58, "blue", "top right"],
];

function clipOf(question: ClipQuestion, shown = SHOWN): Clip {
  const showings = shown.map(([second, colour, place]) => ({
    second,
    colour,
    place,
    dx: 0,
    dy: 0,
    radius: 12,
  }));
  return { question, seconds: 70, showings, ground: [0, 0, 0, 0, 0, 0] };
}

const turns = (clip: Clip, behaviour: Partial<TeacherBehaviour> = {}, seed = 0): ScriptTurn[] => [
  ...videoScript(clip, randomStream("script test", seed), { ...FLAWLESS, ...behaviour }),
];
const texts = (clip: Clip, behaviour: Partial<TeacherBehaviour> = {}, seed = 0): string[] =>
  turns(clip, behaviour, seed).map((turn) => turn.text);

const cell = (code: string): string => `<code>\n\`\`\`python\n${code}\n\`\`\`\n</code>`;
const FRAMES = "b=v.get_batch(range(0,len(v),4))\ns=np.flatnonzero((b!=b[0]).any((1,2,3)))\nprint(s)";
const WATCH = `Watch.${cell(`v=video_clue_0\n${FRAMES}`)}`;
const disc = (number: number): string =>
  `Disc ${number}.${cell(`print(s[${number}])\nplt.imshow(b[s[${number}]])\nplt.show()`)}`;
const LOOK_37 = `Look 37.${cell("plt.imshow(video_clue_0[4*37])\nplt.show()")}`;

test("at: one frame, without watching", () => {
  assert.deepEqual(turns(clipOf({ kind: "at", second: 37 })), [
    { text: LOOK_37, expects: { type: "figure", second: 37 } },
    { text: "I see green.<answer>\\boxed{green}</answer>" },
  ]);
});

test("what: watch, look at the first disc from the window's beginning on", () => {
  assert.deepEqual(turns(clipOf({ kind: "what", from: 50, to: 59 })), [
    { text: WATCH, expects: { type: "stdout", text: "[12 37 58]" } },
    {
      text: `Look from 50.${cell("plt.imshow(b[s[s>=50][0]])\nplt.show()")}`,
      expects: { type: "figure", second: 58 },
    },
    { text: "I see blue.<answer>\\boxed{blue}</answer>" },
  ]);
});

test("when: look at one disc after another until the colour comes, in time or by lot", () => {
  const clip = clipOf({ kind: "when", colour: "green" });
  assert.deepEqual(texts(clip), [
    WATCH,
    disc(0),
    `I see red. ${disc(1)}`,
    "I see green.<answer>\\boxed{37}</answer>",
  ]);
  assert.deepEqual(turns(clip)[2]?.expects, { type: "figure", second: 37, printed: "37" });
  const lots = new Set(
    Array.from({ length: 40 }, (_, seed) => texts(clip, { order: "random" }, seed).length),
  );
  assert.deepEqual([...lots].sort(), [3, 4, 5]);
});

test("order: in time until one of the two comes", () => {
  assert.deepEqual(texts(clipOf({ kind: "order", colours: ["blue", "green"] })), [
    WATCH,
    disc(0),
    `I see red. ${disc(1)}`,
    "I see green.<answer>\\boxed{green}</answer>",
  ]);
});

test("count and where: code reads it, without a look", () => {
  assert.deepEqual(turns(clipOf({ kind: "count" })).slice(1), [
    { text: `Count.${cell("print(len(s))")}`, expects: { type: "stdout", text: "3" } },
    { text: "<answer>\\boxed{3}</answer>" },
  ]);
  const jump = clipOf({ kind: "where" }, [
    [20, "red", "top left"],
    [21, "red", "bottom left"],
  ]);
  assert.deepEqual(turns(jump), [
    { text: WATCH, expects: { type: "stdout", text: "[20 21]" } },
    {
      text: `Find.${cell("print(np.argwhere(b[s[1]]!=b[0]).mean(0)//42@[2,1,0])")}`,
      expects: { type: "stdout", text: "2.0" },
    },
    { text: "<answer>\\boxed{bottom left}</answer>" },
  ]);
});

test("mistakes are made and repaired, where a call is left for them", () => {
  const clip = clipOf({ kind: "at", second: 37 });
  assert.deepEqual(texts(clip, { pythonError: 1 }), [
    `Look 37.${cell("plt.imshow(video[4*37])\nplt.show()")}`,
    `Fix the name.${cell("plt.imshow(video_clue_0[4*37])\nplt.show()")}`,
    "I see green.<answer>\\boxed{green}</answer>",
  ]);
  const wrong = texts(clip, { wrongPlace: 1 });
  assert.equal(wrong.length, 3);
  assert.equal(wrong[1], `Wrong second. ${LOOK_37}`);
  assert.deepEqual(texts(clipOf({ kind: "count" }), { pythonError: 1 }).slice(0, 2), [
    `Watch.${cell(`v=video\n${FRAMES}`)}`,
    `Fix the name.${cell(`v=video_clue_0\n${FRAMES}`)}`,
  ]);
  const three = clipOf({ kind: "when", colour: "blue" }); // watch and three looks: nothing to spare
  assert.equal(texts(three, { pythonError: 1 })[0], WATCH);
  assert.throws(() => turns(clip, { giveUp: 2 }), /teacher\.giveUp must be a probability, got 2/);
});

test("without giving up every answer is right, within four calls", () => {
  for (let i = 0; i < 600; i++) {
    const clip = drawClip(
      { at: 1, what: 1, when: 1, order: 1, count: 1, where: 1 },
      randomStream("script test", i),
    );
    const said = texts(clip, { order: i % 2 ? "random" : "reading", wrongPlace: 0.3, pythonError: 0.3 }, i);
    assert.equal(extractBoxed(said.at(-1) ?? ""), answerOf(clip));
    assert.ok(said.length <= 5);
  }
});

test("giving up at once is a uniform guess among the valid answers", () => {
  const guesses = new Map<string, number>();
  for (let seed = 0; seed < 600; seed++) {
    const said = texts(clipOf({ kind: "count" }), { giveUp: 1 }, seed);
    assert.equal(said.length, 1);
    const guess = /^Guess\.<answer>\\boxed\{(\d)\}<\/answer>$/.exec(said[0] ?? "")?.[1] ?? "none";
    guesses.set(guess, (guesses.get(guess) ?? 0) + 1);
  }
  assert.deepEqual([...guesses.keys()].sort(), ["1", "2", "3", "4", "5"]);
  for (const count of guesses.values()) assert.ok(count > 80 && count < 165); // 120 expected, sd 10
});

/** One token a character. */
const codec: Pick<Codec, "encodeText" | "decode"> = {
  encodeText: (text) => Array.from(text, (char) => char.charCodeAt(0)),
  decode: (tokens) => String.fromCharCode(...tokens),
};
const TURN: Segment = { type: "sampled", tokens: [9], logprobs: [0] };
const said = (text: string): Segment => ({
  type: "text",
  source: "observation",
  tokens: codec.encodeText(text),
});
const PICTURE: Segment = {
  type: "image",
  source: "observation",
  image: { pixels: { width: 1, height: 1, data: new Uint8Array(3) }, grid: [1, 2, 2], tokenCount: 1 },
};

test("as a sampler: goes on only when the observation holds what was expected", async () => {
  const teacher = new VideoTeacher({
    codec,
    scriptOf: (id) =>
      turns(clipOf(id.startsWith("at") ? { kind: "at", second: 37 } : { kind: "count" })).values(),
  });
  const ask = async (
    sequenceId: string,
    segments: readonly Segment[] = [],
    maxNewTokens = 500,
  ): Promise<SampleResult> => {
    const params = { maxNewTokens, temperature: 1, topP: 1, topK: 0, stopStrings: [] };
    const [result] = await teacher.sample([{ sequenceId, segments, params, random: randomStream(0) }]);
    return result as SampleResult;
  };
  const text = async (id: string, segments?: readonly Segment[]): Promise<string> => codec.decode((await ask(id, segments)).tokens); // prettier-ignore
  assert.equal(await text("at/1"), LOOK_37);
  assert.equal(await text("at/2"), LOOK_37);
  assert.equal(await text("at/1", [TURN, PICTURE]), "I see green.<answer>\\boxed{green}</answer>");
  assert.equal(await text("at/2", [PICTURE, TURN, said("nothing")]), "Not as expected.");
  assert.equal(await text("count/1"), WATCH);
  assert.equal(await text("count/1", [TURN, said("<tool_response>[12 37 58]</tool_response>")]), `Count.${cell("print(len(s))")}`); // prettier-ignore
  assert.equal(await text("count/2"), WATCH);
  assert.equal(await text("count/2", [TURN, said("timeout")]), "Not as expected.");
  await assert.rejects(ask("at/1", [TURN]), /internal: .*"at\/1" after its answer/);
  teacher.release("at/1");
  const cut = await ask("at/1", [], 4);
  assert.deepEqual([codec.decode(cut.tokens), cut.stop, cut.logprobs], ["Look", "length", [0, 0, 0, 0]]);
});
