import assert from "node:assert/strict";
import { test } from "node:test";
import { gradeAnswer } from "./grade.ts";

const right: readonly (readonly [answer: string, truth: string])[] = [
  ["red", "red"],
  [" Red. ", "red"],
  ["light   blue", "Light\nblue"],
  ["ＲＥＤ", "red"],
  ["$4$", "4"],
  ["\\text{red}", "red"],
  ["4.0", "4"],
  ["4", "4.00"],
  ["+4", "4"],
  [".5", "0.5"],
  ["1,000", "1000"],
  ["1e3", "1000"],
  ["four", "4"],
  ["4", "Four"],
  ["-2", "-2.0"],
  ["-0", "0"],
  ["Yes!", "yes"],
  ["Y", "yes"],
  ["n", "No"],
  ["(B)", "B"],
  ["b)", "B"],
  ["B.", "(B)"],
  ["50%", "50%"],
];
const wrong: readonly (readonly [answer: string, truth: string])[] = [
  ["", ""],
  [" . ", "."],
  ["blue", "red"],
  ["red or blue", "red"],
  ["it is red", "red"],
  ["the answer is 4", "4"],
  ["4 or 5", "4"],
  ["4 5", "45"],
  ["1,00", "100"],
  ["1.2.3", "1.23"],
  ["4.01", "4"],
  ["-4", "4"],
  ["forty", "4"],
  ["no", "yes"],
  ["yes, it is", "yes"],
  ["yesno", "yes"],
  ["A B", "A"],
  ["a cat", "A"],
  ["B", "A"],
  ["50", "50%"],
  ["Infinity", "1e999"],
  [".", "0"],
  ["e5", "0"],
];
for (const [answer, truth] of right)
  test(`right: ${JSON.stringify(answer)} for ${JSON.stringify(truth)}`, () =>
    assert.equal(gradeAnswer(answer, truth), 1));
for (const [answer, truth] of wrong)
  test(`wrong: ${JSON.stringify(answer)} for ${JSON.stringify(truth)}`, () =>
    assert.equal(gradeAnswer(answer, truth), 0));
