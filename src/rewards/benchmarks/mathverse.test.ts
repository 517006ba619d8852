import assert from "node:assert/strict";
import { test } from "node:test";
import { randomStream } from "../../core/random.ts";
import { lettersOfTruth, mathverseScorer, truthsOf } from "./mathverse.ts";
import { lmmsMathverse, prefetched, quickMatch, trunkResponse } from "./reference/mathverse.ts";
import type { Profile, ScoredFields } from "./scorer.ts";
import { brokenPromises, lettersOf, randomTexts, scoredFields, verdictOf } from "./testing.ts";
import { textVectorsOf, vectorsOf } from "./vectors.ts";

const free = (answer: string): ScoredFields =>
  scoredFields({ benchmark: "mathverse", questionType: "free-form", answer });
const choice = (answer: string, ...texts: readonly string[]): ScoredFields =>
  scoredFields({
    benchmark: "mathverse",
    questionType: "multi-choice",
    answer,
    options: lettersOf(...texts),
  });
const angles = choice("D", "40°", "60°", "120°", "140°");
const score = (of: ScoredFields, raw: string, profile: Profile, extracted?: string): number | "JUDGE" =>
  verdictOf(mathverseScorer.score(of, { raw, extracted }, profile));
const given = (of: ScoredFields, answer: string): number | "JUDGE" => score(of, "", "default", answer);

test("the authors' quick match and last words", () => {
  for (const row of textVectorsOf("MathVerse", { questionType: "quick_match" }))
    assert.equal(Number(quickMatch(row.prediction, row.groundTruth)), row.expected, row.prediction);
  for (const row of vectorsOf("MathVerse", { questionType: "trunk_response" }))
    assert.equal(trunkResponse(row.prediction as string, row.extra["trunk_length"] as number), row.expected);
  assert.equal(trunkResponse("a b", 0), "a b");
});

test("VLMEvalKit's short cut", () => {
  for (const row of textVectorsOf("MathVerse", { questionType: "prefetch" })) {
    assert.equal(Number(prefetched(row.prediction, row.groundTruth)), row.expected, row.prediction);
    const rule = row.expected === 1 ? 1 : row.prediction === "" ? 0 : "JUDGE";
    assert.equal(score(free(row.groundTruth), row.prediction, "vlmevalkit"), rule, row.prediction);
  }
});

for (const questionType of ["multi-choice", "free-form"])
  test(`lmms-eval's verdicts: ${questionType}`, () => {
    for (const row of textVectorsOf("MathVerse", { questionType, profile: "lmms-eval" })) {
      const { score: verdict, extracted } = lmmsMathverse(row.prediction, row.groundTruth);
      assert.deepEqual([verdict, extracted], [row.expected, row.extra["extracted"]], row.prediction);
      assert.equal(score(free(row.groundTruth), row.prediction, "lmms-eval"), row.expected, row.prediction);
    }
  });

test("lmms-eval's letter: form before place", () => {
  for (const [answer, letter] of [
    ["(B) or C.", "C"],
    ["A because C", "A"],
    ["The answer is B, not C", "C"],
    ["I would say: D) 4", "D"],
    ["the best answer is E: five", "E"],
    ["b", ""],
  ] as const)
    for (const truth of "ABCDE")
      assert.equal(
        lmmsMathverse(`<answer>${answer}</answer>`, truth).score,
        truth === letter ? 1 : 0,
        `${answer} ${truth}`,
      );
});

test("official: the judge for all that is not the truth letter by letter", () => {
  assert.equal(score(angles, "", "official", "D"), 1);
  assert.equal(score(angles, "", "official", "d"), "JUDGE");
  assert.equal(score(angles, "", "official"), 0);
  const words = Array.from({ length: 40 }, (_, i) => String(i));
  assert.deepEqual(
    mathverseScorer.score(angles, { raw: words.join(" "), extracted: undefined }, "official"),
    {
      stage: "judge",
      extracted: words.slice(10).join(" "),
    },
  );
});

test("default: letters, texts and values of options", () => {
  for (const answer of ["D", "(D)", "D: 140°", "D. 140°", "140°", "140", "140^\\circ", "**D**"])
    assert.equal(given(angles, answer), 1, answer);
  for (const answer of ["A", "120°", "C: 120°", "A and D", ""])
    assert.equal(given(angles, answer), 0, answer);
  for (const answer of ["an obtuse angle", "150", "A: 140°"])
    assert.equal(given(angles, answer), "JUDGE", answer);
  assert.equal(score(angles, "I am sure that it is D", "default"), 0, "no answer is marked");
  const drawn = { ...choice("B"), details: { questionForEval: "How large is it?\nChoices:\nA:40°\nB:60°" } };
  assert.deepEqual([given(drawn, "60°"), given(drawn, "A"), given(drawn, "b")], [1, 0, 1]);
});

test("default: truths are read without what is around them", () => {
  for (const [truth, answer] of [
    ["14", "14"],
    ["14", "14.0"],
    ["14", "14 cm"],
    ["$\\frac{4}{3}$", "4/3"],
    ["$$r=7.00$$", "7"],
    ["62^\\circ ", "62"],
    ["720 \\mathrm{cm}^3", "720"],
    ["Volume $=874.93 \\mathrm{~cm}^{3}$", "874.93"],
    ["\\[ 2\\sqrt{2} \\]", "\\sqrt{8}"],
    ["=\\frac{7}{4}", "1.75"],
    ["(-3,-3)", "(-3, -3)"],
    ["$[-2,1)$", "[-2, 1)"],
  ] as const) {
    assert.equal(given(free(truth), answer), 1, truth);
    assert.equal(given(free(truth), "5"), "JUDGE", truth);
  }
  assert.equal(given({ ...free("False"), questionType: "multi-choice" }, "False"), 1);
  assert.deepEqual(truthsOf("Volume $=8 \\mathrm{~cm}$"), ["Volume $=8 \\mathrm{~cm}$", "8 \\mathrm{~cm}"]);
});

test("default: a value with a lead is right, one of another unit is for the judge", () => {
  const length = free("$14 \\mathrm{~cm}$");
  assert.deepEqual(
    ["about 14 cm", "AB \\approx 14", "140 mm"].map((answer) => given(length, answer)),
    [1, 1, 1],
  );
  assert.deepEqual(
    ["14 mm", "14 kg", "14?", "9 = 14", "not 14"].map((answer) => given(length, answer)),
    ["JUDGE", "JUDGE", "JUDGE", "JUDGE", "JUDGE"],
  );
});

test("truths of several letters", () => {
  assert.deepEqual(["C", "(C)", "A\nC", "C\nD", "False", "BAD", "090^\\circ T"].map(lettersOfTruth), [
    "C",
    "C",
    "AC",
    "CD",
    undefined,
    undefined,
    undefined,
  ]);
  const both = choice("A\nC", "1", "2", "3", "4");
  assert.deepEqual(
    ["A, C", "C and A", "A\nC", "A and D", "A", "first and third"].map((answer) => given(both, answer)),
    [1, 1, 1, 0, "JUDGE", "JUDGE"],
  );
});

test("any text has a score or goes to the judge", () => {
  const texts = randomTexts(randomStream("mathverse", 0), 400);
  for (const of of [angles, free("14"), free("Volume $=8 \\mathrm{~cm}$"), choice("A\nC")])
    assert.deepEqual(brokenPromises(mathverseScorer, of, texts), []);
});
