// What a perfect reader of N uniform frames reaches, measured, and by hand where it can be counted.
import assert from "node:assert/strict";
import { test } from "node:test";
import { randomStream } from "../../core/random.ts";
import type { Colour, Place } from "../world/vocabulary.ts";
import { answerOf, drawClip, validAnswers } from "./clip.ts";
import type { Clip, ClipQuestion } from "./clip.ts";
import { videoScript } from "./script.ts";
import { readUniformly, uniformFrames, uniformTurn } from "./uniform.ts";
import { FPS, FRAME_SIZE, VIDEO_KINDS } from "./vocabulary.ts";
import type { VideoKind } from "./vocabulary.ts";
import { DEFAULT_VIDEO_WEIGHTS } from "./videoWorld.ts";

/** As the recipe grades: numbers within 10%, all else by text. */
const isRight = (answer: string, truth: string): boolean =>
  answer === truth || Math.abs(Number(answer) - Number(truth)) <= 0.1 * Number(truth) + 1e-9;

const clips = (kind: VideoKind, count: number): Clip[] =>
  Array.from({ length: count }, (_, i) => drawClip({ [kind]: 1 }, randomStream("uniform test", kind, i)));
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

function oracle(kind: VideoKind, frames: number): number {
  return mean(
    clips(kind, 1000).map((clip) => {
      const { best } = readUniformly(clip, uniformFrames(clip.seconds * FPS, frames), isRight);
      return best.filter((answer) => isRight(answer, answerOf(clip))).length / best.length;
    }),
  );
}

test("frames are equally spaced from first to last", () => {
  assert.deepEqual(uniformFrames(9, 3), [0, 4, 8]);
  assert.deepEqual(uniformFrames(10, 4), [0, 3, 6, 9]);
  assert.deepEqual(uniformFrames(6, 3), [0, 2, 5]); // 2.5 rounds to the even number, as in numpy
  assert.deepEqual(uniformFrames(3, 8), [0, 1, 2]);
  assert.deepEqual(uniformFrames(7, 1), [0]);
});

function clipOf(question: ClipQuestion, shown: readonly (readonly [number, Colour, Place])[]): Clip {
  const showings = shown.map(([second, colour, place]) => ({
    second,
    colour,
    place,
    dx: 0,
    dy: 0,
    radius: 12,
  }));
  return { question, seconds: 60, showings, ground: [0, 0, 0, 0, 0, 0] };
}
const seconds = (...list: readonly number[]): number[] => list.map((second) => second * FPS);

test("a disc that is seen leaves no doubt; one that is not leaves the colours that were not seen", () => {
  const clip = clipOf({ kind: "at", second: 30 }, [[20, "red", "top left"], [30, "blue", "top left"]]); // prettier-ignore
  assert.deepEqual(readUniformly(clip, seconds(5, 30), isRight), {
    seen: [clip.showings[1]],
    best: ["blue"],
    certain: true,
  });
  assert.deepEqual(readUniformly(clip, seconds(20, 40), isRight).best, [
    "green",
    "blue",
    "yellow",
    "white",
    "black",
  ]);
  assert.equal(
    uniformTurn(clip, seconds(5, 30), isRight, randomStream(0)),
    "I see blue.<answer>\\boxed{blue}</answer>",
  );
  assert.match(
    uniformTurn(clip, seconds(5, 20), isRight, randomStream(0)),
    /^I see red\. Guess\.<answer>\\boxed\{(green|blue|yellow|white|black)\}<\/answer>$/,
  );
  assert.match(uniformTurn(clip, seconds(5), isRight, randomStream(0)), /^Empty\. Guess\./);
});

test("order: one disc early in the clip is more likely the first", () => {
  const clip = clipOf({ kind: "order", colours: ["red", "blue"] }, [[15, "red", "top left"], [50, "blue", "top left"]]); // prettier-ignore
  assert.deepEqual(readUniformly(clip, seconds(15, 30), isRight).best, ["red"]);
  assert.deepEqual(readUniformly(clip, seconds(30, 50), isRight).best, ["red"]); // blue is late
  assert.deepEqual(readUniformly(clip, seconds(30), isRight).best, ["red", "blue"]);
});

test("where: a disc at its second place may be on its way still, unless the next second is known", () => {
  const clip = clipOf({ kind: "where" }, [[20, "red", "top left"], [21, "red", "bottom left"]]); // prettier-ignore
  const best = (...list: number[]): readonly string[] => readUniformly(clip, seconds(...list), isRight).best;
  assert.deepEqual(best(20, 21), ["bottom left"]);
  assert.deepEqual(best(21), ["bottom left"]);
  assert.deepEqual(best(20), ["top left"]); // 1/2 against 1/6 each, and wrong
  assert.deepEqual(best(19, 20), ["top right", "bottom left", "bottom right"]);
  assert.equal(best(40).length, 4);
});

// Near the figures of docs/decisions.md (3,000 clips a kind); a bound is three standard errors (0.047) away or more.
const FIGURES: Readonly<Record<number, Readonly<Record<VideoKind, number>>>> = {
  8: { at: 0.25, what: 0.26, when: 0.28, order: 0.54, count: 0.28, where: 0.3 },
  16: { at: 0.34, what: 0.34, when: 0.38, order: 0.61, count: 0.29, where: 0.37 },
  32: { at: 0.53, what: 0.53, when: 0.53, order: 0.71, count: 0.36, where: 0.46 },
  64: { at: 0.84, what: 0.85, when: 0.85, order: 0.91, count: 0.65, where: 0.88 },
};
for (const [frames, byKind] of Object.entries(FIGURES))
  test(`${frames} uniform frames, read perfectly`, () => {
    let mix = 0;
    for (const kind of VIDEO_KINDS) {
      const reached = oracle(kind, Number(frames));
      assert.ok(
        Math.abs(reached - byKind[kind]) < 0.06,
        `${kind}: ${reached.toFixed(3)}, expected ${byKind[kind]}`,
      );
      mix += reached * DEFAULT_VIDEO_WEIGHTS[kind];
    }
    if (Number(frames) <= 32) assert.ok(mix < 0.58, `${mix}`);
  });

test("a frame a second shows everything", () => {
  for (const kind of VIDEO_KINDS) assert.ok(oracle(kind, 128) > 0.995, kind);
});

test("on demand the teacher is always right for at most 27 visual tokens, under 12 in the mean; 32 frames cost 288", () => {
  const tokensOf = (FRAME_SIZE / 28) ** 2;
  assert.equal(32 * tokensOf, 288);
  const tokens = VIDEO_KINDS.map((kind) => {
    const each = clips(kind, 300).map((clip) => {
      const turns = [...videoScript(clip, randomStream(0), { giveUp: 0, wrongPlace: 0, pythonError: 0 })];
      assert.ok(turns.at(-1)?.text.includes(`\\boxed{${answerOf(clip)}}`));
      return turns.filter((turn) => turn.expects?.type === "figure").length * tokensOf;
    });
    assert.ok(Math.max(...each) <= 27);
    return mean(each) * DEFAULT_VIDEO_WEIGHTS[kind];
  });
  const total = tokens.reduce((a, b) => a + b, 0);
  assert.ok(total > 6 && total < 12, String(total));
});

test("guessing without a frame is no better than the best constant", () => {
  for (const [kind, least, most] of [
    ["at", 0.12, 0.21],
    ["what", 0.12, 0.21],
    ["when", 0.05, 0.18],
    ["order", 0.49, 0.51],
    ["count", 0.19, 0.21],
    ["where", 0.24, 0.26],
  ] as const) {
    const guess = mean(
      clips(kind, 1000).map((clip) => {
        const valid = validAnswers(clip);
        return valid.filter((answer) => isRight(answer, answerOf(clip))).length / valid.length;
      }),
    );
    assert.ok(guess > least && guess < most, `${kind}: ${guess}`);
  }
});
