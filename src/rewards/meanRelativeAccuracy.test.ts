import assert from "node:assert/strict";
import { test } from "node:test";
import { gradeNumber, meanRelativeAccuracy, relativeAccuracyOf } from "./meanRelativeAccuracy.ts";

// Scores of the benchmark's own code.
for (const [given, truth, expected] of [
  [95, 100, 1],
  [105, 100, 1],
  [90, 100, 0.9],
  [149, 100, 0.1],
  [151, 100, 0],
  [3, 4, 0.6],
  [6, 4, 0.1],
  [2, 4, 0.1],
  [1, 4, 0],
  [20.5, 25.6, 0.7],
  [1.05, 2.1, 0.1],
  [-4, 4, 0],
  [-4, -4, 1],
  [0, 0, 1],
  [1, 0, 0],
] as const)
  test(`${given} for ${truth}: ${expected}`, () =>
    assert.equal(meanRelativeAccuracy(given, truth), expected));

// Scores of the reference implementation, whose errors must be below the bound.
for (const [given, truth, expected] of [
  [90, 100, 0.8],
  [95, 100, 1],
  [85, 100, 0.7],
  [75, 100, 0.5],
  [50, 100, 0],
  [3, 4, 0.5],
  [6, 4, 0],
  [0, 0, 1],
  [NaN, 4, 0],
] as const)
  test(`${given} for ${truth}, strictly: ${expected}`, () =>
    assert.equal(meanRelativeAccuracy(given, truth, "below"), expected));

test("right from a threshold on; words and digits alike; no number is graded as text", () => {
  assert.deepEqual(
    [28, 27, 52, 53].map((given) => gradeNumber(String(given), "40", 0.5)),
    [1, 0, 1, 0],
  );
  assert.deepEqual(
    [36, 35, 44, 45].map((given) => gradeNumber(`${given}.`, "40", 0.9)),
    [1, 0, 1, 0],
  );
  assert.deepEqual(
    [
      gradeNumber("four", "4", 0.9),
      gradeNumber("3", "4", 0.9),
      gradeNumber("", "4", 0.5),
      gradeNumber("about 4", "4", 0.5),
    ],
    [1, 0, 0, 0],
  );
  assert.deepEqual([gradeNumber("Red", "red", 0.5), gradeNumber("4", "red", 0.5)], [1, 0]);
});

test("of answers in words, 0 for what is no number", () => {
  assert.deepEqual(
    [
      ["46.", "40"],
      ["four", "4"],
      ["soon", "40"],
      ["", "40"],
      ["40", "red"],
    ].map(([given, truth]) => relativeAccuracyOf(given as string, truth as string)),
    [0.8, 1, 0, 0, 0],
  );
});
