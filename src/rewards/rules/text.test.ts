import assert from "node:assert/strict";
import { test } from "node:test";
import type { Verdict } from "../verdict.ts";
import { gradeExact, gradeText, plainCharacters, unwrapped } from "./text.ts";

const graded = (answer: string, truth: string) => ({ question: "", answer, truth, kind: "" });
const text = (answer: string, truth: string): Verdict => gradeText(graded(answer, truth));

test("the same words in other letters are right", () => {
  for (const [answer, truth] of [
    ["Red", "red"],
    ["The red car.", "red car"],
    ["a  dog", "dog"],
    ["“No Parking”", "no parking"],
    ["\\text{Thursday}", "Thursday"],
    ["**yes**", "Y"],
    ["ＲＥＤ", "red"],
    ["r\u200Bed", "red"],
    ["four", "4"],
    ["It's 5 o’clock", "it's 5 o'clock"],
  ] as const)
    assert.equal(text(answer, truth), "right", answer);
});

test("other words are wrong only where that is certain", () => {
  assert.deepEqual(
    [text("no", "yes"), text("False", "true"), text("5", "4"), text("", "red"), text(" . ", "red")],
    ["wrong", "wrong", "wrong", "wrong", "wrong"],
  );
  assert.deepEqual(
    [text("maroon", "red"), text("red or blue", "red"), text("It is red", "red"), text("yes, it is", "yes")],
    ["unknown", "unknown", "unknown", "unknown"],
  );
});

test("exact: case, spaces within and punctuation count", () => {
  const exact = (answer: string, truth: string): Verdict => gradeExact(graded(answer, truth));
  assert.deepEqual([exact(" HELLO\n", "HELLO"), exact("e\u0301", "é")], ["right", "right"]);
  assert.deepEqual(
    [exact("hello", "HELLO"), exact("HELLO.", "HELLO"), exact("", "")],
    ["wrong", "wrong", "wrong"],
  );
});

test("superscripts and fractions keep their meaning", () => {
  assert.deepEqual(["x²", "5¹²", "½", "3½", "−2", "60º"].map(plainCharacters), [
    "x^{2}",
    "5^{12}",
    "1/2",
    "3 1/2",
    "-2",
    "60°",
  ]);
});

test("what wraps an answer as a whole goes, what stands within stays", () => {
  assert.deepEqual(
    ["$x$", "\\(x\\)", "\\boxed{\\frac{1}{2}}", "**$x$**", "Answer: x", "the final answer is x.", "'x'"].map(
      unwrapped,
    ),
    ["x", "x", "\\frac{1}{2}", "x", "x", "x", "x"],
  );
  assert.deepEqual(
    ["$1$ and $2$", "\\boxed{1} or \\boxed{2}", "**a** b", "3!", "the answer may be x"].map(unwrapped),
    ["$1$ and $2$", "\\boxed{1} or \\boxed{2}", "**a** b", "3!", "the answer may be x"],
  );
});
