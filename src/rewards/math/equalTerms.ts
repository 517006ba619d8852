// Whether two terms are the same: numbers by value, terms with symbols by their values at fixed points. Points decide what
// no finite set of rewriting rules does, and cost the same for every answer.
import { evaluate, exactly, sizeOf } from "./evaluate.ts";
import { hasDecimal, symbolsOf, type Term } from "./expression.ts";

export interface Closeness {
  /** Decimals to which two values agree when one of them is written as a decimal. */
  readonly decimals: number;
  /** Of a list without braces. Default: nobody knows, except that the order of the numbers 1 to n counts. */
  readonly order?: "counts" | "free" | undefined;
}

/** Of doubles that were computed in two ways. */
const ROUNDING = 1e-10;

/** Some rounding steps of a double. Small enough to tell whole numbers of 13 digits apart. */
const STEPS = 1e-14;

/** undefined when it cannot be told: a side has no real value, or hardly any point lies in both domains. */
export function equalTerms(given: Term, truth: Term, closeness: Closeness): boolean | undefined {
  const names = [...new Set([...symbolsOf(given), ...symbolsOf(truth)])].sort();
  const rounded = hasDecimal(given) || hasDecimal(truth);
  if (names.length > 0) return equalAtPoints(given, truth, names, rounded ? 1e-6 : 1e-9);
  const [a, b] = [evaluate(given), evaluate(truth)];
  if (Number.isNaN(a) || Number.isNaN(b)) return undefined;
  if (!Number.isFinite(a) || !Number.isFinite(b))
    return a === b ? (isInfinite(given) && isInfinite(truth)) || undefined : false;
  const lost = roundingOf([given, truth]);
  if (rounded) return equalDecimals(a, b, closeness, lost);
  const [exactA, exactB] = [exactly(given), exactly(truth)];
  if (exactA !== undefined && exactB !== undefined) return exactA.n === exactB.n && exactA.d === exactB.d;
  return Math.abs(a - b) <= Math.max(ROUNDING * Math.abs(b), lost);
}

/**
 * Half a unit of the last decimal, and of small values the same share as of 0.1, so that 1e-9 is not 2e-9. At least some
 * rounding steps of the truth, and `lost`, what cancelling may have left of a zero.
 */
export function equalDecimals(given: number, truth: number, { decimals }: Closeness, lost = 0): boolean {
  const half = 0.5 * 10 ** -decimals * (1 + 1e-9);
  const few = decimals >= 3 ? Math.min(1, Math.abs(truth) / 0.1) : 1;
  return Math.abs(given - truth) <= Math.max(half * few, STEPS * Math.abs(truth), lost);
}

/** Error of computed constant terms where large parts may cancel; next to nothing of a term that is tiny throughout. */
export const roundingOf = (terms: readonly Term[]): number => 1e-15 * boundedSize(terms);

/** Of the largest, and at most 1: large parts that cancel must not widen what counts as equal. */
const boundedSize = (terms: readonly Term[], at?: ReadonlyMap<string, number>): number =>
  terms.reduce((largest, term) => {
    const size = sizeOf(term, at);
    // Not Math.max, which keeps NaN.
    return size > largest ? Math.min(1, size) : largest;
  }, 0);

/** By its writing, not because a number overflowed. */
const isInfinite = (term: Term): boolean =>
  term.type === "negative" ? isInfinite(term.of) : term.type === "constant" && term.name === "infinity";

/** Values of symbols: of both signs, of different sizes, and in no simple relation. */
const POINTS: readonly (readonly number[])[] = [
  [1.2871, 2.7193, 0.6137, 3.3391, 1.9119, 0.8377],
  [0.3719, 1.1431, 2.2153, 0.7717, 3.1337, 1.4741],
  [2.9173, 0.4457, 1.7321, 1.2119, 0.5923, 2.6113],
  [5.4119, 4.3777, 3.9109, 2.5471, 4.7291, 6.1813],
  [0.1237, 0.2113, 0.0917, 0.1571, 0.3313, 0.2719],
  [-1.4173, -0.8219, -2.3011, -0.4127, -1.1093, -3.2791],
  [-3.1911, 1.6133, -0.5471, 2.4093, -2.2271, 0.9137],
  [0.7393, -2.1517, 1.3249, -1.8713, 0.4519, -0.7151],
];

function equalAtPoints(
  given: Term,
  truth: Term,
  names: readonly string[],
  tolerance: number,
): boolean | undefined {
  const differences = pointsFor(names).flatMap((at) => {
    const [a, b] = [evaluate(given, at), evaluate(truth, at)];
    if (!Number.isFinite(a) || !Number.isFinite(b)) return [];
    return [Math.abs(a - b) > tolerance * Math.max(1e-3 * boundedSize([given, truth], at), Math.abs(b))];
  });
  if (differences.includes(true)) return false;
  return differences.length >= 3 ? true : undefined;
}

/** Values of the terms at the points where each of them has a finite one. */
export function valuesAtPoints(
  terms: readonly Term[],
  names: readonly string[],
): readonly (readonly number[])[] {
  return pointsFor(names)
    .map((at) => terms.map((term) => evaluate(term, at)))
    .filter((values) => values.every(Number.isFinite));
}

function pointsFor(names: readonly string[]): readonly ReadonlyMap<string, number>[] {
  if (names.length > (POINTS[0]?.length ?? 0)) return [];
  return POINTS.map((point) => new Map(names.map((name, i) => [name, point[i] as number])));
}
