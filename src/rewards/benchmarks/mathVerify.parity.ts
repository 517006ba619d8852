// The emulation beside Math-Verify itself: random answers of the kinds that questions about figures have, each against itself, a
// changed form of itself or another. PYVISION_MATH_VERIFY_PYTHON names an interpreter with
//   pip install math-verify==0.8.0 latex2sympy2_extended==1.10.2 antlr4-python3-runtime==4.9.3 sympy==1.13.3
// which the parity suite's own environment, with another SymPy, is not; without it the test says so and is left out.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { type Random, randomStream } from "../../core/random.ts";
import { mathVerify } from "./mathVerify.ts";

const python = process.env["PYVISION_MATH_VERIFY_PYTHON"];
const skip = python === undefined && "PYVISION_MATH_VERIFY_PYTHON names no Python with Math-Verify";
const PAIRS = 600;
/** Of the pairs. What SymPy cannot tell apart or simplify by its own means is no part of the emulation. */
const LEAST_AGREEMENT = 0.99;

const WHOLE = ["0", "1", "2", "3", "4", "7", "10", "25", "100", "-1", "-3"];
const ATOMS = [...WHOLE, ...WHOLE, "x", "y", "\\pi", "0.5", "3.14", "2.25", "\\theta", "a_1"];

function term(random: Random, depth: number): string {
  if (depth === 0) return random.pick(ATOMS);
  const part = (): string => term(random, depth - 1);
  const forms: readonly (() => string)[] = [
    () => `${part()}+${part()}`,
    () => `${part()}-${part()}`,
    () => `${part()}\\cdot ${part()}`,
    () => `${part()} ${part()}`,
    () => `\\frac{${part()}}{${part()}}`,
    () => `\\sqrt{${part()}}`,
    () => `(${part()})^2`,
    () => `2(${part()})`,
    () => `|${part()}|`,
    () => `\\sin ${part()}`,
    () => `\\left(${part()}\\right)`,
  ];
  return random.pick(forms)();
}

function answer(random: Random): string {
  const [a, b] = [random.pick(WHOLE), random.pick(WHOLE)];
  const sum = (): string => term(random, 1);
  const forms: readonly (() => string)[] = [
    sum,
    () => term(random, 2),
    () => `x=${sum()}`,
    () => `y=${term(random, 2)}`,
    () => `(${sum()}, ${sum()})`,
    () => `[${a}, ${b})`,
    () => `\\{${a}, ${b}\\}`,
    () => `${a}, ${b}`,
    () => `x ${random.pick(["<", ">", "\\le", "\\geq"])} ${a}`,
    () => `${a} < x < ${b}`,
    () => `${a} \\pm ${b}`,
    () => `(${a},${b}) \\cup (${b}, ${a}]`,
    () => `${a}:${b}`,
    () => `${a}\\text{ or }${b}`,
    () => `\\text{${random.pick(["yes", "A", "blue"])}}`,
    () => `${a},000`,
    () => `${a}\\%`,
    () => `\\begin{pmatrix}${a}\\\\${b}\\end{pmatrix}`,
  ];
  return random.pick(forms)();
}

const changed = (random: Random, latex: string): string =>
  random.pick([
    latex,
    latex.replaceAll("\\frac", "\\dfrac"),
    `${latex} \\text{ cm}`,
    `${latex}^\\circ`,
    latex.replace(/\d/, (digit) => String((Number(digit) + 1) % 10)),
    `x=${latex}`,
    latex.replaceAll(" ", ""),
    latex.replaceAll(",", ", "),
    `-${latex}`,
  ]);

const stated = (random: Random, latex: string): string =>
  random.pick([
    latex,
    `$${latex}$`,
    `\\boxed{${latex}}`,
    `The answer is $${latex}$.`,
    `So \\(${latex}\\)`,
    `Answer: ${latex}`,
    `The final answer is ${latex}`,
  ]);

const PROGRAM = `
import json, logging, sys, warnings
logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")
from math_verify import parse, verify
json.dump([bool(verify(parse(gold), parse(answer))) for gold, answer in json.load(sys.stdin)], sys.stdout)
`;

test(`${String(PAIRS)} pairs have the verdict of Math-Verify`, { skip }, (t) => {
  const pairs = Array.from({ length: PAIRS }, (_, i): readonly [string, string] => {
    const random = randomStream("math-verify", i);
    const gold = answer(random);
    const other = random.below(2) === 0 ? changed(random, gold) : answer(random);
    return [random.below(2) === 0 ? `$${gold}$` : `\\boxed{${gold}}`, stated(random, other)];
  });
  const input = JSON.stringify(pairs);
  const theirs = JSON.parse(
    execFileSync(python ?? "", ["-E", "-s", "-c", PROGRAM], { input, encoding: "utf8", maxBuffer: 1e8 }),
  ) as boolean[];
  const differing = pairs.filter(([gold, given], i) => mathVerify(gold, given) !== theirs[i]);
  const equal = theirs.filter(Boolean).length;
  t.diagnostic(`${String(equal)} equal, ${String(differing.length)} differ: ${JSON.stringify(differing)}`);
  assert.ok(equal > PAIRS / 6 && equal < (PAIRS * 5) / 6, `${String(equal)} are equal`);
  assert.ok(differing.length <= PAIRS * (1 - LEAST_AGREEMENT), JSON.stringify(differing));
});
