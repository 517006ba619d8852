import assert from "node:assert/strict";
import { test } from "node:test";
import { loadTemplate } from "../../agent/template.ts";
import { randomStream } from "../../core/random.ts";
import type { Segment, ViewImage } from "../../core/trajectory.ts";
import type { Codec } from "../../engines/engine.ts";
import { videoContactSheet, videoSheetTasks } from "./contactSheet.ts";
import { videoCorpus } from "./corpus.ts";
import { videoPretrainSample } from "./pretrain.ts";
import type { VideoPretrainKind, VideoPretrainOptions } from "./pretrain.ts";
import { VIDEO_KINDS } from "./vocabulary.ts";
import { createVideoWorld } from "./videoWorld.ts";

/** One token a character. */
const codec: Codec = {
  imagePadId: 1,
  endOfTurnId: 2,
  encodeText: (text) => Array.from(text, (char) => char.charCodeAt(0)),
  encodeTemplate: (text) => Array.from(text, (char) => char.charCodeAt(0)),
  decode: (tokens) => String.fromCharCode(...tokens),
  viewImage: (pixels): ViewImage => ({ pixels, grid: [1, 6, 6], tokenCount: 9 }),
};
const template = loadTemplate("mini");
const isRight = (answer: string, truth: string): boolean => answer === truth;

/** Sampled text in [[ ]], images as their colour in < >. */
function written(segments: readonly Segment[]): string {
  return segments
    .map((segment) => {
      if (segment.type === "image") return `<${colourOf(segment.image.pixels.data)}>`;
      const text = codec.decode(segment.tokens);
      return segment.type === "sampled" ? `[[${text}]]` : text;
    })
    .join("");
}

function only(kind: VideoPretrainKind, seed: number, more: Partial<VideoPretrainOptions> = {}): string {
  const options = { template, mix: { [kind]: 1 }, ...more };
  return written(videoPretrainSample(options, codec, randomStream("video pretrain test", seed)).segments);
}

/** The caption's colour by the pixels that are far from grey in every channel. */
function colourOf(data: Uint8Array): string {
  const votes = new Map<string, number>();
  for (let i = 0; i < data.length; i += 3) {
    const offsets = [0, 1, 2].map((c) => (data[i + c] as number) - 128);
    if (offsets.some((offset) => Math.abs(offset) < 50)) continue;
    const key = offsets.map((offset) => (offset > 0 ? "+" : "-")).join("");
    votes.set(key, (votes.get(key) ?? 0) + 1);
  }
  const [best] = [...votes].sort((a, b) => b[1] - a[1]);
  const names: Readonly<Record<string, string>> = { "+--": "red", "-+-": "green", "--+": "blue", "++-": "yellow", "+++": "white", "---": "black" }; // prettier-ignore
  return best === undefined ? "empty" : (names[best[0]] ?? "?");
}
const caption = (colour: string | undefined): string => (colour === "empty" ? "Empty." : `I see ${colour}.`);

test("frames: four observations as episodes have them, each with a true caption", () => {
  const colours = new Set<string>();
  for (let seed = 0; seed < 40; seed++) {
    const text = only("frames", seed);
    const pairs = [
      ...text.matchAll(/<tool_response><\|vision_start\|><(\w+)><\|vision_end\|><\/tool_response><\|im_end\|>\n<\|im_start\|>assistant\n\[\[(.*?)\]\]/g),
    ]; // prettier-ignore
    assert.equal(pairs.length, 4);
    for (const [, colour, said] of pairs) {
      assert.equal(said, caption(colour));
      colours.add(colour ?? "");
    }
  }
  assert.equal(colours.size, 7);
});

test("first: a question and the first call", () => {
  for (let seed = 0; seed < 30; seed++)
    assert.match(
      only("first", seed),
      /^<\|im_start\|>system\n.*\n<\|im_start\|>user\n[^\n]*\?<\|im_end\|>\n<\|im_start\|>assistant\n\[\[(Watch|Look \d\d)\.<code>\n```python\n[^[]*?\[[^\]]*\][^]*<\/code>\]\]$/,
    );
});

test("episode: a flawless one, whose outputs and captions agree with its answer", () => {
  for (let seed = 0; seed < 200; seed++) {
    const text = only("episode", seed);
    const boxed = /\\boxed\{(.*)\}<\/answer>\]\]$/.exec(text)?.[1];
    assert.ok(boxed !== undefined, text);
    const shown = [...text.matchAll(/<(red|green|blue|yellow|white|black|empty)>/g)].map((match) => match[1]);
    const second = [...text.matchAll(/<tool_response>(\d\d)</g)].at(-1)?.[1];
    const printed = /<tool_response>\[([\d ]+)\]/.exec(text)?.[1]?.split(" ");
    if (/\nWhat colour|\nWhich disc/.test(text)) assert.equal(boxed, shown.at(-1), text);
    else if (text.includes("\nAt which second")) {
      assert.equal(boxed, second, text);
      assert.ok(text.includes(`the ${shown.at(-1)} disc`), text);
    } else if (text.includes("\nHow many")) assert.equal(Number(boxed), printed?.length, text);
    else {
      const number = Number(/<tool_response>(\d)\.0</.exec(text)?.[1]);
      assert.equal(boxed, ["top left", "top right", "bottom left", "bottom right"][number], text);
    }
    for (const [, from] of text.matchAll(/s>=(\d\d)\]/g))
      assert.ok(text.includes(`between second ${from} and`), text);
  }
});

test("the baseline's samples have their frames in the prompt and everything said in one turn", () => {
  const uniform = { frames: 6, isRight };
  for (let seed = 0; seed < 30; seed++) {
    const frames = only("frames", seed, { uniform });
    const colours = [...frames.matchAll(/<\|vision_start\|><(\w+)><\|vision_end\|>/g)].map(
      (match) => match[1],
    );
    assert.equal(colours.length, 6);
    const times = [...frames.matchAll(/(\d+\.\d)<\|vision_start\|>/g)].map((match) => Number(match[1]));
    assert.equal(times.length, 6);
    assert.ok(times[0] === 0 && times.every((time, i) => i === 0 || time > (times[i - 1] ?? 0)));
    assert.ok(frames.endsWith(`assistant\n[[${colours.map(caption).join(" ")}]]`), frames);
    const answered = only("episode", seed, { uniform });
    const seen = [...answered.matchAll(/<(red|green|blue|yellow|white|black)>/g)].map((match) => match[1]);
    const said = seen.length === 0 ? "Empty." : seen.map(caption).join(" ");
    assert.ok(answered.includes(`assistant\n[[${said}`), answered);
    const found = /At which second.*\[\[I see \w+\.<answer>\\boxed\{(\d+)\}/s.exec(answered);
    if (found !== null && seen.length === 1)
      assert.ok(new RegExp(`${found[1]}\\.\\d<\\|vision_start\\|><${seen[0]}>`).test(answered), answered);
    assert.match(answered, /( Guess\.)?<answer>\\boxed\{[^}]+\}<\/answer>\]\]$/);
  }
});

test("samples of one stream are deterministic and mix the kinds", () => {
  const draw = (): unknown[] =>
    Array.from({ length: 40 }, (_, i) => videoPretrainSample({ template }, codec, randomStream("mix", i)));
  assert.deepEqual(draw(), draw());
  const kinds = new Set(draw().map((sample) => (sample as { readonly kind: string }).kind));
  assert.deepEqual([...kinds].sort(), ["episode", "first", "frames"]);
});

test("the corpus holds all that is read and written, without special tokens", () => {
  const text = [...videoCorpus({ seed: 1, template, episodes: 300 })].join("\n");
  for (const piece of [
    "Look with Python.",
    "What colour is the disc at second ",
    "How many discs show up?",
    "Where does the disc go?",
    "plt.imshow(video_clue_0[4*",
    "s=np.flatnonzero((b!=b[0]).any((1,2,3)))",
    "print(len(s))",
    ".mean(0)//42@[2,1,0])",
    "print(s[0])",
    "s[s>=",
    "<tool_response></tool_response>",
    "<tool_response>2.0</tool_response>",
    "NameError: name 'video' is not defined",
    "Fix the name.",
    "Wrong second. Look",
    "Guess.<answer>\\boxed{",
    "timeout",
  ])
    assert.ok(text.includes(piece), piece);
  assert.doesNotMatch(text, /<\||\{figures\}|\{stdout\}|\{image\}/);
});

test("the contact sheet shows each kind, and a disc where the clip has one", () => {
  const tasks = videoSheetTasks(createVideoWorld({ seed: 0, split: "train", folder: "/nonexistent" }), 12);
  assert.deepEqual(
    tasks.map((task) => task.kind),
    VIDEO_KINDS.flatMap((kind) => [`video-${kind}`, `video-${kind}`]),
  );
  const one = tasks.slice(0, 1);
  const sheet = videoContactSheet(one);
  assert.deepEqual([sheet.width, sheet.height], [32 + 24 + 20 * 46, 32 + 34 + 5 * 51]);
  // The thumbnail's middle of the disc: 24 px of labels, 46 x 51 px a second, 16 px of margin, 36 px of heading.
  const { clip } = tasks[0] as (typeof tasks)[number];
  const [disc] = clip.showings;
  assert.ok(disc);
  const x =
    16 + 24 + (disc.second % 20) * 46 + Math.floor(((disc.place.endsWith("right") ? 63 : 21) + disc.dx) / 2);
  const y = 16 + 36 + Math.floor(disc.second / 20) * 51 + Math.floor(((disc.place.startsWith("bottom") ? 63 : 21) + disc.dy) / 2); // prettier-ignore
  const from = (y * sheet.width + x) * 3;
  assert.equal(colourOf(sheet.data.subarray(from, from + 3)), disc.colour);
});
