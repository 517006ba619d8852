import assert from "node:assert/strict";
import { test } from "node:test";
import { letterAt, letteredOptions, letterList, optionLines, optionsIn } from "./choices.ts";

const parts = (question: string): string[] => optionsIn(question).map((o) => `${o.letter}=${o.text}`);

test("options of a list, as lines and as a list of letters", () => {
  const options = letteredOptions(["8", "9", "10"]);
  assert.equal(optionLines(options), "(A) 8\n(B) 9\n(C) 10");
  assert.equal(letterList(options), "A, B or C");
  assert.equal(letterList(options.slice(0, 2)), "A or B");
  assert.deepEqual([letterAt(0), letterAt(25), letterAt(26)], ["A", "Z", ""]);
});

test("options within a question: in brackets, or a line each", () => {
  assert.deepEqual(parts("Even or odd? choice: (A) even (B) odd"), ["A=even", "B=odd"]);
  assert.deepEqual(parts("Which? (A) 3x + 0y (B) (x - 2)/(y + 4) (C) -3x"), [
    "A=3x + 0y",
    "B=(x - 2)/(y + 4)",
    "C=-3x",
  ]);
  assert.deepEqual(parts("Which group?\nA. Group 1\nB. Group 2\nC. Group 3"), [
    "A=Group 1",
    "B=Group 2",
    "C=Group 3",
  ]);
  assert.deepEqual(parts("The union?\nA: [1, 4]\nB: [3]\n"), ["A=[1, 4]", "B=[3]"]);
  assert.deepEqual(parts("Choices:\nA:a line\nand more\nB:140°"), ["A=a line\nand more", "B=140°"]);
  assert.deepEqual(parts("Of A, B and C?\nChoices: (A) A (B) B (C) C"), ["A=A", "B=B", "C=C"]);
});

test("as many options as there are letters, and a mark too many", () => {
  const marks = Array.from({ length: 30 }, (_, i) => `(${String.fromCharCode(65 + (i % 26))}) ${i}`).join(
    " ",
  );
  assert.deepEqual(
    optionsIn(marks).map(({ letter }) => letter),
    [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"],
  );
});

test("no options: one letter alone, letters without a text, none from A on", () => {
  for (const question of [
    "Is (A) larger?",
    "Which? (A) (B) (C) (D)",
    "The sides (B) and (C)",
    "A. B. Smith asks",
    "",
  ])
    assert.deepEqual(parts(question), [], question);
});
