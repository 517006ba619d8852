import { test } from "node:test";
import assert from "node:assert/strict";
import { loadTemplate } from "../../agent/template.ts";
import { randomStream } from "../../core/random.ts";
import type { Segment, ViewImage } from "../../core/trajectory.ts";
import type { Codec } from "../../engines/engine.ts";
import { worldCorpus } from "./corpus.ts";
import { figureOf } from "./cropView.ts";
import { PRETRAIN_KINDS, pretrainSample } from "./pretrain.ts";
import type { PretrainKind, PretrainSample } from "./pretrain.ts";

/** One token a character; keeps every image it is shown. */
const codec: Codec = {
  imagePadId: 1,
  endOfTurnId: 2,
  encodeText: (text) => Array.from(text, (char) => char.charCodeAt(0)),
  encodeTemplate: (text) => Array.from(text, (char) => char.charCodeAt(0)),
  decode: (tokens) => String.fromCharCode(...tokens),
  viewImage: (pixels): ViewImage => ({ pixels, grid: [1, 6, 6], tokenCount: 9 }),
};
const template = loadTemplate("mini");

/** Sampled text in [[ ]], images as WIDTHxHEIGHT in < >. */
function written(segments: readonly Segment[]): string {
  return segments
    .map((segment) => {
      if (segment.type === "image") return `<${segment.image.pixels.width}x${segment.image.pixels.height}>`;
      const text = codec.decode(segment.tokens);
      return segment.type === "sampled" ? `[[${text}]]` : text;
    })
    .join("");
}

function only(kind: PretrainKind, seed: number, viewShare = 0): PretrainSample {
  const mix = { crops: 0, disc: 0, syntax: 0, answer: 0, [kind]: 1 };
  return pretrainSample({ template, mix, viewShare }, codec, randomStream("pretrain test", seed));
}

const OBSERVED =
  "<|im_end|>\n<|im_start|>user\n<tool_response><|vision_start|><84x84><|vision_end|></tool_response><|im_end|>\n" +
  "<|im_start|>assistant\n";

test("crops: four observations as episodes have them, only the captions are learned", () => {
  const { segments } = only("crops", 1);
  const text = written(segments);
  const captions = [...text.matchAll(/\[\[(.*?)\]\]/g)].map((match) => match[1]);
  assert.deepEqual(captions, ["I see white.", "I see green.", "I see white.", "Empty."]);
  const assistant = text.indexOf("<|im_start|>assistant\n") + "<|im_start|>assistant\n".length;
  assert.equal(text.slice(assistant), captions.map((caption) => `${OBSERVED}[[${caption}]]`).join(""));
});

test("captions are true: the dot's pixels have the colour that is said", () => {
  let beads = 0;
  for (let seed = 0; seed < 40; seed++) {
    const { segments } = only("crops", seed);
    segments.forEach((segment, i) => {
      if (segment.type !== "image") return;
      const said = segments.slice(i).find((later) => later.type === "sampled");
      const caption = said?.type === "sampled" ? codec.decode(said.tokens) : "";
      assert.equal(caption, captionOfPixels(segment.image.pixels.data));
      if (caption !== "Empty.") beads++;
    });
  }
  assert.ok(beads > 90 && beads < 145, `${beads} beads of 160`); // 120 expected
});

test("disc: the first view and its caption", () => {
  const text = written(only("disc", 1).segments);
  assert.match(
    text,
    /<\|vision_start\|><1280x960><\|vision_end\|>What colour is the large disc\?<\|im_end\|>/,
  );
  assert.match(text, /assistant\n\[\[The disc is (red|green|blue|yellow|white|black)\.\]\]$/);
});

test("syntax: a question and the turn that looks, with the first view if asked for", () => {
  const places = new Set<string>();
  for (let seed = 0; seed < 60; seed++) {
    const text = written(only("syntax", seed).segments);
    const match =
      /\[\[Look (.*)\.<code>\n```python\nplt\.imshow\(image_clue_0\.crop\(\((.*)\)\)\)\nplt\.show\(\)\n```\n<\/code>\]\]$/.exec(
        text,
      );
    places.add(`${match?.[1]} ${match?.[2]}`);
    const asked = /(?:bead|beads) at the (top|bottom) (left|right)/.exec(text);
    if (asked !== null) assert.equal(match?.[1], `${asked[1]} ${asked[2]}`);
    assert.doesNotMatch(text, /1280x960/);
  }
  assert.deepEqual([...places].sort(), [
    "bottom left 304,704,336,736",
    "bottom right 944,704,976,736",
    "top left 304,224,336,256",
    "top right 944,224,976,256",
  ]);
  assert.match(written(only("syntax", 0, 1).segments), /<1280x960>/);
});

test("answer: a crop, its caption and the same colour as the answer", () => {
  for (let seed = 0; seed < 20; seed++)
    assert.match(
      written(only("answer", seed).segments),
      /<84x84>.*\n.*\n\[\[I see (\w+)\.<answer>\\boxed\{\1\}<\/answer>\]\]$/s,
    );
});

test("samples of one stream are deterministic and mix the kinds", () => {
  const draw = (): PretrainSample[] => {
    const mix = { crops: 1, disc: 0, syntax: 1, answer: 1 };
    const random = randomStream(5);
    return Array.from({ length: 30 }, () => pretrainSample({ template, mix, viewShare: 0 }, codec, random));
  };
  const samples = draw();
  assert.deepEqual(samples, draw());
  assert.deepEqual([...new Set(samples.map((sample) => sample.kind))].sort(), ["answer", "crops", "syntax"]);
  assert.deepEqual([...PRETRAIN_KINDS].sort(), ["answer", "crops", "disc", "syntax"]);
});

test("a figure is enlarged by a cosine blend of neighbours, as matplotlib does at this size", () => {
  // 2 -> 5 px: centres fall at 0.2, 0.6, 1, 1.4, 1.8 source px, that is -0.3, 0.1, 0.5, 0.9, 1.3 from the first
  // pixel's centre. Weight of the second: 0, 0.5 - 0.5 cos(0.1 pi) = 0.0245, 0.5, 0.9755, 1.
  const crop = { width: 2, height: 1, data: Uint8Array.from([0, 0, 0, 200, 100, 0]) };
  const row = (interpolation: "hann" | "linear" | "nearest"): number[] =>
    [...figureOf(crop, interpolation, 5).data.subarray(0, 15)].filter((_, i) => i % 3 === 0);
  assert.deepEqual(row("hann"), [0, 5, 100, 195, 200]);
  assert.deepEqual(row("linear"), [0, 20, 100, 180, 200]);
  assert.deepEqual(row("nearest"), [0, 0, 200, 200, 200]);
});

test("the corpus holds all that is read and written, without special tokens", () => {
  const text = [...worldCorpus({ seed: 1, template, episodes: 200 })].join("\n");
  for (const piece of [
    "Look with Python.",
    "What colour is the large disc?",
    "How many places have a bead?",
    "plt.imshow(image_clue_0.crop((944,704,976,736)))",
    "<tool_response></tool_response>",
    "NameError: name 'img' is not defined",
    "Fix the name.",
    "Wrong place. Look",
    "Guess.<answer>\\boxed{",
    "3 so far.",
    "Different.<answer>\\boxed{no}</answer>",
    "user\nWhat",
    "timeout",
  ])
    assert.ok(text.includes(piece), piece);
  assert.doesNotMatch(text, /<\||\{figures\}|\{stdout\}|\{image\}/);
});

/** The caption by the most extreme pixel of the figure: each channel is far from 128 only in the dot. */
function captionOfPixels(data: Uint8Array): string {
  let best = 0;
  let name = "Empty.";
  for (let i = 0; i < data.length; i += 3) {
    const offsets = [0, 1, 2].map((c) => (data[i + c] as number) - 128);
    const least = Math.min(...offsets.map(Math.abs));
    if (least <= 60 || least <= best) continue;
    best = least;
    const key = offsets.map((offset) => (offset > 0 ? "+" : "-")).join("");
    const names: Readonly<Record<string, string>> = {
      "+--": "red",
      "-+-": "green",
      "--+": "blue",
      "++-": "yellow",
      "+++": "white",
      "---": "black",
    };
    name = `I see ${names[key]}.`;
  }
  return name;
}
