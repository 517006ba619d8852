import assert from "node:assert/strict";
import test from "node:test";
import { randomStream } from "../../core/random.ts";
import { tirBenchScore } from "./reference/tirBench.ts";
import { brokenPromises, randomTexts, scoredFields, verdictOf } from "./testing.ts";
import { tirBenchScorer } from "./tirBench.ts";
import { vectorsOf } from "./vectors.ts";

const PROMPT = "Question? Select from the following choices. (A) 9% (B) 13% (C) 17% (D) 21%";

interface Case {
  readonly task: string;
  readonly truth: string;
  readonly prompt?: string;
  readonly image1?: string;
  readonly difficulty?: number;
}

const item = ({ task, truth, prompt = PROMPT, image1 = "data/1.jpg", difficulty }: Case) =>
  scoredFields({
    benchmark: "tir-bench",
    questionType: task,
    answer: truth,
    question: prompt,
    details: { image1, ...(difficulty !== undefined && { difficulty }) },
  });

const isClose = (given: number | "JUDGE", expected: number, about: string): void => {
  assert.ok(given !== "JUDGE" && Math.abs(given - expected) < 1e-6, `${about}: ${given} is not ${expected}`);
};

test("all verdicts of the authors' program", () => {
  let rows = 0;
  for (const row of vectorsOf("TIR-Bench", { profile: "official" })) {
    // The program takes the first of several responses, and nothing for null.
    const first: unknown = Array.isArray(row.prediction) ? row.prediction[0] : row.prediction;
    const prediction = typeof first === "string" ? first : "";
    const {
      prompt,
      image_1: image1,
      meta_data: meta,
    } = row.extra as {
      prompt?: string;
      image_1?: string;
      meta_data?: { difficulty: number };
    };
    const fields = {
      task: row.questionType,
      answer: String(row.groundTruth),
      prompt: prompt ?? "",
      image1: image1 ?? "",
      difficulty: meta?.difficulty,
    };
    const about = `${row.questionType} ${JSON.stringify(row.prediction)}`;
    isClose(tirBenchScore(prediction, fields), row.expected as number, about);
    const scored = tirBenchScorer.score(
      scoredFields({
        benchmark: "tir-bench",
        questionType: fields.task,
        answer: fields.answer,
        question: fields.prompt,
        details: { image1: fields.image1, ...(meta !== undefined && { difficulty: meta.difficulty }) },
      }),
      { raw: prediction, extracted: undefined },
      "official",
    );
    isClose(verdictOf(scored), row.expected as number, about);
    rows++;
  }
  assert.equal(rows, 53);
});

type Row = readonly [answer: string, of: Case, expected: number];

const jigsaw: Case = { task: "jigsaw", truth: "7,3,1,2,4,9,5,8,6", difficulty: 3 };
const lettered: Case = { task: "symbolic", truth: "BC" };
const choice: Case = { task: "color", truth: "B" };
const grid: Case = { task: "word_search", truth: "[17, 1]" };
const count: Case = { task: "math", truth: "12", prompt: "How many cars are there?" };

test("the authors' rules where no row is", () => {
  const rows: Row[] = [
    ["No answer", { task: "maze", truth: "F", prompt: "A. Left F. No answer" }, 1],
    ["(B)", choice, 1],
    ["The answer is B", choice, 1],
    ["12 cars", count, 1],
    ["12.0", count, 1],
    ["17,1", grid, 1],
    ["row 17, column 1", grid, 0],
    ["[1, 17]", grid, 0],
    ["7,3,1,2,4,9,5,6,8", jigsaw, 7 / 9],
    ["[[7,3,1],[2,4,9],[5,8,6]]", jigsaw, 0],
    ["1, 3", { task: "spot_difference", truth: "1, 3, 5" }, 2 / 3],
    ["", { task: "spot_difference", truth: "none" }, 1],
    ["felt", { task: "rotation_game", truth: "left" }, 1],
    ["**B**", choice, 1],
    ["k", { task: "color", truth: "K" }, 0],
    ["a, b", { task: "math", truth: "a, b" }, 0],
  ];
  for (const [answer, of, expected] of rows)
    isClose(
      verdictOf(tirBenchScorer.score(item(of), { raw: answer, extracted: undefined }, "official")),
      expected,
      answer,
    );
});

test("default: what leaves the authors' rules", () => {
  const rows: Row[] = [
    ["13%", choice, 1],
    ["b", choice, 1],
    ["(B) 13%", choice, 1],
    ["no idea", { task: "color", truth: "A" }, 0],
    ["A or B", { task: "color", truth: "A" }, 0],
    ["B, C", lettered, 1],
    ["c and b", lettered, 1],
    ["BCD", lettered, 0],
    ["B", lettered, 0],
    ["Left.", { task: "rotation_game", truth: "left" }, 1],
    ["felt", { task: "rotation_game", truth: "left" }, 0],
    ["3 red and 4 blue", { task: "math", truth: "34" }, 0],
    ["3 red and 4 blue", { task: "math", truth: "4" }, 0],
    ["row 17, column 1", grid, 1],
    ["(17, 1)", grid, 1],
    ["1, 17", grid, 0],
    ["[[7,3,1],[2,4,9],[5,8,6]]", jigsaw, 1],
    ["7-3-1-2-4-9-5-6-8", jigsaw, 7 / 9],
    ["7, 3, 1", jigsaw, 0],
    ["mobi", { task: "ocr", truth: "x", image1: "data/ocr/60.jpg" }, 1],
    ["mobi", { task: "ocr", truth: "x", image1: "data/ocr/160.jpg" }, 0],
    ["The word is HELLO.", { task: "ocr", truth: "HELLO" }, 1],
    ["a, b", { task: "math", truth: "a, b" }, 1],
  ];
  for (const [answer, of, expected] of rows)
    isClose(
      verdictOf(tirBenchScorer.score(item(of), { raw: "", extracted: answer }, "default")),
      expected,
      answer,
    );
});

test("default: what stays with the authors", () => {
  const rows: Row[] = [
    ["12 cars", count, 1],
    ["12.0", count, 1],
    ["24/2", count, 1],
    ["The answer is 12", count, 1],
    ["13", count, 0],
    ["-12", count, 0],
    ["1,200", { task: "math", truth: "1200" }, 1],
    ["60%", { task: "instrument", truth: "0.6" }, 1],
    ["\\frac{3}{5}", { task: "instrument", truth: "0.6" }, 1],
    ["0.61", { task: "instrument", truth: "0.6" }, 0],
    ["1, 3, 5, 7", { task: "spot_difference", truth: "1, 3, 5" }, 0.75],
    ["5 differences", { task: "spot_difference", truth: "5", prompt: "Count the differences." }, 1],
    ["7", { task: "word_search", truth: "7" }, 1],
    ["hello", { task: "ocr", truth: "HELLO" }, 0],
  ];
  for (const [answer, of, expected] of rows)
    isClose(
      verdictOf(tirBenchScorer.score(item(of), { raw: "", extracted: answer }, "default")),
      expected,
      answer,
    );
});

test("default: a number that is only part of the answer is none", () => {
  const four: Case = { task: "math", truth: "4", prompt: "How many dots are there?" };
  for (const answer of [
    "not 4",
    "more than 4",
    "\\neq 4",
    "half of 4",
    "4 million",
    "4e3",
    "4²",
    "\\log 4",
    "4_{16}",
    "9, 4",
    "9 = 4",
    "> 4",
    "4+",
    "4%",
    "4!",
    "4i",
    "4 kg",
    "4 wrong",
    "twice 4",
    "4 (9)",
    "4 4",
    "4?",
    "~~4~~",
  ])
    isClose(
      verdictOf(tirBenchScorer.score(item(four), { raw: "", extracted: answer }, "default")),
      0,
      answer,
    );
  for (const answer of [
    "4",
    "4 dots",
    "It is 4",
    "about 4",
    "\\approx 4",
    "n = 4",
    "2 + 2 = 4",
    "four",
    "4, because I counted",
  ])
    isClose(
      verdictOf(tirBenchScorer.score(item(four), { raw: "", extracted: answer }, "default")),
      1,
      answer,
    );
});

test("official: white space is what Python takes for it", () => {
  const score = (text: string, truth: string): number =>
    tirBenchScore(text, { task: "math", prompt: "", answer: truth, image1: "", difficulty: undefined });
  assert.equal(score("\ufeff19.7", "19.7"), 0);
  assert.equal(score("\x1c19.7", "19.7"), 1);
  assert.equal(score("\\boxed{\\text{160}}", "160"), 1);
  assert.equal(score("$36.28732702495214π$", "114"), 0);
});

test("default: no marked answer is wrong, also of ocr and of truth A", () => {
  for (const of of [
    { task: "color", truth: "A" },
    { task: "ocr", truth: "HELLO" },
    { task: "spot_difference", truth: "none" },
  ])
    for (const raw of ["", "HELLO A", "\\boxed{}"])
      assert.deepEqual(tirBenchScorer.score(item(of), { raw, extracted: undefined }, "default"), {
        stage: "rule",
        score: 0,
      });
});

test("whatever is written, a score from 0 to 1", () => {
  const texts = randomTexts(randomStream("tir-bench"), 80);
  for (const of of [
    choice,
    lettered,
    grid,
    count,
    jigsaw,
    { task: "ocr", truth: "A" },
    { task: "spot_difference", truth: "1, 2" },
  ])
    assert.deepEqual(brokenPromises(tirBenchScorer, item(of), texts), []);
});
