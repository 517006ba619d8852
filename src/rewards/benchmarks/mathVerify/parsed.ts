// What an answer comes to once Math-Verify's rules have read it. Richer than the values of src/rewards/math, which leave open
// what these rules decide: (1, 2) is an interval, x = 1 an equation, 1, 2 a set.
import { someTerm, symbolsOf, type Term } from "../../math/expression.ts";

export type Sign = "=" | "!=" | "<" | "<=" | ">" | ">=";

export interface Relation {
  readonly type: "relation";
  readonly left: Parsed;
  readonly sign: Sign;
  readonly right: Parsed;
}

export type Parsed =
  | { readonly type: "term"; readonly term: Term }
  | Relation
  /** A chain: `1 < x < 2` is `1 < x` and `x < 2`. */
  | { readonly type: "and"; readonly of: readonly Relation[] }
  /** In the order written, nothing twice. */
  | { readonly type: "set"; readonly of: readonly Parsed[] }
  | { readonly type: "tuple"; readonly of: readonly Parsed[] }
  | {
      readonly type: "interval";
      readonly low: Term;
      readonly high: Term;
      readonly openLow: boolean;
      readonly openHigh: boolean;
    }
  | { readonly type: "union" | "intersection" | "difference"; readonly of: readonly Parsed[] }
  | { readonly type: "named"; readonly name: string }
  | { readonly type: "matrix"; readonly rows: readonly (readonly Term[])[] };

export const ofTerm = (term: Term): Parsed => ({ type: "term", term });
export const setOf = (of: readonly Parsed[]): Parsed => {
  const seen = new Set<string>();
  return {
    type: "set",
    of: of.filter((one) => {
      const key = written(one);
      return seen.has(key) ? false : (seen.add(key), true);
    }),
  };
};

/** One text for what is built alike; the order of sets and unions does not count. */
export function written(value: Parsed): string {
  switch (value.type) {
    case "set":
    case "union":
    case "intersection":
      return `${value.type}(${value.of.map(written).sort().join()})`;
    case "tuple":
    case "and":
    case "difference":
      return `${value.type}(${value.of.map(written).join()})`;
    case "relation":
      return `${written(value.left)}${value.sign}${written(value.right)}`;
    default:
      return JSON.stringify(value);
  }
}

const digits = (text: string): bigint => BigInt(text === "" ? "0" : text);

/** A number as it is written: whole, or a fraction of whole ones. `d` is 0 for a division by zero. */
export function literal(term: Term): { readonly n: bigint; readonly d: bigint } | undefined {
  if (term.type === "number") return /^\d+$/.test(term.text) ? { n: digits(term.text), d: 1n } : undefined;
  if (term.type === "negative") {
    const of = literal(term.of);
    return of && { n: -of.n, d: of.d };
  }
  if (term.type !== "quotient") return undefined;
  const [a, b] = [literal(term.left), literal(term.right)];
  if (a?.d !== 1n || b?.d !== 1n) return undefined;
  let [x, y] = [a.n < 0n ? -a.n : a.n, b.n < 0n ? -b.n : b.n];
  while (y > 0n) [x, y] = [y, x % y];
  if (x === 0n) return { n: 0n, d: 0n };
  return b.n < 0n ? { n: -a.n / x, d: -b.n / x } : { n: a.n / x, d: b.n / x };
}

export const isFloat = (term: Term): boolean =>
  term.type === "number" ? /[.eE]/.test(term.text) : term.type === "negative" && isFloat(term.of);

const isInfinity = (term: Term): boolean =>
  term.type === "negative" ? isInfinity(term.of) : term.type === "constant" && term.name === "infinity";

export const isNumber = (term: Term): boolean =>
  isFloat(term) || literal(term) !== undefined || isInfinity(term);

/** Also of a percentage, which is kept as written. */
export const heldNumber = (term: Term): Term => (term.type === "percent" ? term.of : term);

/** Nothing but symbols, which is what makes an equation an assignment. */
export function isOnlySymbols(value: Parsed): boolean {
  if (value.type === "tuple" || value.type === "set")
    return value.of.length > 0 && value.of.every(isOnlySymbols);
  return value.type === "term" && ofSymbols(value.term);
}

function ofSymbols(term: Term): boolean {
  switch (term.type) {
    case "symbol":
      return !/\(.*[\d.]/.test(term.name);
    case "sum":
    case "product":
      return term.of.every(ofSymbols);
    case "quotient":
      return ofSymbols(term.left) && ofSymbols(term.right);
    case "call":
      return ofSymbols(term.of);
    default:
      return false;
  }
}

/** Divides by zero somewhere that is written out. */
export const isUndefined = (term: Term): boolean => someTerm(term, (part) => literal(part)?.d === 0n);

export const namesOf = (...terms: readonly Term[]): readonly string[] =>
  [...new Set(terms.flatMap((term) => [...symbolsOf(term)]))].sort();
