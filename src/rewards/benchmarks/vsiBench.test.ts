import assert from "node:assert/strict";
import { test } from "node:test";
import { numericalReward, ruleMatch } from "./reference/pyvisionRules.ts";
import { lmmsNumber } from "./reference/lmmsNumber.ts";
import { matchNumber, matchOption } from "./reference/vlmevalkitSpatial.ts";
import type { Profile, ScoredFields } from "./scorer.ts";
import { textVectorsOf } from "./vectors.ts";
import { vsiBenchScorer } from "./vsiBench.ts";

interface Asked {
  readonly type: string;
  readonly answer: string;
  readonly question?: string;
  readonly options?: readonly string[];
}

function scoreOf(asked: Asked, raw: string, profile: Profile, extracted?: string): number | "JUDGE" {
  const item: ScoredFields = {
    benchmark: "vsi-bench",
    questionType: asked.type,
    question: asked.question ?? "",
    answer: asked.answer,
    options: (asked.options ?? []).map((text, i) => ({ letter: "ABCD"[i] ?? "", text })),
    details: {},
  };
  const result = vsiBenchScorer.score(item, { raw, extracted }, profile);
  return result.stage === "rule" ? result.score : "JUDGE";
}

test("the authors' rules", () => {
  for (const { questionType, prediction, groundTruth, expected } of textVectorsOf("VSI-Bench", {
    profile: "official",
  })) {
    const asked = { type: questionType, answer: groundTruth };
    assert.equal(scoreOf(asked, prediction, "official"), expected, prediction);
    // The agent's answer is read before the text around it.
    assert.equal(scoreOf(asked, "no answer", "official", prediction), expected, prediction);
  }
});

test("lmms-eval's first number", () => {
  for (const { questionType, prediction, groundTruth, expected } of textVectorsOf("VSI-Bench", {
    profile: "lmms-eval",
  }))
    assert.equal(
      scoreOf({ type: questionType, answer: groundTruth }, prediction, "lmms-eval"),
      expected,
      prediction,
    );
  // Printed by its extract_number.
  const numbers = [
    "twenty-one",
    "three hundred and twenty-one",
    "two thousand five",
    "-3 or four",
    "hundreds",
    "a chair",
    "",
  ];
  assert.deepEqual(numbers.map(lmmsNumber), [21, 321, 2005, -3, undefined, undefined, undefined]);
});

test("VLMEvalKit's letters and numbers", () => {
  for (const { prediction, groundTruth, expected, extra } of textVectorsOf("VSI-Bench", {
    questionType: "mca_vlmevalkit_rule",
    profile: "vlmevalkit",
  })) {
    assert.equal(matchOption(prediction) ?? null, extra["extracted"], prediction);
    assert.equal(
      scoreOf({ type: "route_planning", answer: groundTruth }, prediction, "vlmevalkit"),
      expected,
      prediction,
    );
  }
  for (const { prediction, groundTruth, expected, extra } of textVectorsOf("VSI-Bench", {
    questionType: "na_vlmevalkit_rule",
    profile: "vlmevalkit",
  })) {
    assert.equal(matchNumber(prediction) ?? null, extra["extracted"], prediction);
    assert.equal(
      scoreOf({ type: "object_counting", answer: groundTruth }, prediction, "vlmevalkit"),
      expected,
      prediction,
    );
  }
});

test("the reference implementation's reward and matcher", () => {
  for (const { prediction, groundTruth, expected } of textVectorsOf("VSI-Bench", {
    questionType: "numerical_reward",
    profile: "pyvision",
  })) {
    const { score, isAnswerRight } = numericalReward(prediction, groundTruth);
    assert.deepEqual({ score, is_answer_right: isAnswerRight }, expected, prediction);
    assert.equal(scoreOf({ type: "object_counting", answer: groundTruth }, prediction, "pyvision"), score);
  }
  for (const { prediction, groundTruth, expected } of textVectorsOf("VSI-Bench", {
    questionType: "rule_match",
    profile: "pyvision",
  }))
    assert.equal(ruleMatch(prediction, groundTruth), expected, prediction);
  assert.equal(numericalReward("none", "4").score, 0);
  const asked = { type: "route_planning", answer: "B" };
  assert.equal(scoreOf(asked, "<answer>\n\\boxed{B}\n</answer>", "pyvision"), "JUDGE");
  assert.equal(scoreOf(asked, "<answer>B</answer>", "pyvision"), 0);
});

test("default: one letter, in any form, and never a judge", () => {
  const asked = {
    type: "object_rel_distance",
    answer: "C",
    options: ["chair", "bed", "dark table", "table"],
  };
  const of = (answer: string): number | "JUDGE" => scoreOf(asked, "", "default", answer);
  for (const answer of [
    "C",
    "c.",
    "(C)",
    "C. dark table",
    "C.dark table",
    "The answer is C",
    "Dark table",
    " C",
  ])
    assert.equal(of(answer), 1, answer);
  for (const answer of ["D", "table", "C or D", "C. chair", "not C", "sofa", "", "E"])
    assert.equal(of(answer), 0, answer);
  assert.equal(scoreOf(asked, "I say C", "default"), 0);
  assert.equal(scoreOf(asked, "I say <answer>C</answer>", "default"), 1);
});

test("default: one number, in the unit asked for", () => {
  const distance = {
    type: "object_abs_distance",
    answer: "1.5",
    question: "What is the distance between the bed and the sofa (in meters)?",
  };
  const of = (answer: string): number | "JUDGE" => scoreOf(distance, "", "default", answer);
  for (const answer of [
    "1.5",
    "1.5m",
    "1.5 m",
    "1.50 meters",
    "about 1.5 m",
    "150 cm",
    "~1.5",
    "$1.5$ m",
    "1.5 meters apart",
  ])
    assert.equal(of(answer), 1, answer);
  // |1.3 - 1.5| / 1.5 = 0.133: within eight of the ten bounds.
  assert.equal(of("1.3 meters"), 0.8);
  for (const answer of ["1.5 or 2", "1 to 2", "far", "", "nan", "between 1 and 2"])
    assert.equal(of(answer), 0, answer);
  for (const answer of ["1.5 square meters", "1.5 kg", "1.5 wrong", "1.5 is wrong", "1.5?", "not 1.5"])
    assert.equal(of(answer), 0, answer);
  for (const answer of ["It is 1.5", "\\approx 1.5", "d \\approx 1.5", "1.5, because of the sofa", "1500 mm"])
    assert.equal(of(answer), 1, answer);
  assert.equal(scoreOf(distance, "it is 1.5 m", "default"), 0);
  assert.equal(scoreOf(distance, "it is \\boxed{1.5 \\text{ m}}", "default"), 1);

  const count = { type: "object_counting", answer: "4", question: "How many chair(s) are in this room?" };
  for (const answer of ["4", "four", "4 chairs", "Four chairs.", "4.0"])
    assert.equal(scoreOf(count, "", "default", answer), 1, answer);
  for (const answer of ["4 kg", "4 is wrong", "4 false", "4%", "4 fewer", "4 tables"])
    assert.equal(scoreOf(count, "", "default", answer), 0, answer);
  assert.equal(scoreOf(count, "", "default", "3"), 0.6);
  assert.equal(scoreOf({ type: "object_size_estimation", answer: "1200" }, "", "default", "1,200"), 1);
});

test("hostile responses are scored in time", () => {
  const texts = ["<answer ", "<answer>a", "answer   ", "*", "9", "(A ", "[", "one ", "\\boxed{", " "].map(
    (part) => part.repeat(Math.ceil(60_000 / part.length)),
  );
  const started = performance.now();
  for (const raw of texts)
    for (const profile of vsiBenchScorer.profiles)
      for (const type of ["object_counting", "route_planning"]) {
        const score = scoreOf(
          { type, answer: type === "route_planning" ? "A" : "4", options: ["a", "b"] },
          raw,
          profile,
        );
        assert.ok(score === "JUDGE" || (score >= 0 && score <= 1));
        const again = scoreOf({ type, answer: "4", options: ["a", "b"] }, "", profile, raw);
        assert.ok(again === "JUDGE" || (again >= 0 && again <= 1));
      }
  assert.ok(performance.now() - started < 15_000);
});
