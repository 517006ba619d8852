import assert from "node:assert/strict";
import test from "node:test";
import { randomStream } from "../../core/random.ts";
import { dynamathScorer } from "./dynamath.ts";
import { dynamathScore, vlmevalkitDynamath } from "./reference/dynamath.ts";
import type { Profile } from "./scorer.ts";
import { brokenPromises, lettersOf, randomTexts, scoredFields, verdictOf } from "./testing.ts";
import { textVectorsOf } from "./vectors.ts";

const item = (questionType: string, answer: string) =>
  scoredFields({
    benchmark: "dynamath",
    questionType,
    answer,
    question: "What is it?",
    options: questionType === "multiple choice" ? lettersOf("yes", "no") : [],
  });

function scoreOf(
  type: string,
  truth: string,
  extracted: string,
  profile: Profile = "default",
): number | "JUDGE" {
  return verdictOf(dynamathScorer.score(item(type, truth), { raw: "", extracted }, profile));
}

const OFFICIAL = [
  ...textVectorsOf("DynaMath", { questionType: "float" }),
  ...textVectorsOf("DynaMath", { questionType: "multiple choice" }),
  ...textVectorsOf("DynaMath", { questionType: "text" }),
];

test("the authors' rules of numbers, letters and texts", () => {
  for (const { questionType: type, prediction, groundTruth, expected } of OFFICIAL) {
    assert.equal(dynamathScore(prediction, groundTruth, type), expected, prediction);
    const raw = JSON.stringify({ solution: "\\frac{1}{2}", "short answer": prediction });
    const result = dynamathScorer.score(item(type, groundTruth), { raw, extracted: "?" }, "official");
    assert.equal(verdictOf(result), expected, raw);
    assert.equal(scoreOf(type, groundTruth, prediction, "official"), expected, prediction);
  }
  assert.equal(OFFICIAL.length, 26);
});

test("the authors' rules where no row is", () => {
  const rows: [string, string, string, 0 | 1][] = [
    ["float", "13 meters", "13", 1],
    ["float", "13m", "13", 0],
    ["float", "2 π", "6.2832", 0],
    ["float", "5%", "5", 0],
    ["float", "\u221213", "-13", 0],
    ["float", "²", "2", 0],
    ["float", " 13", "13", 0],
    ["float", "nan", "13", 0],
    ["multiple choice", "AB", "B", 1],
    ["multiple choice", "no", "B", 0],
    ["multiple choice", "", "B", 0],
    ["text", "may", "May", 0],
    ["text", "Don't know", "D", 1],
  ];
  for (const [type, answer, truth, expected] of rows)
    assert.equal(dynamathScore(answer, truth, type), expected, `${type} ${answer}`);
});

test("official: numbers, lists and fences of JSON", () => {
  const score = (raw: string, type: string, truth: string): number | "JUDGE" =>
    verdictOf(dynamathScorer.score(item(type, truth), { raw, extracted: undefined }, "official"));
  assert.equal(score('{"short answer": 13.0}', "float", "13"), 1);
  assert.equal(score('```json\n{"solution": "a\nb", "short answer": "13"}\n```', "float", "13"), 1);
  assert.equal(score('{"solution": "\\(x\\)", "short answer": "B"}', "multiple choice", "B"), 1);
  assert.equal(score('{"short answer": ["B"]}', "multiple choice", "B"), 1);
  assert.equal(score('{"short answer": null}', "text", "None"), 1);
  assert.equal(score('{"answer": "13"}', "float", "13"), 0);
});

test("VLMEvalKit's rules, and where it asks a model", () => {
  let asked = 0;
  for (const row of textVectorsOf("DynaMath", { profile: "vlmevalkit" })) {
    const { prediction, groundTruth, expected, extra } = row;
    const type = row.questionType.replace("vlmevalkit_", "").replace("_", " ");
    const { score, extracted } = vlmevalkitDynamath(prediction, groundTruth, type);
    assert.equal(score, expected, prediction);
    assert.equal(extracted ?? null, extra["extracted"], prediction);
    const response = { raw: prediction, extracted: undefined };
    const result = dynamathScorer.score(item(type, groundTruth), response, "vlmevalkit");
    assert.equal(verdictOf(result), extra["llm_calls"] === 0 ? expected : "JUDGE", prediction);
    if (extra["llm_calls"] !== 0) asked++;
  }
  assert.equal(asked, 3);
  assert.equal(vlmevalkitDynamath('{"short answer": ""}', "May", "text").score, 1);
  assert.deepEqual(vlmevalkitDynamath("AB", "A", "multiple choice"), { score: 1, extracted: undefined });
});

test("default: numbers in any notation, within 0.001", () => {
  const right: [string, string][] = [
    ["2.094", "2.0944"],
    ["1/12", "0.0833"],
    ["\\frac{1}{12}", "0.0833"],
    ["1,200", "1200"],
    ["13m", "13"],
    ["13 meters", "13"],
    ["π", "3.1416"],
    ["2\\pi", "6.2832"],
    ["0.667π", "2.0954"],
    ["\u221213", "-13"],
    ["$13$", "13"],
    ["49.001", "49"],
  ];
  for (const [answer, truth] of right) assert.equal(scoreOf("float", truth, answer), 1, answer);
  const wrong: [string, string][] = [
    ["49.0011", "49"],
    ["2.0933", "2.0944"],
    ["13 or 14", "13"],
    ["-13", "13"],
    ["thirteen apples, I think", "14"],
    ["", "0"],
  ];
  for (const [answer, truth] of wrong) assert.equal(scoreOf("float", truth, answer), 0, answer);
});

test("default: what follows a number must be a unit or the counted thing", () => {
  for (const answer of [
    "2.0944 million",
    "2.0944 \\times 10",
    "2.0944%",
    "2.0944 = 6.142",
    "2.0944 to 6.142",
    "2.0944 is wrong; it is 6.142",
    "2.0944 vs 6.142",
    "2.0944 (6.142)",
    "2.0944 \\pm 6.142",
    "2.0944?",
    "~~2.0944~~",
    "2.0944 per unit",
    "2.0944_2",
    "2.0944 apples",
    "6.142 \\approx 2.0944",
    "2.0944\n6.142",
    "2.0944\nNo, 6.142",
    "2.0944, because it is 6.142",
    "2.0944 because that is wrong",
  ])
    assert.equal(scoreOf("float", "2.0944", answer), 0, answer);
  for (const answer of [
    "≈ 2.0944",
    "\\approx 2.0944",
    "x \\approx 2.0944",
    "about 2.0944",
    "It is 2.0944",
    "2.0944, because of the drawing",
    "2.0944\nBecause of the drawing.",
    "2.0944 rad",
    "V = \\frac{2\\pi}{3} \\approx 2.09",
    "2.0944e0",
    "答案：2.0944",
    "2.0944, since 2π/3 = 2.0944",
  ])
    assert.equal(scoreOf("float", "2.0944", answer), 1, answer);
});

test("default: one letter, or its text", () => {
  for (const answer of ["B", "b", "(B)", "(B) no", "no", "Answer: B"])
    assert.equal(scoreOf("multiple choice", "B", answer), 1, answer);
  for (const answer of ["AB", "A", "A or B", "(B) yes", "", "yes"])
    assert.equal(scoreOf("multiple choice", "B", answer), 0, answer);
});

test("default: of two options with one text, the letter decides", () => {
  const options = lettersOf("-2x + -3y", "-2x - 3y", "-3y - 2x", "-2x", "-2x - 3y");
  const score = (extracted: string): number | "JUDGE" =>
    verdictOf(
      dynamathScorer.score({ ...item("multiple choice", "E"), options }, { raw: "", extracted }, "default"),
    );
  assert.deepEqual(["E", "(E) -2x - 3y", "E. -2x - 3y"].map(score), [1, 1, 1]);
  assert.deepEqual(["B", "(B) -2x - 3y", "(E) -2x", "-2x - 3y"].map(score), [0, 0, 0, 0]);
});

test("default: texts by their words", () => {
  const right: [string, string][] = [
    ["September", "Sep"],
    ["sep", "Sep"],
    ["y=-3", "y = -3"],
    ["The line y = -3", "y = -3"],
    ["(3, 1)", "(3.000, 1.000)"],
    ["(-2.7771, -1.136)", "(-2.777, -1.136)"],
    ["69,51,59", "69, 51, 59"],
    ["8:00", "8:0"],
    ["04:45", "4:45"],
    ["It is a Thursday.", "Thursday"],
    ["Node D", "D"],
    ["Product C", "Product C"],
    ["[3,2,3,3,6]", "[3, 2, 3, 3, 6]"],
  ];
  for (const [answer, truth] of right) assert.equal(scoreOf("text", truth, answer), 1, answer);
  const wrong: [string, string][] = [
    ["Don't know", "D"],
    ["A, B, C, D", "D"],
    ["d", "C"],
    ["May or June", "May"],
    ["May, June", "May"],
    ["May is wrong", "May"],
    ["Thursday, Friday", "Thursday"],
    ["Not Thursday", "Thursday"],
    ["Maybe", "May"],
    ["2743", "743"],
    ["y = -3.5", "y = -3"],
    ["(1, 3)", "(3.000, 1.000)"],
    ["(3, 1, 2)", "(3.000, 1.000)"],
    ["4:46", "4:45"],
    ["", "May"],
  ];
  for (const [answer, truth] of wrong) assert.equal(scoreOf("text", truth, answer), 0, answer);
});

test("default: JSON within the answer, or for one", () => {
  const raw = 'So:\n{"solution": "x", "short answer": "(B)"}';
  const score = (extracted?: string): number | "JUDGE" =>
    verdictOf(dynamathScorer.score(item("multiple choice", "B"), { raw, extracted }, "default"));
  assert.equal(score(), 1);
  assert.equal(score('{"short answer": "A"}'), 0);
  assert.equal(score("A"), 0);
});

test("whatever is written, a score from 0 to 1", () => {
  const texts = randomTexts(randomStream("dynamath"), 200);
  for (const [type, truth] of [
    ["float", "2.5"],
    ["multiple choice", "B"],
    ["text", "(3, 1)"],
  ] as const)
    assert.deepEqual(brokenPromises(dynamathScorer, item(type, truth), texts), []);
});
