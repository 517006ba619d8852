import assert from "node:assert/strict";
import { test } from "node:test";
import { hrbenchScorer, parseScore } from "./hrbench.ts";
import { offlineChoice } from "./reference/offlineChoice.ts";
import { canInfer } from "./reference/vlmevalkitChoice.ts";
import type { Profile, ScoredFields } from "./scorer.ts";
import { textVectorsOf, vectorsOf } from "./vectors.ts";

type Options = ScoredFields["options"];

const colors: Options = [
  { letter: "A", text: "red" },
  { letter: "B", text: "blue" },
  { letter: "C", text: "dark green" },
  { letter: "D", text: "12" },
];

function scoreOf(answer: string, raw: string, profile: Profile, options = colors): number | "JUDGE" {
  const item: ScoredFields = {
    benchmark: "hrbench-4k",
    questionType: "multi-choice",
    question: "What is the color of the sign?",
    answer,
    options,
    details: {},
  };
  const result = hrbenchScorer.score(item, { raw, extracted: undefined }, profile);
  return result.stage === "rule" ? result.score : "JUDGE";
}

test("the reference implementation's script", () => {
  for (const row of textVectorsOf("HRBench", { questionType: "mcq_rule_pyvision", profile: "pyvision" })) {
    const { prediction, groundTruth, expected } = row;
    assert.equal(offlineChoice(prediction, groundTruth, groundTruth), expected, prediction);
    if (prediction !== "") assert.equal(scoreOf(groundTruth, prediction, "pyvision"), expected, prediction);
  }
});

test("VLMEvalKit's inference", () => {
  for (const row of textVectorsOf("HRBench", {
    questionType: "mcq_vlmevalkit_can_infer",
    profile: "vlmevalkit",
  })) {
    const { prediction, groundTruth, extra } = row;
    const options = Object.entries(extra["choices"] as Record<string, string>).map(([letter, text]) => ({
      letter,
      text,
    }));
    const { inferred, hit } = row.expected as { inferred: string | false; hit: number };
    assert.equal(canInfer(prediction, options) ?? false, inferred, prediction);
    const expected = inferred === false && prediction !== "" ? "JUDGE" : hit;
    assert.equal(scoreOf(groundTruth, prediction, "vlmevalkit", options), expected, prediction);
  }
});

test("the authors' judge: every answer but none, and how its reply is read", () => {
  for (const row of vectorsOf("HRBench", { questionType: "judge_reply_parse", profile: "official" }))
    assert.equal(parseScore(row.prediction as string), row.expected);
  assert.deepEqual(["yes, it is", "No", " yes"].map(parseScore), [1, 0, 0]);
  assert.deepEqual([scoreOf("B", "B", "official"), scoreOf("B", "\n", "official")], ["JUDGE", 0]);
});

test("default: an answer's form does not matter, its ambiguity does", () => {
  const boxed = (answer: string): number | "JUDGE" => scoreOf("B", `\\boxed{${answer}}`, "default");
  const right = ["b", "B.", "(B)", "Blue", "B. blue", "B. It is blue", "It is blue."];
  for (const answer of right) assert.equal(boxed(answer), 1, answer);
  const wrong = ["C", "dark green", "It is dark green", "", "F"];
  for (const answer of wrong) assert.equal(boxed(answer), 0, answer);
  const open = [
    "red or blue",
    "A and B",
    "B. red",
    "C. blue",
    "not blue",
    "It isn't blue",
    "cyan",
    "the sign is blue, like the sky",
    "D is wrong, blue",
    "A blue B",
  ];
  for (const answer of open) assert.equal(boxed(answer), "JUDGE", answer);
  assert.equal(scoreOf("C", "The Correct choice is D", "default"), 0);
  assert.equal(scoreOf("C", "The Correct choice is D", "pyvision"), 1);
});

test("option texts of two words are not those of one", () => {
  const greens: Options = [
    { letter: "A", text: "green" },
    { letter: "B", text: "dark green" },
  ];
  assert.equal(scoreOf("B", "\\boxed{it is dark green}", "default", greens), 1);
  assert.equal(scoreOf("A", "\\boxed{it is green}", "default", greens), 1);
  assert.equal(scoreOf("A", "\\boxed{it is blue-green}", "default", greens), "JUDGE");
});
