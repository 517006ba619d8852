import assert from "node:assert/strict";
import test from "node:test";
import { randomStream } from "../../core/random.ts";
import { assertLinear } from "../../core/testGrowth.ts";
import { brokenPromises, lettersOf, randomTexts, scoredFields, verdictOf } from "./testing.ts";
import { textVectorsOf } from "./vectors.ts";
import { wemathLetter, wemathScorer } from "./wemath.ts";

const item = scoredFields({
  benchmark: "wemath",
  questionType: "multi-choice",
  answer: "B",
  options: lettersOf("6cm, 2cm", "400, 300", "4cm", "Because", "No correct answer"),
});

const score = (
  raw: string,
  extracted?: string,
  profile: "default" | "official" = "default",
): number | "JUDGE" => verdictOf(wemathScorer.score(item, { raw, extracted }, profile));

test("the authors' letter", () => {
  for (const { prediction, groundTruth, expected, extra } of textVectorsOf("WeMath", {
    questionType: "extract",
  })) {
    assert.equal(wemathLetter(prediction) ?? null, extra["extracted"], prediction);
    const result = wemathScorer.score(
      { ...item, answer: groundTruth },
      { raw: prediction, extracted: undefined },
      "official",
    );
    assert.equal(verdictOf(result), expected, prediction);
  }
});

test("official: an answer of the agent stands for the template, unless the response has its mark", () => {
  assert.equal(score("It is clear.\n<answer>\n\\boxed{B}\n</answer>", "B", "official"), 1);
  assert.equal(score("", "(B)", "official"), 0);
  assert.equal(score("<Answer>: <<C>>", "B", "official"), 0);
  assert.equal(score("<Thought process>: <<x>>\nAnswer>: <<C>>", "B", "official"), 0);
  for (const said of ["**Answer:**", "Final Answer:", "The Answer choices are listed."])
    assert.equal(score(`${said}\n<answer>\n\\boxed{B}\n</answer>`, "B", "official"), 1, said);
  assert.equal(score("Answer is A. Final Answer: B", undefined, "official"), 1);
  assert.equal(score("Answer: A and B", undefined, "official"), 0);
});

test("default: the letter or the text of one option, of what is marked as the answer", () => {
  for (const answer of ["B", "(B)", "b", "**B**", "B. 400, 300", "400, 300", "The answer is B"])
    assert.equal(score("", answer), 1, answer);
  for (const answer of ["A", "A or B", "Because", "D. Because", "B. 4cm", "", "I", "F"])
    assert.equal(score("", answer), 0, answer);
  assert.equal(score("so \\boxed{B}, done"), 1);
  assert.equal(score("<Thought process>: <<x>> <Answer>: <<(B)>>"), 1);
  assert.equal(score("Answer: B"), 1);
  assert.equal(score("Answer: Because B"), 0);
  assert.equal(score("It is B"), 0);
  assert.equal(score("<Answer>: <<B>> \\boxed{C}"), 0);
});

test("whatever is written, a score from 0 to 1", () => {
  assert.deepEqual(brokenPromises(wemathScorer, item, randomTexts(randomStream("wemath"), 400)), []);
});

test("long responses take time that grows with their length and no faster", () => {
  for (const [before, part] of [
    ["Answer:", " "],
    ["", "Answer"],
    ["Answer: <<", "B "],
  ] as const)
    assertLinear(
      before + part,
      300_000,
      (length) => void score(`${before}${part.repeat(length / part.length)}<x`),
    );
});
