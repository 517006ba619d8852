// The value of a term: exactly where it is rational and small enough, else as a double. NaN is what has no real value.
import { FUNCTIONS, someTerm, type Term } from "./expression.ts";

/** With these values of its symbols; NaN where there is none. Angles written in degrees are taken as such by sin and its like. */
export function evaluate(term: Term, values: ReadonlyMap<string, number> = new Map()): number {
  const of = (part: Term): number => evaluate(part, values);
  switch (term.type) {
    case "number":
      return Number(term.text);
    case "constant":
      return { pi: Math.PI, e: Math.E, infinity: Infinity }[term.name];
    case "symbol":
      return values.get(term.name) ?? NaN;
    case "sum":
      return term.of.reduce((sum, part) => sum + of(part), 0);
    case "product":
      return term.of.reduce((product, part) => product * of(part), 1);
    case "negative":
      return -of(term.of);
    case "percent":
      return of(term.of) / 100;
    case "degrees":
      return of(term.of);
    case "quotient":
      return quotient(of(term.left), of(term.right));
    case "power":
      return power(term.left, term.right, of);
    case "root":
      return root(of(term.of), of(term.index));
    case "logarithm":
      return Math.log(of(term.of)) / Math.log(of(term.base));
    case "factorial":
      return binomialOrFactorial(of(term.of));
    case "binomial":
      return binomialOrFactorial(of(term.left), of(term.right));
    case "call": {
      const inDegrees = TURNS.has(term.name) && someTerm(term.of, (t) => t.type === "degrees");
      return FUNCTIONS[term.name](inDegrees ? (of(term.of) * Math.PI) / 180 : of(term.of));
    }
    default:
      return term satisfies never;
  }
}

/** What its value comes to when nothing in its sums cancels: rounding errors are a share of this, not of the value. */
export function sizeOf(term: Term, values: ReadonlyMap<string, number> = new Map()): number {
  const of = (part: Term): number => sizeOf(part, values);
  switch (term.type) {
    case "sum":
      return term.of.reduce((sum, part) => sum + of(part), 0);
    case "product":
      return term.of.reduce((product, part) => product * of(part), 1);
    case "negative":
    case "degrees":
      return of(term.of);
    case "quotient":
      return of(term.left) / Math.abs(evaluate(term.right, values));
    case "power": {
      const exponent = evaluate(term.right, values);
      return exponent > 0 ? of(term.left) ** exponent : Math.abs(evaluate(term, values));
    }
    case "call":
      return term.name === "abs" ? of(term.of) : Math.max(1, Math.abs(evaluate(term, values)));
    case "logarithm":
      return Math.max(1, Math.abs(evaluate(term, values)));
    default:
      return Math.abs(evaluate(term, values));
  }
}

const TURNS: ReadonlySet<string> = new Set(["sin", "cos", "tan", "cot", "sec", "csc"]);

const quotient = (left: number, right: number): number => (right === 0 ? NaN : left / right);

/** Odd roots of negative numbers are real. */
function root(of: number, index: number): number {
  if (index === 2) return Math.sqrt(of);
  if (index === 3) return Math.cbrt(of);
  if (!Number.isInteger(index) || index < 1) return NaN;
  return of < 0 && index % 2 === 1 ? -((-of) ** (1 / index)) : of ** (1 / index);
}

function power(left: Term, right: Term, of: (term: Term) => number): number {
  const base = of(left);
  // (-8)^{1/3} is -2, as it is written in schools.
  if (base < 0 && right.type === "quotient") {
    const [p, q] = [of(right.left), of(right.right)];
    if (Number.isInteger(p) && Number.isInteger(q) && q % 2 !== 0)
      return root(base, Math.abs(q)) ** (p * Math.sign(q));
  }
  return base === 0 && of(right) < 0 ? NaN : base ** of(right);
}

/** n! and n over k, for whole n up to 170. */
function binomialOrFactorial(n: number, k?: number): number {
  if (!Number.isInteger(n) || n < 0 || n > 170) return NaN;
  if (k !== undefined && (!Number.isInteger(k) || k < 0 || k > n)) return NaN;
  let result = 1;
  for (let i = 1; i <= (k ?? n); i++) result = k === undefined ? result * i : (result * (n - k + i)) / i;
  return result;
}

/** In lowest terms, `d` above 0. */
interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

/** Numbers of more bits are left to doubles. */
const MAX_BITS = 2048;

/** undefined when it is not rational by its form, or too large. Decimals are taken at their word: 0.5 is 1/2. */
export function exactly(term: Term): Rational | undefined {
  const all = (
    parts: readonly Term[],
    join: (a: Rational, b: Rational) => Rational | undefined,
    start: bigint,
  ) =>
    parts.reduce<Rational | undefined>(
      (sum, part) => {
        const value = sum && exactly(part);
        return sum && value && join(sum, value);
      },
      { n: start, d: 1n },
    );
  switch (term.type) {
    case "number":
      return /[eE]/.test(term.text) ? undefined : ofDigits(term.text);
    case "sum":
      return all(term.of, (a, b) => reduced(a.n * b.d + b.n * a.d, a.d * b.d), 0n);
    case "product":
      return all(term.of, (a, b) => reduced(a.n * b.n, a.d * b.d), 1n);
    case "quotient": {
      const [a, b] = [exactly(term.left), exactly(term.right)];
      return a && b && reduced(a.n * b.d, a.d * b.n);
    }
    case "negative": {
      const a = exactly(term.of);
      return a && { n: -a.n, d: a.d };
    }
    case "percent": {
      const a = exactly(term.of);
      return a && reduced(a.n, a.d * 100n);
    }
    case "degrees":
      return exactly(term.of);
    case "power":
      return exactPower(term.left, term.right);
    default:
      return undefined;
  }
}

function exactPower(left: Term, right: Term): Rational | undefined {
  const [base, exponent] = [exactly(left), exactly(right)];
  if (base === undefined || exponent?.d !== 1n) return undefined;
  const times = exponent.n < 0n ? -exponent.n : exponent.n;
  const bits = BigInt(Math.max(base.n.toString(2).length, base.d.toString(2).length));
  if (times * bits > BigInt(MAX_BITS)) return undefined;
  const [n, d] = [base.n ** times, base.d ** times];
  return exponent.n < 0n ? reduced(d, n) : reduced(n, d);
}

function ofDigits(text: string): Rational | undefined {
  const [whole = "", decimals = ""] = text.split(".");
  if (whole.length + decimals.length > 300) return undefined;
  return reduced(BigInt(whole + decimals), 10n ** BigInt(decimals.length));
}

function reduced(n: bigint, d: bigint): Rational | undefined {
  if (d === 0n || n.toString(2).length > MAX_BITS || d.toString(2).length > MAX_BITS) return undefined;
  let [a, b] = [n < 0n ? -n : n, d < 0n ? -d : d];
  while (b > 0n) [a, b] = [b, a % b];
  const by = d < 0n ? -a : a;
  return { n: n / by, d: d / by };
}
