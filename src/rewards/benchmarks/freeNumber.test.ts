import assert from "node:assert/strict";
import test from "node:test";
import { bareAnswer, sidesOf } from "./bareAnswer.ts";
import { numberIn, numbersOf } from "./freeNumber.ts";

const QUESTION = "How many students are in the two rooms?";
const read = (answer: string): readonly number[] => numbersOf(answer, QUESTION).map(({ number }) => number);

test("a number is the whole of an answer", () => {
  for (const answer of [
    "60",
    "sixty",
    "60.",
    "**60**",
    "٦٠",
    "６０",
    "60 students in the rooms",
    "So 60",
    "60 in total",
    "6e1",
  ])
    assert.deepEqual(read(answer), [60], answer);
  for (const answer of [
    "60 two",
    "60 or so",
    "60 then",
    "(60",
    "60/",
    "no 60",
    "60, 70",
    "60 apples",
    "",
    "x",
    "60 < 70",
    "at 60",
  ])
    assert.deepEqual(read(answer), [], answer);
});

test("the sides of a chain are one number, names aside", () => {
  assert.deepEqual(read("AB = 60"), [60]);
  assert.deepEqual(read("\\frac{1}{3} \\approx 0.333"), [1 / 3, 0.333]);
  assert.deepEqual(read("1 m = 100 cm"), [1, 100]);
  for (const answer of [
    "93 = 60",
    "\\frac{1}{3} \\approx 0.34",
    "1 m = 10 cm",
    "half of x = 60",
    "(1, 2) = 60",
    "60 = x",
  ])
    assert.deepEqual(read(answer), [], answer);
  assert.deepEqual(sidesOf("a = b \\approx c"), ["a", "b", "c"]);
  assert.deepEqual(sidesOf("a \\leq b = c"), ["a \\leq b = c"]);
});

test("in the unit that is asked for", () => {
  assert.equal(numberIn("150 cm", "How far apart are they (in meters)?"), 1.5);
  assert.equal(numberIn("150 kg", "How far apart are they (in meters)?"), undefined);
  assert.equal(numberIn("60 cm", QUESTION), undefined);
});

test("a reason is cut only behind a clean value", () => {
  const isClean = (text: string): boolean => /^\d+$/.test(text);
  assert.equal(bareAnswer("60 because of it", isClean), "60");
  assert.equal(bareAnswer("6x because of it", isClean), "6x because of it");
  assert.equal(bareAnswer("60 because of it"), "60 because of it");
  assert.equal(bareAnswer("60?"), undefined);
});
