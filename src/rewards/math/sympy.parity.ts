// Equality of terms against SymPy, which PyTorch brings along: random terms in LaTeX, each beside one that is equal by a law
// of algebra or nearly equal by a slip. SymPy reads its own spelling of them, never our LaTeX, and judges to fifty digits.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { type Random, randomStream } from "../../core/random.ts";
import { gradeMathematics } from "../rules/mathematics.ts";

/** A term in LaTeX and in SymPy's own notation. */
interface Both {
  readonly latex: string;
  readonly sympy: string;
}

const integer = (n: number): Both => ({ latex: String(n), sympy: `Integer(${n})` });
const symbol = (name: string): Both => ({ latex: name, sympy: name });
const sum = (a: Both, b: Both): Both => ({
  latex: `\\left(${a.latex} + ${b.latex}\\right)`,
  sympy: `(${a.sympy} + ${b.sympy})`,
});
const difference = (a: Both, b: Both): Both => ({
  latex: `(${a.latex} - (${b.latex}))`,
  sympy: `(${a.sympy} - (${b.sympy}))`,
});
const product = (a: Both, b: Both): Both => ({
  latex: `{${a.latex}} \\cdot {${b.latex}}`,
  sympy: `(${a.sympy} * (${b.sympy}))`,
});
const quotient = (a: Both, b: Both): Both => ({
  latex: `\\frac{${a.latex}}{${b.latex}}`,
  sympy: `((${a.sympy}) / (${b.sympy}))`,
});
const square = (a: Both): Both => ({ latex: `(${a.latex})^{2}`, sympy: `((${a.sympy})**2)` });
const root = (a: Both): Both => ({ latex: `\\sqrt{${a.latex}}`, sympy: `sqrt(${a.sympy})` });
const PI: Both = { latex: "\\pi", sympy: "pi" };

function leaf(random: Random, symbols: boolean): Both {
  if (symbols && random.below(2) === 0) return symbol(random.pick(["x", "y"]));
  return random.below(6) === 0 ? PI : integer(1 + random.below(12));
}

function term(random: Random, depth: number, symbols: boolean): Both {
  if (depth === 0) return leaf(random, symbols);
  const [a, b] = [term(random, depth - 1, symbols), term(random, depth - 1, symbols)];
  switch (random.below(6)) {
    case 0:
    case 1:
      return sum(a, b);
    case 2:
      return difference(a, b);
    case 3:
      return product(a, b);
    case 4:
      return quotient(a, sum(square(b), integer(1)));
    default:
      return symbols ? square(a) : root(sum(square(a), integer(1)));
  }
}

/** The two sides of a law, or of a slip. */
function pair(random: Random, symbols: boolean): readonly [Both, Both] {
  const [a, b, c] = [term(random, 2, symbols), term(random, 1, symbols), leaf(random, symbols)];
  switch (random.below(8)) {
    case 0:
      return [product(a, sum(b, c)), sum(product(a, b), product(a, c))];
    case 1:
      return [square(sum(a, b)), sum(sum(square(a), product(integer(2), product(a, b))), square(b))];
    case 2:
      return [product(difference(a, b), sum(a, b)), difference(square(a), square(b))];
    case 3:
      return [sum(a, b), sum(b, a)];
    case 4:
      return [square(sum(a, b)), sum(square(a), square(b))]; // the freshman's
    case 5:
      return [difference(a, difference(b, c)), difference(difference(a, b), c)]; // a sign lost
    case 6:
      return [a, sum(a, quotient(integer(1), integer(1000 + random.below(100_000))))];
    default:
      return [
        quotient(a, sum(square(b), integer(1))),
        quotient(sum(a, c), sum(sum(square(b), integer(1)), c)),
      ];
  }
}

const PROGRAM = `
import json, sys
from sympy import Integer, Rational, pi, sqrt, symbols, sympify
x, y = symbols("x y", real=True)
points = [(Rational(7, 3), Rational(-5, 11)), (Rational(-13, 7), Rational(17, 9)), (Rational(1, 19), Rational(23, 5))]
scope = {"Integer": Integer, "pi": pi, "sqrt": sqrt, "x": x, "y": y}
def same(a, b):
    difference = eval(a, scope) - eval(b, scope)
    values = [sympify(difference).subs({x: p, y: q}).evalf(50, chop=True) for p, q in points]
    return all(abs(value) < Rational(1, 10**30) for value in values)
json.dump([same(a, b) for a, b in json.load(sys.stdin)], sys.stdout)
`;

for (const symbols of [false, true])
  test(`400 pairs of terms ${symbols ? "with symbols" : "of numbers"} are equal where SymPy says so`, () => {
    const python = process.env["PYVISION_PARITY_PYTHON"] ?? "";
    assert.notEqual(
      python,
      "",
      "PYVISION_PARITY_PYTHON names no Python: run `npm run test:parity`, which makes one",
    );
    const pairs = Array.from({ length: 400 }, (_, i) =>
      pair(randomStream("terms", symbols ? 1 : 0, i), symbols),
    ).filter((both) => both.every(({ latex }) => latex.length < 900));
    const input = JSON.stringify(pairs.map(([a, b]) => [a.sympy, b.sympy]));
    const theirs = JSON.parse(
      execFileSync(python, ["-E", "-s", "-c", PROGRAM], { input, encoding: "utf8", maxBuffer: 1e8 }),
    ) as boolean[];
    const verdicts = pairs.map(([a, b]) =>
      gradeMathematics({ question: "", answer: a.latex, truth: b.latex, kind: "" }, { decimals: 6 }),
    );
    const differing = pairs.filter((_, i) => verdicts[i] !== (theirs[i] === true ? "right" : "wrong"));
    assert.deepEqual(
      differing.map(([a, b]) => [a.latex, b.latex]),
      [],
    );
    const equal = theirs.filter(Boolean).length;
    assert.ok(equal > 100 && theirs.length - equal > 100, `${equal} of ${theirs.length} are equal`);
  });
