import assert from "node:assert/strict";
import test from "node:test";
import { decode } from "fast-png";
import type { Segment, Turn } from "../../core/trajectory.ts";
import { group, trajectory } from "../../learning/testSupport.ts";
import { withAdvantages, type AdvantagedGroup } from "../../learning/selection.ts";
import { rlMedia, trajectoryMarkdown } from "./rlMedia.ts";
import { drawnAt, picture } from "./sampleRun.ts";
import type { ImageUpdate } from "./tracker.ts";

const of = (...members: Parameters<typeof group>[1]): AdvantagedGroup =>
  withAdvantages(group("t", members), { baseline: "totalReward", normalizeByStd: false });
const images = (drawn: readonly AdvantagedGroup[], most: number): ImageUpdate[] =>
  rlMedia(7, 0, drawn, most).filter((update): update is ImageUpdate => update.type === "image");
const image = (source: "prompt" | "observation", place: number): Segment => ({
  type: "image",
  source,
  image: picture(1, place),
});

test("histograms: one value a trajectory, without those that have none", () => {
  const drawn = [of({ accuracy: 1, calls: 2 }, { accuracy: 0 }, { accuracy: undefined, calls: 5 })];
  const lists = Object.fromEntries(
    rlMedia(7, 0, drawn, 0).flatMap((update) =>
      update.type === "histogram" ? [[update.name.replace("histogram/", ""), update.values]] : [],
    ),
  );
  // Judged: 1 + 2 · 0.1 and 0, mean 0.6. The default trajectory has two sampled tokens of ln p -0.5 and -1.5.
  assert.deepEqual(lists, {
    reward: [1.2, 0],
    advantage: [0.6, -0.6],
    response_tokens: [2, 2, 2],
    tool_calls: [2, 0, 5],
    sampled_logprob: [-1, -1, -1],
  });
});

test("a step without a value has no histogram of it", () => {
  const names = rlMedia(7, 0, [of({ accuracy: undefined })], 0).map((u) => ("name" in u ? u.name : ""));
  assert.ok(!names.includes("histogram/reward") && names.includes("histogram/tool_calls"));
  assert.deepEqual(rlMedia(7, 0, [], 4), []);
});

test("the sample is the first whose program showed something, and its images keep pixels, size and order", () => {
  const shown = { accuracy: 0 as const, segments: [image("prompt", 0), image("observation", 1)] };
  const chosen = images([of({ accuracy: 1, segments: [image("prompt", 2)] }, shown)], 4);
  assert.deepEqual(
    chosen.map(({ name, index, width, height, step }) => [name, index, width, height, step]),
    [
      ["trajectory/image_1", 0, 28, 28, 7],
      ["trajectory/image_2", 1, 56, 28, 7],
    ],
  );
  assert.deepEqual([...decode(chosen[1]?.png as Uint8Array).data], [...picture(1, 1).pixels.data]);
  assert.equal(chosen[1]?.caption, "t: shown by the model's program, 56 × 28 pixels, 2 tokens");
});

test("of many images in the prompt only as many as leave room for what the program drew", () => {
  const frames = [0, 0, 0, 0, 0].map((place) => image("prompt", place));
  const many = [of({ accuracy: 0, segments: [...frames, image("observation", 1)] })];
  assert.deepEqual(
    images(many, 4).map(({ width }) => width),
    [28, 28, 28, 56],
  );
  assert.deepEqual(
    images(many, 1).map(({ width }) => width),
    [56],
  );
  assert.deepEqual(images(many, 0), []);
  assert.equal(images(drawnAt(1), 64).length, 3);
});

test("the text shows the turns, and no text breaks out of its block", () => {
  const turns: Turn[] = [
    {
      text: "look ```python\nprint(1)\n```",
      action: { type: "code", code: "print(1)" },
      tool: {
        outcome: { type: "pythonError", errorType: "NameError", message: "x", traceback: "NameError: x" },
        ...{ alive: true, stdout: "1\n", figures: [], elapsedMs: 3 },
      },
      tokenCount: 9,
      stop: "stop",
    },
    { text: "y".repeat(4_100), action: { type: "answer", answer: "4" }, tokenCount: 2, stop: "stop" },
  ];
  const markdown = trajectoryMarkdown(trajectory({ accuracy: undefined, turns }, "t"));
  assert.match(
    markdown,
    /^\*\*t\*\*, member 0: undecided, reward 0, ended as answered\n\nQuestion\n\n```\n\?\n```/,
  );
  assert.ok(markdown.includes("Turn 1\n\n````\nlook ```python\nprint(1)\n```\n````"));
  assert.ok(markdown.includes("Python: pythonError, 0 figures\n\n```\n1\n\n```\n\n```\nNameError: x\n```"));
  assert.ok(markdown.includes("\n… 100 characters more\n"));
});
