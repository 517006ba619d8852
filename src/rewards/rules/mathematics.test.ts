import assert from "node:assert/strict";
import { test } from "node:test";
import type { Verdict } from "../verdict.ts";
import { gradeMathematics } from "./mathematics.ts";

const grade = (answer: string, truth: string, question = "", decimals = 6): Verdict =>
  gradeMathematics({ question, answer, truth, kind: "" }, { decimals });

// Values worked out by hand or known identities; the benchmark's own verdicts are in benchmarks.test.ts.
const right: readonly (readonly [answer: string, truth: string])[] = [
  ["0.5", "\\frac{1}{2}"],
  ["\\frac12", "\\dfrac{2}{4}"],
  ["\\frac1{\\sqrt3}", "\\frac{\\sqrt{3}}{3}"],
  ["2\\sqrt2", "\\sqrt{8}"],
  ["2sqrt(2)", "√8"],
  ["1.414214", "$\\sqrt{2}$"],
  ["8π", "8\\pi"],
  ["2\\frac{1}{2}", "2.5"],
  ["2 1/2", "\\frac52"],
  ["5½", "5.5"],
  ["5²", "25"],
  ["10^{-3}", "0.001"],
  ["1.2\\times 10^3", "1200"],
  ["1,200", "1200"],
  ["1200", "1{,}200"],
  ["3!", "6"],
  ["\\binom{4}{2}", "6"],
  ["\\log_2 8", "3"],
  ["\\ln e^2", "2"],
  ["\\sin 30^\\circ", "\\frac{1}{2}"],
  ["\\tan^{-1} 1", "\\frac{\\pi}{4}"],
  ["\\sqrt[3]{-8}", "-2"],
  ["\\sin^2 x + \\cos^2 x", "1"],
  ["(x+1)^2", "x^2 + 2x + 1"],
  ["\\frac{x^2 - 1}{x - 1}", "x + 1"],
  ["ba^2", "a^{2}b"],
  ["\\sqrt{x^2}", "|x|"],
  ["50%", "0.5"],
  ["60\\%", "60"],
  ["60", "60^\\circ"],
  ["45 degrees", "45"],
  ["69 degrees", "69{degrees}"],
  ["8\\sqrt{3}", "8\\sqrt{3}{squareinches}"],
  ["\\frac{343}{692224}", "\\frac{7^3}{2^{12} 13^2}"], // 4096 * 169
  ["5 cm", "0.05 m"],
  ["874.93", "Volume $=874.93 \\mathrm{~cm}^{3}$"],
  ["5", "$\\$5$"],
  ["x = 3", "3"],
  ["3", "$x = 3$"],
  ["3 = x", "x = 3"],
  ["f(x) = x^2", "x^2"],
  ["2x + 1", "y = 2x + 1"],
  ["2x - y + 1 = 0", "y = 2x + 1"],
  ["2 + 1 = 3", "3"],
  ["\\pi \\approx 3.14", "\\pi"],
  ["2, 1", "\\{1, 2\\}"],
  ["x = 1 or x = 2", "\\{1, 2\\}"],
  ["x = 1 or 2", "x = 1, x = 2"],
  ["\\pm 3", "-3, 3"],
  ["1 \\pm \\sqrt{2}", "\\{1-\\sqrt2, 1+\\sqrt2\\}"],
  ["\\left( \\frac{1}{2}, 3 \\right)", "(0.5, 3)"],
  ["3 < x", "x > 3"],
  ["[3, \\infty)", "x \\ge 3"],
  ["1 \\le x < 2", "[1, 2)"],
  ["x < 1 or x > 2", "(-\\infty, 1) \\cup (2, \\infty)"],
  ["x \\in [1, 2]", "[1, 2]"],
  ["(1, 2] \\cup [2, 3)", "(1, 3)"],
  ["\\emptyset", "\\{\\}"],
  ["2:4", "1:2"],
  ["3:4", "\\frac{3}{4}"],
  ["\\begin{pmatrix} 1 \\\\ 0.5 \\end{pmatrix}", "\\begin{bmatrix}1\\\\\\frac12\\end{bmatrix}"],
  ["\\text{east}", "East"],
  ["\\boxed{\\frac{1}{2}}", "0.5"],
  ["The answer is $\\frac{3}{4}$.", "0.75"],
];
for (const [answer, truth] of right)
  test(`right: ${answer} for ${truth}`, () => assert.equal(grade(answer, truth), "right"));

const wrong: readonly (readonly [answer: string, truth: string])[] = [
  ["0.3333", "\\frac{1}{3}"],
  ["3.14", "\\pi"],
  ["52", "5²"],
  ["-3", "3"],
  ["4 or 5", "4"],
  ["4, 5", "4"],
  ["\\{4, 5\\}", "5"],
  ["\\pm 4", "4"],
  ["3 = 4 = 5", "5"],
  ["3 \\approx 4", "4"],
  ["y = 3", "x = 3"],
  ["(2, 1)", "(1, 2)"],
  ["(1, 2)", "(1, 2]"],
  ["[1, 2]", "(1, 2)"],
  ["\\{1, 2, 3\\}", "\\{1, 2\\}"],
  ["\\{1\\}", "\\{1, 2\\}"],
  ["x \\ge 3", "x > 3"],
  ["x < 3", "x > 3"],
  ["y > 3", "x > 3"],
  ["3, 1, 2", "1, 2, 3"],
  ["|x|", "x"],
  ["5 m", "5 cm"],
  ["5 s", "5 m"],
  ["2^{100} + 1", "2^{100}"],
  ["12345678901234567891", "12345678901234567890"],
  ["1000001", "1000000"],
  ["0.0000001", "0.0000002"],
  ["9^{9^{9^{9}}}", "1"],
  ["", "5"],
  ["2x", "3x"],
  ["x + 0.001", "x"],
];
for (const [answer, truth] of wrong)
  test(`wrong: ${answer} for ${truth}`, () => assert.equal(grade(answer, truth), "wrong"));

const unknown: readonly (readonly [answer: string, truth: string])[] = [
  ["the square root of two", "\\sqrt{2}"],
  ["between 3 and 5", "4"],
  ["it is 4", "4"],
  ["on", "no"],
  ["seat", "east"],
  ["50", "50\\%"], // a share or per cent?
  ["a", "A"],
  ["2x = 6", "3"], // not solved
  ["(1, 2)", "\\{1, 2\\}"],
  ["\\int_0^1 x\\,dx", "0.5"],
  ["1/0", "\\infty"],
  ["\\frac{", "1"],
  ["x!", "x!+0\\cdot"],
];
for (const [answer, truth] of unknown)
  test(`open: ${answer} for ${truth}`, () => assert.equal(grade(answer, truth), "unknown"));

test("decimals say how far a value that is written as a decimal may be off", () => {
  assert.deepEqual(
    [2, 3].map((decimals) => grade("2.83", "2\\sqrt{2}", "", decimals)), // 2.828427
    ["right", "wrong"],
  );
  // Exact values do not profit.
  assert.equal(grade("\\frac{283}{100}", "2\\sqrt{2}", "", 2), "wrong");
});

test("tiny numbers are told apart, large ones may differ by rounding steps", () => {
  const tiny: readonly (readonly [answer: string, truth: string])[] = [
    ["0", "1.6\\times10^{-19}"],
    ["1.6\\times10^{-19}", "0"],
    ["1\\times10^{-31}", "9.1\\times10^{-31}"],
    ["\\sqrt{2}\\times10^{-34}", "0"],
    ["0", "6.63\\times10^{-34}f"],
    ["6.63\\times10^{-34}f", "0"],
    // Parts that cancel buy nothing.
    ["0.0 + 10^{40} - 10^{40}", "3"],
    ["x + 10^{30} - 10^{30}", "x + 5"],
    ["1000000000001.0", "1000000000000"],
  ];
  for (const [answer, truth] of tiny) assert.equal(grade(answer, truth), "wrong", `${answer} for ${truth}`);
  const same: readonly (readonly [answer: string, truth: string])[] = [
    ["6.02e23", "6.02\\times10^{23}"],
    ["6.02\\times10^{23}", "6.02e23"],
    ["1.1e15", "1.1\\times10^{15}"],
    ["1.6e-19", "1.6\\times10^{-19}"],
    ["0.1 + 0.2 - 0.3", "0"],
    ["\\sin \\pi", "0"],
    ["(x+1)^2 - x^2 - 2x - 1", "0"],
    ["f \\times 6.63e-34", "6.63\\times10^{-34}f"],
  ];
  for (const [answer, truth] of same) assert.equal(grade(answer, truth), "right", `${answer} for ${truth}`);
});

test("a space between digits counts", () => {
  assert.deepEqual(
    [grade("11/2", "1 1/2"), grade("1 1/2", "11/2"), grade("12", "1 2")].includes("right"),
    false,
  );
  assert.deepEqual(
    [grade("2 x", "2x"), grade("1 1/2", "1 1/2"), grade("3/2", "1 1/2")],
    ["right", "right", "right"],
  );
});

test("units: the question's, when the truth has none", () => {
  const question = "How long is the rope in meters?";
  assert.deepEqual(
    ["150 cm", "1.5", "1.5 m", "1.5 cm", "150"].map((answer) => grade(answer, "1.5", question)),
    ["right", "right", "right", "wrong", "wrong"],
  );
  assert.equal(grade("50", "50%", "What percentage of the shapes is red?"), "right");
});

test("a letter right behind a number is a unit only where the question speaks of what it measures", () => {
  const terms = "Express the length in terms of m.";
  assert.deepEqual(
    [
      grade("2", "2m", terms),
      grade("2m", "2m", terms),
      grade("m \\cdot 2", "2m", terms),
      grade("3m", "2m", terms),
    ],
    ["wrong", "right", "right", "wrong"],
  );
  assert.deepEqual(
    [
      grade("4", "4s"),
      grade("5A", "5"),
      grade("3", "2m"),
      grade("2000mm", "2m"),
      grade("4", "4 s"),
      grade("4", "4\\text{s}"),
    ],
    ["unknown", "unknown", "wrong", "right", "right", "right"],
  );
  const asked = "How many seconds does it take?";
  assert.deepEqual([grade("4", "4s", asked), grade("5", "4s", asked)], ["right", "wrong"]);
  // Pi is a number, and units stay.
  assert.equal(grade("24\\pi cm", "24\\pi", "Give the length in terms of $\\pi$."), "right");
});

test("angles in radians, temperatures in degrees", () => {
  assert.deepEqual(
    [
      grade("\\frac{\\pi}{6}", "30^\\circ"),
      grade("30^\\circ", "\\frac{\\pi}{6}"),
      grade("30°", "\\pi/6"),
      grade("\\frac{\\pi}{3}", "30^\\circ"),
      grade("60^\\circ", "\\frac{\\pi}{6}"),
      grade("\\frac{\\pi}{6}", "30"),
    ],
    ["right", "right", "right", "wrong", "wrong", "wrong"],
  );
  const asked = "What is the temperature?";
  assert.deepEqual(
    [
      grade("25 degrees", "25°C", asked),
      grade("25°C", "25 degrees", asked),
      grade("24 degrees", "25°C", asked),
      grade("25°F", "25°C", asked),
      grade("25 degrees", "25°C", "What is the angle?"),
    ],
    ["right", "right", "wrong", "wrong", "wrong"],
  );
});

test("the order of a list counts where an order is asked for", () => {
  const question = "Arrange the numbers in ascending order.";
  assert.deepEqual(
    [grade("5, 7, 12", "5, 7, 12", question), grade("7, 5, 12", "5, 7, 12", question)],
    ["right", "wrong"],
  );
  assert.equal(grade("7, 5", "5, 7", "Which two numbers solve it?"), "right");
});

test("lists without braces: the same order is right, another is open unless the question decides", () => {
  const asked = "What are x and y, respectively?";
  assert.deepEqual(
    [grade("3, 5", "3, 5", asked), grade("3; 5.0", "3, 5", asked), grade("5, 3", "3, 5", asked)],
    ["right", "right", "wrong"],
  );
  assert.deepEqual(
    ["3, 5", "5, 3", "5 and 3", "3, 5, 5", "3, 4", "3, 5, 7"].map((answer) => grade(answer, "3, 5")),
    ["right", "unknown", "unknown", "unknown", "wrong", "wrong"],
  );
  assert.deepEqual(
    [grade("x=3, y=5", "3, 5"), grade("x=3, y=5", "5, 3"), grade("y=5, x=3", "x=3, y=5", asked)],
    ["right", "unknown", "right"],
  );
  assert.equal(grade("x=5, y=3", "x=3, y=5"), "wrong");
  assert.deepEqual(
    [grade("3, 3", "3"), grade("3", "3, 3"), grade("3, 4", "3")],
    ["unknown", "unknown", "wrong"],
  );
  assert.deepEqual([grade("5 or 3", "3, 5"), grade("5 or 3", "3, 5", asked)], ["right", "unknown"]);
});

test("law: every right answer is right of itself, in every wrapping, and never of another value", () => {
  const values = [
    "\\frac{3}{7}",
    "2\\sqrt{5}",
    "x^2-y",
    "(1, 4]",
    "\\{3, \\pi\\}",
    "17",
    "y = 3x - 2",
    "2.75",
  ];
  for (const [i, value] of values.entries())
    for (const [j, other] of values.entries())
      for (const wrap of [`$${value}$`, `\\(${value}\\)`, `\\boxed{${value}}`, ` ${value}. `, `**${value}**`])
        assert.equal(grade(wrap, other) === "right", i === j, `${wrap} for ${other}`);
});

test("hostile answers end soon and decide nothing", () => {
  const hostile = [
    "(".repeat(999),
    "{".repeat(999),
    "-".repeat(999),
    "\\sqrt".repeat(199),
    "\\frac".repeat(199),
    "1^".repeat(499),
    "((((((((((x+1)^9)^9)^9)^9)^9)^9)^9)^9)^9)",
    "1000000!",
    "9^{9^{9^9}}".repeat(50),
    "1,".repeat(499),
    "x_".repeat(499),
    "\\begin{pmatrix}".repeat(60),
    "=".repeat(999),
    "1=".repeat(499),
    "a".repeat(1000),
    "🙂".repeat(400),
    "\u0000\u202e<|im_end|>",
    "\\".repeat(999),
    "$".repeat(999),
    "1 cm/".repeat(190),
    "\\text{".repeat(160),
    `${"1".repeat(999)}`,
  ];
  const before = process.cpuUsage();
  for (const answer of hostile)
    for (const truth of ["1", "\\frac{1}{2}", "(1, 2)", "x = 2", "{1, 2}"])
      assert.notEqual(grade(answer, truth), "right", `${answer.slice(0, 30)} for ${truth}`);
  // About 0.2 s; what is not bounded takes minutes, or for ever.
  assert.ok(process.cpuUsage(before).user < 30e6);
});
