import assert from "node:assert/strict";
import { test } from "node:test";
import { randomStream } from "../../core/random.ts";
import { assertLinear } from "../../core/testGrowth.ts";
import type { BenchmarkName } from "../../tasks/benchmarks/item.ts";
import { choiceIn, scoreChoice } from "./choice.ts";
import { hrbenchScorer } from "./hrbench.ts";
import { brokenPromises, lettersOf, randomTexts, scoredFields } from "./testing.ts";
import type { ScoredFields } from "./scorer.ts";
import { vsiBenchScorer } from "./vsiBench.ts";
import { vstarScorer } from "./vstar.ts";

const SIDES = lettersOf("left", "right", "back-left");

test("an option by letter, by text, or by both, after words that lead it in", () => {
  const chosen = [
    ["B", "B"],
    ["right", "B"],
    ["B. right", "B"],
    ["B. It is right", "B"],
    ["It is the right", "B"],
    ["So the answer is back-left.", "C"],
    ["F", "F"],
  ] as const;
  for (const [answer, letter] of chosen) assert.equal(choiceIn(answer, SIDES), letter, answer);
});

test("what names two options, or denies one, chooses none", () => {
  const open = [
    "B. to the left",
    "B. to the right of the sofa",
    "It stands on the right",
    "Answer with the letter of the right option.",
    "B. right or A",
    "left, then right",
    "not right",
    "The right one is wrong",
    "B, right?, C",
    "back",
    "C is right",
  ];
  for (const answer of open) assert.equal(choiceIn(answer, SIDES), undefined, answer);
});

test("options that stand in the picture have letters alone", () => {
  assert.equal(choiceIn("B, because the car is red", []), "B");
  for (const answer of ["B. the red car", "B. Eliminated", "B\nEliminated"])
    assert.equal(choiceIn(answer, []), undefined, answer);
  assert.equal(choiceIn("the red car", []), undefined);
  assert.deepEqual(scoreChoice("b", { answer: "B", options: [] }), {
    stage: "rule",
    score: 1,
    extracted: "B",
  });
});

const NUMBERS = lettersOf("12", "20", "24", "No correct answer");
const COLORS = lettersOf("red", "blue", "green", "black");

test("a letter in any dress, with its option's text in any place", () => {
  const forms = String.raw`C|c|(C)|C.|C)|[C]|{C}|<C>|<<C>>|**C**|**C.**|__C__|*C*|$C$|\(C\)|"C"|C!|\textbf{(C)}|\mathbf{C}
    |\textbf{(C)} 24|\textbf{(C)}\ 24|\textbf{C.} 24|\text{C}~\text{24}|\text{C. $24$}|\boxed{C}. 24|24 (C)|C, 24|C is correct
    |**C**. 24|**C**: 24|C (24)|Option C (24)|Option C: 24|C - 24|C 24|C.24|c. 24|C. 24.|C (C)|答案：C|选C|I choose C|（C）
    |C. It is 24|The correct answer is option C.|24|24.0|$24$|It is 24|The answer is 24.`;
  for (const answer of forms.split(/\s*\|/)) assert.equal(choiceIn(answer, NUMBERS), "C", answer);
});

test("a reason after a line break or a word that says so, which names no other option", () => {
  const given = [
    "C, because the drawing shows it",
    "C because it is twice twelve",
    "C. Since a closer look confirms it",
    "C\nThe drawing shows it.",
    "C. 24\nThe drawing shows it.",
    "24, since it is shown",
  ];
  for (const answer of given) assert.equal(choiceIn(answer, NUMBERS), "C", answer);
  const open = [
    "C, because B is too small",
    "C\nB. 20",
    "C\nEliminated",
    "C\nWait, that is wrong.",
    "C because it is 20",
    "C. The drawing shows it",
  ];
  for (const answer of open) assert.equal(choiceIn(answer, NUMBERS), undefined, answer);
});

test("the words of an option do not speak against it", () => {
  const kinds = lettersOf("Acute", "Right", "Obtuse", "Cannot be determined");
  assert.equal(choiceIn("D. Cannot be determined because no angle is given", kinds), "D");
  assert.equal(choiceIn("A. Task A\nThe drawing shows it.", lettersOf("Task A", "Task B")), "A");
  assert.equal(choiceIn("It is Finance", lettersOf("HR", "IT", "Finance")), "C");
  assert.equal(choiceIn("IT because it shows most", lettersOf("HR", "IT", "Finance")), "B");
});

test("what only contains the right option's text is open", () => {
  const numbers = lettersOf("154", "100", "90");
  const derived = String.raw`154\pi|154 \pi|154/7|\frac{154}{7}|\sqrt{154}|154 + 1|154^2|154%|154\%|154:1|x > 154|between 154 and 99999
    |From 154 we get 99999|154, 99999|99999 (154)|154 + 99985 = 99999|twice 154|154 or 100|154?|~154|154 不是`;
  for (const answer of derived.split(/\s*\|/)) assert.equal(choiceIn(answer, numbers), undefined, answer);
  const circles = lettersOf(String.raw`$\frac{4}{\pi}$`, "2", String.raw`$\frac{8}{\pi}$`, "4");
  assert.equal(choiceIn(String.raw`4\pi + \frac{8}{\pi}`, circles), undefined);
  assert.equal(choiceIn(String.raw`8/\pi`, circles), "C");
  const ratios = lettersOf("1: 2", "2: 3", "2: 5", String.raw`6:\pi`);
  assert.deepEqual(
    ["1/2", "2:3", "(C) 2/5", String.raw`\frac{6}{\pi}`, "2"].map((answer) => choiceIn(answer, ratios)),
    ["A", "B", "C", "D", undefined],
  );
  assert.equal(choiceIn("c < b < a", lettersOf("$a<b<c$", "$c<b<a$")), "B");
  for (const answer of ["light blue", "blue/purple", "It used to be blue, now purple", "C blue"])
    assert.equal(choiceIn(answer, COLORS), undefined, answer);
  for (const answer of ["around 50 to 60", "50%", "150", "route 50 east"])
    assert.equal(choiceIn(answer, lettersOf("15", "50", "35")), undefined, answer);
});

test("what is taken back, denied or doubted is open, in any words", () => {
  const denied = String.raw`C. Eliminated|C. False|(C) rejected|24 is false|C. 24 is false|the opposite of 24|something other than 24
    |purple rather than 24|nicht 24|不是 24|C. 24 不是|C. vs b|C. oder b|C. 25% / others 75%|~~C~~|\cancel{C}|\bar{C}|!C|~C|-C|C'|C_1|C?`;
  for (const answer of denied.split(/\s*\|/)) assert.equal(choiceIn(answer, NUMBERS), undefined, answer);
});

test("a letter with another option's text contradicts itself, A and signs included", () => {
  const numbers = lettersOf("11", "20", "21", "31");
  for (const answer of ["A 31", "A. 31", "(A) 31", "31 (A)", "A (31)"])
    assert.equal(choiceIn(answer, numbers), undefined, answer);
  assert.deepEqual([choiceIn("a 31", numbers), choiceIn("A 11", numbers)], ["D", "A"]);
  const signs = lettersOf(">", "=", "<", "No correct answer");
  for (const answer of ["B. <", "B) <", "B: <", "(B) >"])
    assert.equal(choiceIn(answer, signs), undefined, answer);
  for (const answer of ["B. =", "B: =", "="]) assert.equal(choiceIn(answer, signs), "B", answer);
});

test("what is called an option is a letter, also where letters are texts", () => {
  const shifted = lettersOf("B", "C", "D", "E");
  for (const answer of [
    "Option D",
    "option D",
    "Choice D",
    "The correct option is D",
    "the answer is option D",
    "D",
  ])
    assert.equal(choiceIn(answer, shifted), "D", answer);
  assert.deepEqual([choiceIn("E", shifted), choiceIn("Option E", shifted)], ["D", "E"]);
  assert.equal(choiceIn("The answer is B", lettersOf(String.raw`$\text{B}$`, String.raw`$\text{G}$`)), "B");
});

test("long and hostile answers take time that grows with their length and no faster", () => {
  for (const part of ["C because ", "\\text{", "C\n", "*C", "(C) - ", "$C", "\\(", "A, "])
    for (const longest of [4000, 400_000])
      assertLinear(
        part,
        longest,
        (length) => void choiceIn(part.repeat(Math.floor(length / part.length)), NUMBERS),
      );
});

test("no answer is wrong without a judge", () => {
  const item = { answer: "B", options: SIDES };
  assert.deepEqual(scoreChoice(undefined, item), { stage: "rule", score: 0 });
  for (const answer of ["", " ", ".", "$$"]) assert.equal(scoreChoice(answer, item).stage, "rule");
});

test("scorers never throw, and score from 0 to 1", () => {
  const texts = randomTexts(randomStream("choices"), 300);
  const item = (benchmark: BenchmarkName, questionType: string, answer: string): ScoredFields =>
    scoredFields({ benchmark, questionType, answer, options: SIDES, question: "Where is it (in meters)?" });
  assert.deepEqual(brokenPromises(vstarScorer, item("vstar", "multi-choice", "B"), texts), []);
  assert.deepEqual(brokenPromises(hrbenchScorer, item("hrbench-4k", "multi-choice", "B"), texts), []);
  for (const [type, answer] of [
    ["object_abs_distance", "1.5"],
    ["room_size_estimation", "0"],
    ["object_counting", "none"],
    ["route_planning", "B"],
  ] as const)
    assert.deepEqual(brokenPromises(vsiBenchScorer, item("vsi-bench", type, answer), texts), []);
});
