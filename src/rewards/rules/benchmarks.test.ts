// Verdicts recorded from the published scorers of benchmarks and from Math-Verify 0.8.0, which these rules were not made from.
// Where a scorer is known to err (a letter found anywhere in prose, units dropped, text sliced by position) the rules differ
// on purpose; these rows stand apart, with the reason.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Verdict } from "../verdict.ts";
import { gradeAmong } from "./choice.ts";
import { type LeafGraderOptions, ruleGrader } from "./choose.ts";

type Row = readonly [answer: string, truth: string, isRight: 0 | 1];

function check(name: string, options: LeafGraderOptions, rows: readonly Row[], question = ""): void {
  const grade = ruleGrader(options);
  checkBy(name, (answer, truth) => grade({ question, answer, truth, kind: "" }), rows);
}

function checkBy(
  name: string,
  grade: (answer: string, truth: string) => Verdict,
  rows: readonly Row[],
): void {
  test(name, () => {
    const verdicts = rows.map(([answer, truth]) => [answer, truth, grade(answer, truth) === "right" ? 1 : 0]);
    assert.deepEqual(verdicts, rows);
  });
}

const MATHEMATICS: LeafGraderOptions = { type: "mathematics", decimals: 6 };

check("Math-Verify", MATHEMATICS, [
  ["50%", "0.5", 1],
  ["$y$", "$x$", 0],
  ["5", "5 cm", 1],
  ["$(1,2)$", "$(1,2)$", 1],
  ["$2\\sqrt{2}$", "$\\sqrt{8}$", 1],
  ["50%", "50", 1],
  ["5", "$\\$5$", 1],
  ["1200", "$1.2\\times 10^3$", 1],
  ["$3<x$", "$x>3$", 1],
  ["$\\sqrt{-1}$", "$i$", 0],
  ["$\\infty$", "$\\infty$", 1],
  ["3.14", "$\\pi$", 0],
  ["", "5", 0],
  ["$x\\ge3$", "$x>3$", 0],
  ["$3=x$", "$x=3$", 1],
  ["$\\frac{1}{3}$", "0.3333", 0],
  ["12 is right, not 13", "12", 0],
  ["50", "$50\\%$", 0],
  ["$[3,\\infty)$", "$x\\ge 3$", 1],
  ["1,2", "$(1,2)$", 0],
  ["3", "-3", 0],
  ["$60$ degrees", "$60^\\circ$", 1],
  ["The answer is \\boxed{0.75}.", "\\boxed{\\frac{3}{4}}", 1],
  ["6", "$\\binom{4}{2}$", 1],
  ["$ba^2$", "$a^{2}b$", 1],
  ["\\boxed{3} or \\boxed{2}", "\\boxed{3}", 0],
  ["2.5", "$2\\frac{1}{2}$", 1],
  ["$\\frac12$", "$\\frac{1}{2}$", 1],
  ["$\\text{east}$", "$\\text{east}$", 1],
  ["$\\frac{1}{\\sqrt{3}}$", "$\\frac{\\sqrt{3}}{3}$", 1],
  ["1,000", "1000", 1],
  ["1.414214", "$\\sqrt{2}$", 1],
  ["0.1234569", "$0.1234567$", 1],
  ["$x+2=5$", "$2x+4=10$", 0],
  ["\\boxed{\\sqrt 2}", "\\sqrt{2}", 1],
  ["$x=3$", "3", 1],
  ["$\\{2,1\\}$", "$\\{1,2\\}$", 1],
]);

check("MATH-V, free form: two decimals", { type: "mathematics", decimals: 2 }, [
  ["\\boxed{(3, -4.00)}", "(3,-4)", 1],
  ["\\boxed{8\\pi}", "8\\pi", 1],
  ["\\boxed{2.83}", "$2\\sqrt{2}$", 1],
  ["\\boxed{\\sqrt{8}}", "$2\\sqrt{2}$", 1],
  ["\\boxed{1:2}", "1:2", 1],
  ["\\boxed{60.01}", "60", 0],
  ["\\boxed{60\\%}", "60", 1],
  ["The answer is 60.", "60", 1],
  ["\\boxed{1,200}", "1200", 1],
  ["", "7", 0],
  ["\\boxed{(-4,3)}", "(3,-4)", 0],
]);

const NUMBERS = ["8", "9", "10", "11", "12"];
checkBy("MATH-V, multiple choice", (answer, truth) => gradeAmong(answer, truth, NUMBERS), [
  ["\\boxed{(B)}", "B", 1],
  ["\\boxed{9}", "B", 1],
  ["\\boxed{9.0}", "B", 1],
  ["(B)", "B", 1],
  ["\\boxed{b}", "B", 1],
  ["The answer is B.", "B", 1],
  ["Therefore the final answer is 9", "B", 1],
  ["", "B", 0],
]);

const COLORS = ["red", "blue", "dark green", "12"];
checkBy(
  "HR-Bench, multiple choice: what its matcher leaves open is not right",
  (answer, truth) => gradeAmong(answer, truth, COLORS),
  [
    ["red or blue", "A", 0],
    ["A and B", "A", 0],
    ["Cannot determine the answer", "B", 0],
    ["\\boxed{C}", "C", 1],
    ["(B)", "B", 1],
    ["B", "B", 1],
    ["Z", "B", 0],
    ["", "B", 0],
  ],
);

check(
  "DynaMath, numbers to 0.001",
  { type: "number", relativeTolerance: 0, absoluteTolerance: 0.001, units: "convert" },
  [
    ["2.0944", "2.0944", 1],
    ["2.0933", "2.0944", 0],
    ["2.0955", "2.0944", 0],
    ["2.0π", "6.2832", 1],
    ["13", "13", 1],
    ["49.001", "49", 1],
    ["49.0011", "49", 0],
  ],
);

check(
  "TIR-Bench, numbers",
  { type: "number", relativeTolerance: 0, absoluteTolerance: 0, units: "convert" },
  [
    ["24/2", "12", 1],
    ["1,200", "1200", 1],
    ["The answer is 12", "12", 1],
    ["\\boxed{12}", "12", 1],
    ["-12", "12", 0],
    ["$12$", "12", 1],
    ["0.6 cm", "0.6", 1],
    ["60%", "0.6", 1],
    ["3/5", "0.6", 1],
    ["\\frac{3}{5}", "0.6", 1],
    ["0.61", "0.6", 0],
    [".6", "0.6", 1],
  ],
);

check("VSI-Bench, right from a relative accuracy of 0.5 on", { type: "meanRelativeAccuracy", least: 0.5 }, [
  ["0", "0", 1],
  ["1", "0", 0],
  ["90", "100", 1],
  ["75", "100", 1],
  ["50", "100", 0],
  ["4.", "4", 1],
  ["6", "4", 0],
  ["2", "4", 0],
  ["nan", "4", 0],
  ["four", "4", 1],
  ["1.5m", "1.5", 1],
  ["20.5", "25.6", 1],
  ["In frame 12 I count 4 chairs", "4", 0],
]);

check("MathVerse, free form", MATHEMATICS, [
  ["1.333333", "$\\frac{4}{3}$", 1],
  ["1.333", "$\\frac{4}{3}$", 0],
  ["$r=7$", "$$r=7.00$$", 1],
  ["7", "$$r=7.00$$", 1],
  ["$62^\\circ$", "62^\\circ ", 1],
  ["874.93", "Volume $=874.93 \\mathrm{~cm}^{3}$", 1],
  ["720", "720 \\mathrm{cm}^3", 1],
  ["14.0", "14", 1],
]);

check("MathRuler", MATHEMATICS, [
  ["\\boxed{[1,2]}", "(1,2)", 0],
  ["\\boxed{0.5}", "\\frac{1}{2}", 1],
  ["\\boxed{2\\sqrt{2}}", "2 \\sqrt { 2 }", 1],
  ["\\boxed{5.1}", "5", 0],
  ["\\boxed{(1,2)}", "(1, 2)", 1],
  ["\\boxed{1,000}", "1000", 1],
]);

test("on purpose otherwise than the published scorers", () => {
  const mathematics = ruleGrader(MATHEMATICS);
  const by = (answer: string, truth: string): Verdict =>
    mathematics({ question: "", answer, truth, kind: "" });
  // Math-Verify drops units, keeps relations and intervals apart one way round, and reads bare LaTeX not at all.
  assert.equal(by("$5\\text{ m}$", "$5\\text{ cm}$"), "wrong");
  assert.equal(by("$1\\le x\\le 2$", "$[1,2]$"), "right");
  assert.equal(by("\\sqrt{2}", "\\sqrt{2}"), "right");
  // To Math-Verify every list is a set; here one in another order is open, since the question may ask for an order.
  assert.equal(by("$15$ and $12$", "$12$ and $15$"), "unknown");
  // Math-Verify takes degrees for a number without a unit; an angle is the same in radians, which pi tells.
  assert.equal(by("$\\frac{\\pi}{3}$", "$60^\\circ$"), "right");
  // MathRuler wants fractions in lowest terms.
  assert.equal(by("\\boxed{10/2}", "5"), "right");
  // The first letter of a word, the last of several boxes, a letter anywhere, an option's text in a sentence.
  assert.equal(gradeAmong("I am not sure", "A", []), "unknown");
  assert.equal(gradeAmong("\\boxed{C} wait \\boxed{B}", "B", NUMBERS), "unknown");
  assert.equal(gradeAmong("It looks blue to me", "B", COLORS), "unknown");
  assert.equal(gradeAmong("None", "A", COLORS), "unknown");
  // Forms that some scorers do not read.
  assert.equal(gradeAmong("\\boxed{\\textbf{(B)}}", "B", NUMBERS), "right");
  assert.equal(gradeAmong("Answer: B", "B", NUMBERS), "right");
});
