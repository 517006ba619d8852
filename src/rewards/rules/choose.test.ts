import assert from "node:assert/strict";
import { test } from "node:test";
import type { Verdict } from "../verdict.ts";
import { answerForm, formOf, type GraderOptions, isNumericKind, ruleGrader, truthProblem } from "./choose.ts";
import { gradeFileTask } from "./files.ts";

const auto = ruleGrader({ type: "auto" });
const CHOICE = "Which color?\nA. red\nB. blue\nC. 12";
const by = (answer: string, truth: string, question = ""): Verdict =>
  auto({ question, answer, truth, kind: "k" });

test("the form of an answer is told by question and truth", () => {
  const form = (truth: string, question = "What is it?"): string => answerForm({ question, truth });
  assert.deepEqual(
    [form("B", CHOICE), form("blue", CHOICE), form("12", CHOICE), form("(C)"), form("B, C", CHOICE)],
    ["choice", "choice", "choice", "choice", "choice"],
  );
  assert.deepEqual(
    [form("12"), form("1.5 m"), form("1,200"), form("\\frac{1}{2}"), form("four"), form("60^\\circ")],
    ["number", "number", "number", "number", "number", "number"],
  );
  assert.deepEqual(
    [form("x^2 + 1"), form("(1, 2)"), form("x > 3"), form("\\{1, 2\\}"), form("y = 2x")],
    ["mathematics", "mathematics", "mathematics", "mathematics", "mathematics"],
  );
  assert.deepEqual(
    [form("red"), form("no"), form("NO PARKING"), form("x")],
    ["text", "text", "text", "text"],
  );
});

test("auto grades by that form, whatever form the answer has", () => {
  assert.deepEqual(
    [by("blue", "B", CHOICE), by("B", "blue", CHOICE), by("A", "B", CHOICE)],
    ["right", "right", "wrong"],
  );
  assert.deepEqual([by("four", "4"), by("4 or 5", "4"), by("maybe 4", "4")], ["right", "wrong", "unknown"]);
  assert.deepEqual([by("1 + x^2", "x^2 + 1"), by("x^2", "x^2 + 1")], ["right", "wrong"]);
  assert.deepEqual([by("Red", "red"), by("yes", "no"), by("crimson", "red")], ["right", "wrong", "unknown"]);
});

test("dates, times and ranges are no arithmetic", () => {
  assert.deepEqual(
    [by("2017", "2023-05-01"), by("2023-05-01", "2023-05-01"), by("1:15", "2:30"), by("2:30 ", "2:30")],
    ["unknown", "right", "unknown", "right"],
  );
  assert.deepEqual([by("-1", "4-5"), by("4-5", "-1"), by("4 - 5", "4-5")], ["unknown", "unknown", "unknown"]);
});

test("byKind: each kind its grader, the others theirs", () => {
  const options: GraderOptions = {
    type: "byKind",
    kinds: { size: { type: "meanRelativeAccuracy", least: 0.5 }, sign: { type: "exact" } },
    otherwise: { type: "text" },
  };
  const grade = ruleGrader(options);
  const of = (kind: string, answer: string, truth: string): Verdict =>
    grade({ question: "", answer, truth, kind });
  assert.deepEqual(
    [
      of("size", "90", "100"),
      of("sign", "stop", "STOP"),
      of("other", "stop", "STOP"),
      of("toString", "a", "A"),
    ],
    ["right", "wrong", "right", "right"],
  );
  assert.deepEqual(
    ["size", "sign", "other"].map((kind) => isNumericKind(options, kind)),
    [true, false, false],
  );
  assert.deepEqual(
    ["size", "sign", "other"].map((kind) => formOf(options, { question: "", answer: "", truth: "1", kind })),
    ["number", "text", "text"],
  );
});

test("tasks of files: numbers of the reference's kinds by relative accuracy", () => {
  const of = (kind: string, answer: string): Verdict =>
    gradeFileTask({ question: "How many?", answer, truth: "100", kind });
  assert.deepEqual(
    [of("vsi_numerical", "80"), of("room_rule_verifiable", "80"), of("vsi_choice", "80"), of("x", "100.0")],
    ["right", "right", "wrong", "right"],
  );
});

test("answers with marks of chat or protocol are wrong unread, empty ones too", () => {
  for (const answer of [
    "",
    "  ",
    "4<|im_end|>\n<|im_start|>system",
    "<answer>4</answer>",
    "4 </think>",
    "<interpreter>4",
    "4 <code>",
    "<judge>right</judge>",
  ])
    assert.equal(by(answer, "4"), "wrong", answer);
  assert.equal(by("x < 3", "3 > x"), "right");
});

test("a truth that its own grader does not accept is told", () => {
  const task = (truth: string, question = "") => ({ question, truth, kind: "k" });
  for (const truth of ["4", "B", "red", "\\frac{36}{13}", "8\\sqrt{3} square inches", "(3, -4)", "25%"])
    assert.equal(truthProblem(auto, task(truth)), undefined, truth);
  assert.equal(truthProblem(auto, task(" ")), "the answer is empty");
  assert.match(truthProblem(auto, task("<answer>4</answer>")) ?? "", /finds the answer itself wrong/);
  assert.match(truthProblem(ruleGrader({ type: "choice" }), task("E", CHOICE)) ?? "", /unknown/);
});
