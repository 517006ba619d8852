import assert from "node:assert/strict";
import { test } from "node:test";
import { randomStream } from "../../core/random.ts";
import type { BenchmarkName } from "../../tasks/benchmarks/item.ts";
import { choiceIn, scoreChoice } from "./choice.ts";
import { hrbenchScorer } from "./hrbench.ts";
import { brokenPromises, lettersOf, randomTexts, scoredFields } from "./testing.ts";
import type { ScoredFields } from "./scorer.ts";
import { vsiBenchScorer } from "./vsiBench.ts";
import { vstarScorer } from "./vstar.ts";

const SIDES = lettersOf("left", "right", "back-left");

test("an option by letter, by text, by both, or within a sentence", () => {
  const chosen = [
    ["B", "B"],
    ["right", "B"],
    ["B. right", "B"],
    ["B. to the right of the sofa", "B"],
    ["It stands on the right", "B"],
    ["It stands at the back-left", "C"],
    ["F", "F"],
  ] as const;
  for (const [answer, letter] of chosen) assert.equal(choiceIn(answer, SIDES), letter, answer);
});

test("what names two options, or denies one, chooses none", () => {
  const open = [
    "B. to the left",
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
  assert.equal(choiceIn("B. the red car", []), "B");
  assert.equal(choiceIn("the red car", []), undefined);
  assert.deepEqual(scoreChoice("b", { answer: "B", options: [] }), {
    stage: "rule",
    score: 1,
    extracted: "B",
  });
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
