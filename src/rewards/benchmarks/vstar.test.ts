import assert from "node:assert/strict";
import { test } from "node:test";
import { offlineChoice } from "./reference/offlineChoice.ts";
import type { Profile, RuleScore, ScoredFields } from "./scorer.ts";
import { textVectorsOf } from "./vectors.ts";
import { lmmsLetter, vstarScorer } from "./vstar.ts";

const item = (answer: string, ...texts: readonly string[]): ScoredFields => ({
  benchmark: "vstar",
  questionType: "multi-choice",
  question: "What is the color of the glove?",
  answer,
  options: texts.map((text, i) => ({ letter: "ABCD"[i] ?? "", text })),
  details: {},
});
const gloves = item(
  "A",
  "The color of the glove is red.",
  "The color of the glove is blue.",
  "The color of the glove is dark green.",
  "The color of the glove is green.",
);
const score = (of: ScoredFields, raw: string, profile: Profile = "default", extracted?: string): RuleScore =>
  vstarScorer.score(of, { raw, extracted }, profile);
const judged = (of: ScoredFields, extracted: string): number | "JUDGE" => {
  const result = score(of, "", "default", extracted);
  return result.stage === "rule" ? result.score : "JUDGE";
};

test("the reference implementation's script", () => {
  for (const row of textVectorsOf("V*", {
    questionType: "mcq_correct_is_first_option",
    profile: "pyvision",
  })) {
    const { prediction, groundTruth, expected } = row;
    assert.equal(offlineChoice(prediction, "A", `A. ${groundTruth}`), expected, prediction);
    if (prediction === "") continue;
    const result = score(item("A", groundTruth, "It is blue."), prediction, "pyvision");
    assert.equal(result.stage === "rule" ? result.score : "JUDGE", expected, prediction);
  }
  assert.deepEqual(score(gloves, "\\boxed{B.}", "pyvision"), {
    stage: "rule",
    score: 0,
    extracted: "\\boxed{B.}",
  });
});

test("lmms-eval's letter", () => {
  for (const row of textVectorsOf("V*", { questionType: "mcq_letter", profile: "lmms-eval" })) {
    const { prediction, groundTruth, expected, extra } = row;
    assert.equal(lmmsLetter(prediction) ?? null, extra["extracted"], prediction);
    const result = score(item(groundTruth), prediction, "lmms-eval");
    assert.equal(result.stage === "rule" && result.score, expected, prediction);
  }
});

test("default: letter, text or both, of what the response marks as its answer", () => {
  const right = [
    "A",
    "(a)",
    "**A.**",
    "A. The color of the glove is red.",
    "the color of the glove is red",
    "Option A",
  ];
  for (const answer of right) assert.equal(judged(gloves, answer), 1, answer);
  const wrong = ["B", "d.", "The color of the glove is green.", "E", "", "  ", "."];
  for (const answer of wrong) assert.equal(judged(gloves, answer), 0, answer);
  assert.deepEqual(score(gloves, "It is A."), { stage: "rule", score: 0 });
  assert.deepEqual(score(gloves, "so <answer>\n\\boxed{A}\n</answer>"), {
    stage: "rule",
    score: 1,
    extracted: "A",
  });
});

test("default: what can be read in two ways goes to the judge", () => {
  for (const answer of ["red", "A or B", "AB", "A. The color of the glove is blue.", "It is not the first"])
    assert.equal(judged(gloves, answer), "JUDGE", answer);
});

test("official: the label or the option's text, and no judge", () => {
  const of = (extracted: string): RuleScore => score(gloves, "", "official", extracted);
  assert.deepEqual(of("(A)"), { stage: "rule", score: 1, extracted: "A" });
  assert.deepEqual(of("The color of the glove is red."), { stage: "rule", score: 1, extracted: "A" });
  assert.deepEqual(of("red"), { stage: "rule", score: 0 });
  assert.deepEqual(of(""), { stage: "rule", score: 0 });
  assert.deepEqual(score(item("B"), "B.", "official"), { stage: "rule", score: 1, extracted: "B" });
});
