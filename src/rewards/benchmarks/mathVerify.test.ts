// Math-Verify's own verdicts, and what must hold on any text.
import assert from "node:assert/strict";
import { test } from "node:test";
import { randomStream } from "../../core/random.ts";
import { mathVerify, mathVerifyBoxed } from "./mathVerify.ts";
import { randomTexts } from "./testing.ts";
import { textVectorsOf } from "./vectors.ts";

for (const { questionType, groundTruth, prediction, expected } of textVectorsOf("math_verify"))
  test(`${questionType}: ${groundTruth} and ${prediction}`, () => {
    const verdict =
      questionType === "compute_score"
        ? Number(mathVerifyBoxed(groundTruth, prediction))
        : mathVerify(groundTruth, prediction);
    assert.equal(verdict, expected);
  });

/** Recorded from Math-Verify 0.8.0 with SymPy 1.13.3. */
const RECORDED: readonly (readonly [gold: string, prediction: string, verdict: boolean])[] = [
  // A whole number is not a decimal that rounds to it; two decimals round alike.
  ["2", "2.0000001", false],
  ["$\\frac{5}{2}$", "2.5000001", true],
  ["$3.0$", "3", true],
  // The grammar's mixed numbers.
  ["$2(3)$", "5", true],
  ["$2 3$", "5", true],
  ["$x(x+1)$", "$x^2+x$", true],
  // Intervals, pairs, sets.
  ["$(1,2)$", "$1,2$", true],
  ["$(2,1)$", "$1,2$", false],
  ["$(2,1)$", "$2,1$", true],
  ["$1,2$", "$(2,1)$", true],
  ["$\\{1/3, 2\\}$", "$0.333333, 2$", true],
  ["$\\pm 3$", "$3,-3$", true],
  ["$\\mathbb{R}$", "$(-\\infty,\\infty)$", true],
  ["$[0,1]\\cup[2,3]$", "$[2,3]\\cup[0,1]$", true],
  ["$x<1$ or $x>2$", "$(-\\infty,1)\\cup(2,\\infty)$", false],
  // Equations.
  ["$x=1, y=2$", "$1,2$", true],
  ["$2x+2y=2$", "$x+y=1$", true],
  ["$2x>6$", "$x>3$", false],
  ["$x\\in[1,2]$", "$[1,2]$", true],
  ["$x^2$", "$f(x)=x^2$", true],
  // Symbols and words.
  ["$e$", "$E$", true],
  ["$AB$", "$\\text{AB}$", true],
  ["$\\text{yes}$", "yes", false],
  // Whole numbers as names; and a decimal beside π is no rational number.
  ["160", "\\boxed{\\text{160}}", true],
  ["12", "$\\mathrm{12}$", true],
  ["12", "$\\textbf{12}$", true],
  ["12", "$\\mathbf{12}$", true],
  ["-5", "$\\text{-5}$", true],
  ["$\\text{160}$", "160", true],
  ["160", "$\\text{160.0}$", false],
  ["0.6", "$\\text{0.6}$", false],
  ["12", "$\\mathsf{12}$", false],
  ["160", "$\\text{160}+0$", false],
  ["114", "$36.28732702495214π$", false],
  ["114.0", "$36.28732702495214\\pi$", false],
  ["114.5", "$36.44648196804403\\pi$", true],
  ["2", "$1.4142135623730951\\sqrt{2}$", false],
  ["$2\\pi$", "$2.0\\pi$", true],
  ["$2\\pi$", "$6.283185307179586$", true],
  ["1", "$\\sin(\\frac{\\pi}{2.0})$", true],
  ["3", "$3.0\\cdot\\pi/\\pi$", true],
  // Functions, in radians whatever is written.
  ["$\\ln e$", "$1$", true],
  ["$\\log 100$", "2", true],
  ["$\\sin 30^\\circ$", "0.5", false],
  ["$5!$", "120", true],
  // Outside of LaTeX.
  ["3*4", "12", true],
  ["2^3", "8", true],
  ["1/3", "$0.333333$", true],
  ["1.5e3", "1500", false],
  ["$1.5E3$", "1500", true],
  ["4", "four", false],
];

test("verdicts recorded from the library", () => {
  for (const [gold, prediction, verdict] of RECORDED)
    assert.equal(mathVerify(gold, prediction), verdict, `${gold} and ${prediction}`);
});

test("hostile texts take no longer than others", () => {
  const hostile = [
    "$".repeat(4000),
    "\\boxed{".repeat(600),
    "\\[ \\boxed{a} ".repeat(280),
    `$${"(".repeat(1900)}${")".repeat(50)}$`,
    `$${"f(".repeat(900)}x${")".repeat(900)}$`,
    `$${"2^".repeat(900)}2$`,
    `$9^{9^{9^{9}}}$`,
    `$9!!!!!!$`,
    `answer ${"$1 ".repeat(1300)}`,
    `$1${" ".repeat(1900)}x$`,
    `$${"|".repeat(1500)}$`,
    "\\(".repeat(2000),
    `$${"1,".repeat(900)}1$`,
  ];
  const start = process.cpuUsage();
  for (const text of hostile) assert.equal(mathVerify("$7$", text), false, text.slice(0, 40));
  const { user, system } = process.cpuUsage(start);
  // About 0.5 s; one search that goes back at every place takes half a minute.
  assert.ok(user + system < 10e6, `${String((user + system) / 1e6)} s`);
});

test("no text makes it throw, and mathematics that is read is equal to itself", () => {
  for (const text of randomTexts(randomStream("mathVerify", 0), 1500))
    for (const marked of [text, `$${text}$`, `\\boxed{${text}}`])
      assert.deepEqual(
        [typeof mathVerify(marked, "$1$"), typeof mathVerify("1", marked)],
        ["boolean", "boolean"],
      );
  for (const latex of ["x^2", "\\frac{1}{3}", "(1,2)", "x=3", "\\{1,2\\}", "2\\pi", "x<2", "[1,2)\\cup(3,4)"])
    assert.equal(mathVerify(`$${latex}$`, `$${latex}$`), true, latex);
});
