import assert from "node:assert/strict";
import { test } from "node:test";
import { randomStream } from "../../core/random.ts";
import { mathvisionScorer, mendedTruth } from "./mathvision.ts";
import { equalAsMathvision, mathvisionAnswer } from "./reference/mathvision.ts";
import type { Profile, ScoredFields } from "./scorer.ts";
import { brokenPromises, lettersOf, randomTexts, scoredFields, verdictOf } from "./testing.ts";
import { textVectorsOf } from "./vectors.ts";

const item = (answer: string, ...texts: readonly string[]): ScoredFields =>
  scoredFields({
    benchmark: "mathvision",
    questionType: texts.length > 0 ? "multi-choice" : "free-form",
    answer,
    options: lettersOf(...texts),
  });
const numbers = item("B", "8", "9", "10", "11", "12");
const score = (of: ScoredFields, raw: string, profile: Profile, extracted?: string): number | "JUDGE" =>
  verdictOf(mathvisionScorer.score(of, { raw, extracted }, profile));
const given = (of: ScoredFields, answer: string): number | "JUDGE" => score(of, "", "default", answer);

for (const questionType of ["free-form", "multi-choice"])
  test(`the authors' verdicts: ${questionType}`, () => {
    for (const row of textVectorsOf("MathVision", { questionType, profile: "official" })) {
      const { prediction, groundTruth, expected, extra } = row;
      assert.equal(mathvisionAnswer(prediction), extra["model_answer_after_extraction"], prediction);
      const of = item(groundTruth, ...(extra["options"] as readonly string[]));
      assert.equal(score(of, prediction, "official"), expected, prediction);
    }
  });

test("VLMEvalKit's verdicts before it asks a language model", () => {
  for (const row of textVectorsOf("MathVision", { questionType: "vlmevalkit_post_check" })) {
    const texts = JSON.parse(String(row.extra["choices"]).replaceAll("'", '"')) as readonly string[];
    const of = item(row.groundTruth, ...texts);
    assert.equal(score(of, row.prediction, "vlmevalkit"), row.expected, row.prediction);
  }
});

test("official reads the response; an answer without a box in it is put into one", () => {
  assert.equal(score(numbers, "It is 9 or so", "official", "B"), 1);
  assert.equal(score(numbers, "<answer>\n\\boxed{C}\n</answer>", "official", "C"), 0);
  assert.equal(score(numbers, "no box (B).", "official"), 1);
});

test("the authors' reader: the beginning of a text, and no mixed numbers", () => {
  for (const [a, b, expected] of [
    ["$\\frac{1}{4}$", "\\frac{1}{4}}oftheareaofabcd", true],
    ["5", "5.so,evenwithoutthediagram", true],
    ["1", "2\\frac{1}{2}", true],
    ["6", "2(3)", true],
    ["$40^{\\circ}$", "40", false],
    ["$\\boxed{\\frac{3}{4}}$", "\\frac{3}{4}", false],
    ["$-\\!2$", "-2", false],
    ["E", "e)", false],
    ["7.39", "e^{2}", true],
    ["2.72", "e", false],
    ["3,4", "3.4", false],
    ["0.33", "\\frac{3^{1008}-1}{3^{1009}}", true],
    ["(2,3)", "(\\frac{4}{2},3)", false],
    ["(0.5,3)", "(\\frac{1}{2},3)", true],
    ["1.005", "1.01", false],
  ] as const)
    assert.equal(equalAsMathvision(a, b), expected, `${a} and ${b}`);
});

test("default: a question of per cent wants no sign, and decimals agree to two", () => {
  const asked = { ...item("B", "20", "25", String.raw`$\frac{73}{3}$`), question: "What percent is it?" };
  const score = (extracted: string, answer: string, question = asked.question): number | "JUDGE" =>
    verdictOf(mathvisionScorer.score({ ...asked, answer, question }, { raw: "", extracted }, "default"));
  assert.deepEqual([score("25%", "B"), score("25%", "B", "How many?")], [1, 0]);
  assert.deepEqual([score("C. 24.33", "C"), score("24.33", "C"), score("C. 24.4", "C")], [1, 1, 0]);
});

test("default: letters and options' texts, however they are set", () => {
  for (const answer of ["B", "b", "(B)", "\\textbf{(B)}", "B. 9", "Answer: B", "9", "9.0", "$9$"])
    assert.equal(given(numbers, answer), 1, answer);
  for (const answer of ["A", "8", "A or B", "C. 9", "7", "", "no idea"])
    assert.equal(given(numbers, answer), 0, answer);
  assert.equal(score(numbers, "So we pick (B).", "default"), 0, "no answer is marked");
  const drawn = { ...item("B"), questionType: "multi-choice" };
  assert.deepEqual([given(drawn, "(B)"), given(drawn, "D")], [1, 0]);
  const fractions = item("B", "$\\frac{1}{2}$", "$\\frac{2}{3}$", "$\\frac{3}{4}$", "1", "2");
  assert.deepEqual(
    [given(fractions, "0.667"), given(fractions, "\\frac23"), given(fractions, "0.7")],
    [1, 1, 0],
  );
  const lengths = item("C", "$20 \\mathrm{~cm}$", "$21 \\mathrm{~cm}$", "$22 \\mathrm{~cm}$");
  assert.deepEqual(
    [given(lengths, "22"), given(lengths, "22\\text{ cm}"), given(lengths, "21 cm")],
    [1, 1, 0],
  );
});

test("default: values with units, to half a unit of the second decimal", () => {
  const angle = item("60");
  for (const answer of ["60", "60.0", "60^\\circ", "60 degrees", "60.004", "x = 60", "\\angle ABC = 60"])
    assert.equal(given(angle, answer), 1, answer);
  for (const answer of ["60.01", "61", "6", "60 or 61", "about"])
    assert.equal(given(angle, answer), 0, answer);
  assert.equal(given(item("$2\\sqrt{2}$"), "2.83"), 1);
  assert.equal(given(item("(3,-4)"), "(3, -4.00)"), 1);
  assert.equal(given(item("(3,-4)"), "(-4,3)"), 0);
  assert.equal(given(item("1:2"), "1:2"), 1);
});

test("default: leads and reasons are passed over, other values are not", () => {
  for (const answer of [
    "≈ 60",
    "\\approx 60",
    "x \\approx 60",
    "about 60",
    "60, because of the angle",
    "60\nBecause of the angle.",
    "It is 60",
    "60 (exactly)",
    "59.9996 \\approx 60",
    "$x$ = $60$",
  ])
    assert.equal(given(item("60"), answer), 1, answer);
  for (const answer of [
    "93 = 60",
    "93 \\approx 60",
    "60?",
    "~~60~~",
    "60%",
    "60 or 70",
    "60, because it is 70",
    "60\nsixty-one",
    "60.\nThe answer is sixty-one",
    "60\nNone",
    "x \\ne 60",
  ])
    assert.equal(given(item("60"), answer), 0, answer);
});

test("default: units by the truth and the question", () => {
  const asked = (question: string, answer: string, truth = "60"): number | "JUDGE" =>
    given({ ...item(truth), question }, answer);
  const area = "What is the area (in $\\mathrm{cm}^{2}$ ) of the square?";
  assert.deepEqual(
    ["60 cm²", "60", "6000 mm^2"].map((answer) => asked(area, answer)),
    [1, 1, 1],
  );
  assert.deepEqual(
    ["60 mm^2", "60 cm", "60 kg"].map((answer) => asked(area, answer)),
    [0, 0, 0],
  );
  const named = "A side is $5 \\mathrm{~cm}$ long. What is the length of the other?";
  assert.deepEqual(
    ["60 cm", "600 mm", "60"].map((answer) => asked(named, answer)),
    [1, 1, 1],
  );
  assert.deepEqual(
    ["60 mm", "60 km", "60 kg", "60 inches"].map((answer) => asked(named, answer)),
    [0, 0, 0, 0],
  );
  assert.equal(asked("A side is 5 cm long. What is the angle ABC?", "60°"), 1);
  const cost = "A ball costs \\$2.50. What do four cost?";
  assert.deepEqual(
    ["$10", "10 dollars", "1000 cents", "10 €", "10 cents"].map((answer) => asked(cost, answer, "10")),
    [1, 1, 1, 0, 0],
  );
  const speed = "The train runs 60 km in 2 hours. What is its speed?";
  assert.deepEqual(
    ["30 km/h", "30", "30 m/s", "30 kg"].map((answer) => asked(speed, answer, "30")),
    [1, 1, 0, 0],
  );
  assert.equal(asked("How many cubes are there?", "60 cm"), 0);
  assert.equal(asked("How many $\\mathrm{cm}^{2}$ of glass are there?", "60 \\mathrm{~cm}^{2}"), 1);
  assert.deepEqual(
    ["60 mm", "60 kg"].map((answer) => asked("What is x?", answer)),
    [1, 1],
  );
  assert.equal(asked("What is x?", "60 mm", "$60 \\mathrm{~cm}$"), 0);
  assert.equal(asked("What is the ratio of the areas?", "1:1", "1"), 1);
});

test("truths that can match nothing are mended", () => {
  for (const [truth, answer] of [
    ["$\\boxed{\\frac{16}{7}}$", "16/7"],
    ["\frac{36}{13}", "36/13"],
    ["69{degrees}", "69"],
    ["8\\sqrt{3}{squareinches}", "8\\sqrt{3}"],
    ["\\frac{3}{4}\\pi{inches}", "\\frac{3\\pi}{4}"],
    ["$\\frac{90}{23}^{\\circ}$", "90/23"],
    ["$\\pi-\\tan ^{-1}\\left(\\frac{1}{d}\\right)$", "\\pi - \\arctan\\frac{1}{d}"],
  ] as const) {
    assert.equal(given(item(truth), answer), 1, truth);
    assert.equal(score(item(truth), `\\boxed{${answer}}`, "official"), 0, truth);
    assert.equal(given(item(truth), "5"), 0, truth);
  }
  assert.equal(mendedTruth("8\\pi"), "8\\pi");
});

test("any text has a score", () => {
  const texts = randomTexts(randomStream("mathvision", 0), 400);
  for (const of of [numbers, item("60"), item("(3,-4)")])
    assert.deepEqual(brokenPromises(mathvisionScorer, of, texts), []);
});
