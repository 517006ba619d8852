import assert from "node:assert/strict";
import { test } from "node:test";
import { answerIn, chosenOption, lastBoxed, lettered, strictAnswer } from "./extract.ts";

const inText = (raw: string): string | undefined => answerIn({ raw, extracted: undefined });

test("the protocol's answer goes before the text's", () => {
  assert.equal(answerIn({ raw: "<answer>C</answer>", extracted: " B " }), "B");
  assert.equal(answerIn({ raw: "<answer>C</answer>", extracted: "" }), undefined);
});

test("forms of an answer, strictest first", () => {
  assert.equal(inText("<answer>\n\\boxed{A}\n</answer> <answer>B</answer>"), "A");
  assert.equal(inText("<answer>A</answer> or rather <answer> B </answer>"), "B");
  assert.equal(inText("<answer>\\boxed{\\frac{1}{2}}</answer>"), "\\frac{1}{2}");
  assert.equal(inText("<answer>It is \\boxed{A}</answer>"), "It is \\boxed{A}");
  assert.equal(inText("<answer>\\boxed{\\boxed{A}}</answer>"), "\\boxed{A}");
  assert.equal(inText("first \\boxed{3}, then \\boxed{4}, done"), "4");
  assert.equal(inText("\\boxed{\\text{a \\} b}}"), "\\text{a \\} b}");
  assert.equal(inText("\\boxed{3} and then \\boxed{4"), "3");
});

test("prose is no answer", () => {
  for (const raw of [
    "",
    "The answer is 4.",
    "B",
    "<answer>4",
    "4</answer>",
    "<answer> </answer>",
    "\\boxed{}",
  ])
    assert.equal(inText(raw), undefined, raw);
});

test("the strict form is the first in the text and may hold lines", () => {
  assert.equal(strictAnswer("x<answer>\n\\boxed{ A\nB }\n</answer><answer>\n\\boxed{C}\n</answer>"), "A\nB");
  assert.equal(strictAnswer("<answer>\\boxed{A}</answer>"), undefined);
});

test("a megabyte of open boxes takes one pass", () => {
  assert.equal(lastBoxed(`${"\\boxed{".repeat(150_000)}x}`), "x");
  assert.equal(lastBoxed("{".repeat(1_000_000)), undefined);
});

test("a letter, however it is dressed", () => {
  const of = (text: string): string | undefined => lettered(text, "ABCD");
  const same = [
    "B",
    "b",
    "(B)",
    "B)",
    "[B]",
    "B.",
    "B:",
    "**B**",
    "**B.**",
    "$B$",
    "\\text{B}",
    "\\boxed{B}",
    " B\n",
    "B. blue",
    "(B) the blue car",
    "B: blue",
    "Option B",
    "option (B)",
    "The answer is B",
    "The answer is B.",
    "Answer: B",
    "The correct option is B",
  ];
  for (const text of same) assert.equal(of(text), "B", text);
  const none = [
    "",
    "E",
    "AB",
    "A or B",
    "A and B",
    "A, B",
    "B. blue, or C. red",
    "A cat sits here",
    "I think it is B",
    "blue",
    "not B",
    "(A) is wrong, so (B)",
    "12",
  ];
  for (const text of none) assert.equal(of(text), undefined, text);
});

test("an option's text stands for its letter", () => {
  const options = ["red", "blue", "dark green", "12"].map((text, i) => ({ letter: "ABCD"[i] ?? "", text }));
  const of = (text: string): string | undefined => chosenOption(text, options);
  assert.deepEqual(["Blue.", "the blue", "B. blue", "12", "dark  green", "(C)"].map(of), [
    "B",
    "B",
    "B",
    "D",
    "C",
    "C",
  ]);
  assert.deepEqual(["blueish", "B. red", "red or blue", "E", "green"].map(of), Array(5).fill(undefined));
});
