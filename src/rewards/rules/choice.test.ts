import assert from "node:assert/strict";
import { test } from "node:test";
import type { Verdict } from "../verdict.ts";
import { gradeAmong, gradeChoice } from "./choice.ts";
import { optionsOf } from "./options.ts";

const COLORS = ["red", "blue", "dark green", "a cat"];
const among = (answer: string, truth = "B", options: readonly string[] = COLORS): Verdict =>
  gradeAmong(answer, truth, options);

for (const answer of [
  "B",
  "b",
  "(B)",
  "B)",
  "B.",
  "[B]",
  "**B**",
  "$B$",
  "\\text{B}",
  "\\textbf{(B)}",
  "\\boxed{B}",
  "Option B",
  "option (B).",
  "Answer: B",
  "The answer is B.",
  "The correct answer is (B).",
  "blue",
  "Blue.",
  "the blue",
  "B. blue",
  "(B) Blue",
  "B: blue",
  "B) blue.",
  "B - blue",
  "B blue",
  "\\text{B. blue}",
])
  test(`right: ${answer}`, () => assert.equal(among(answer), "right"));

for (const answer of [
  "",
  "A",
  "red",
  "E",
  "A or B",
  "A and B",
  "A, B",
  "A/B",
  "AB",
  "A B C D",
  "B. red",
  "A. blue",
  "(A) (B)",
  "ABCD",
])
  test(`wrong: ${answer}`, () => assert.equal(among(answer), "wrong"));

// A letter somewhere in prose says nothing by rule, right or wrong as it may be.
for (const answer of [
  "It looks blue to me",
  "Because I see it, B seems right",
  "not B",
  "B, but maybe A",
  "B. purple",
  "a bee",
  "Between A and B I choose B",
  "red, blue, dark green, a cat",
  "blue or red",
  "Not blue",
  "anything but B",
  "If red then A, else B",
  "I would say (B)",
])
  test(`open: ${answer}`, () => assert.equal(among(answer), "unknown"));

test("an article is no letter", () => {
  const pairs = ["A and B", "A and C", "A and D", "B and C"];
  assert.deepEqual(
    pairs.map((answer) => among(answer, "B", pairs)),
    ["wrong", "right", "wrong", "wrong"],
  );
  assert.equal(among("a cat", "D"), "right");
  assert.equal(among("cat", "D"), "right");
  assert.equal(among("A cat", "A"), "wrong");
  assert.equal(among("A cat", "A", ["dog", "cat"]), "wrong");
});

test("options that are letters themselves", () => {
  const letters = ["P", "R", "I", "S"];
  assert.deepEqual(
    [among("R", "B", letters), among("B", "B", letters), among("P", "B", letters)],
    ["right", "right", "wrong"],
  );
  // The text of D and the letter of the fifth.
  assert.equal(among("E", "D", ["A", "B", "C", "E", "none"]), "unknown");
  assert.equal(among("A", "A", ["A", "B", "C"]), "right");
  const orders = ["1,2,3", "2,1,3", "3,1,2"];
  assert.deepEqual([among("$2,1,3$", "B", orders), among("3,1,2", "B", orders)], ["right", "wrong"]);
});

test("the truth may be a letter, the option's text, or both", () => {
  for (const truth of ["B", "(B)", "b.", "blue", "B. blue", "(B) blue"])
    assert.deepEqual(
      [among("B", truth), among("blue", truth), among("A", truth)],
      ["right", "right", "wrong"],
      truth,
    );
});

test("several right options: all of them and no more, in any order", () => {
  for (const truth of ["BC", "B, C", "B\nC", "C and B"])
    assert.deepEqual(
      ["B, C", "CB", "B and C", "(B), (C)", "B", "ABC", "B or C"].map((answer) => among(answer, truth)),
      ["right", "right", "right", "right", "wrong", "wrong", "wrong"],
      truth,
    );
});

test("texts that are numbers or terms are compared as such, equal texts stay open", () => {
  const numbers = ["8", "9", "$\\frac{2}{3}$", "\\sqrt{8}"];
  assert.deepEqual(
    ["9.0", "9", "2/3", "2\\sqrt{2}", "10", "B. 9.0"].map((answer) =>
      ["B", "C", "D"].map((truth) => among(answer, truth, numbers)).indexOf("right"),
    ),
    [0, 0, 1, 2, -1, 0],
  );
  assert.deepEqual(
    ["11/2", "1 1/2", "3/2"].map((answer) => among(answer, "B", ["11/2", "1 1/2"])),
    ["wrong", "right", "right"],
  );
  assert.equal(among("red", "A", ["red", "red", "blue"]), "unknown");
  assert.equal(among("red", "C", ["red", "red", "blue"]), "wrong");
});

test("options that stand in the picture: a text behind the letter passes when it lists and weighs nothing", () => {
  const none = (answer: string): Verdict => gradeAmong(answer, "B", []);
  assert.deepEqual(["B", "(B) no", "B. 400, 300"].map(none), ["right", "right", "right"]);
  for (const answer of ["C. no", "A and B", "B or C", "BC", "B. or C."]) assert.equal(none(answer), "wrong");
  for (const answer of ["B) no, A) yes", "B: not A", "blue", "B. maybe", "A. red B. blue"])
    assert.equal(none(answer), "unknown", answer);
});

test("options are read from a question in the forms that data sets use", () => {
  const expected = ["left", "right", "behind"];
  for (const question of [
    "Where is it?\nA. left\nB. right\nC. behind",
    "Where is it?\n(A) left\n(B) right\n(C) behind\nAnswer with the letter.",
    "Where is it? (A) left (B) right (C) behind",
    "Where is it? Options: A. left; B. right; C. behind",
    "Choices:\nA:left\nB:right\nC:behind",
    "Where is it?\n**A.** left\n**B.** right\n**C.** behind",
    "Where is it?\n- A) left\n- B) right\n- C) behind",
    "Such as:\nA. x\nB. y\n\nWhere is it?\nA. left\nB. right\nC. behind",
  ])
    assert.deepEqual(optionsOf(question), expected, question);
  for (const question of ["Where is point A?", "Is A. Smith here?", "", "(A) left", "B. left\nC. right"])
    assert.deepEqual(optionsOf(question), [], question);
  assert.deepEqual(optionsOf("Which one?\nA.\nB.\nC."), ["", "", ""]);
});

test("from the question itself", () => {
  const question = "Which?\nA. red\nB. blue";
  const grade = (answer: string, truth: string): Verdict =>
    gradeChoice({ question, answer, truth, kind: "" });
  assert.deepEqual([grade("blue", "B"), grade("A", "B"), grade("B", "blue")], ["right", "wrong", "right"]);
});
