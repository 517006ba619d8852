// What mathematics in an answer comes to once it is read: terms, and what is built of terms. Small on purpose: it holds what
// answers to questions about figures use, and whatever else stands in an answer is not read at all.

/** Functions of one real argument. */
export const FUNCTIONS = {
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  cot: (x: number): number => 1 / Math.tan(x),
  sec: (x: number): number => 1 / Math.cos(x),
  csc: (x: number): number => 1 / Math.sin(x),
  arcsin: Math.asin,
  arccos: Math.acos,
  arctan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  exp: Math.exp,
  ln: Math.log,
  lg: Math.log10,
  abs: Math.abs,
  floor: Math.floor,
  ceil: Math.ceil,
} as const satisfies Record<string, (x: number) => number>;

export type FunctionName = keyof typeof FUNCTIONS;
export const isFunctionName = (name: string): name is FunctionName => Object.hasOwn(FUNCTIONS, name);

export type Term =
  /** As written: digits with at most one point, or in scientific notation. */
  | { readonly type: "number"; readonly text: string }
  | { readonly type: "constant"; readonly name: "pi" | "e" | "infinity" }
  | { readonly type: "symbol"; readonly name: string }
  | { readonly type: "sum" | "product"; readonly of: readonly Term[] }
  | { readonly type: "negative" | "factorial" | "percent" | "degrees"; readonly of: Term }
  | { readonly type: "quotient" | "power" | "binomial"; readonly left: Term; readonly right: Term }
  /** `index` 2 is the square root. */
  | { readonly type: "root"; readonly index: Term; readonly of: Term }
  | { readonly type: "logarithm"; readonly base: Term; readonly of: Term }
  | { readonly type: "call"; readonly name: FunctionName; readonly of: Term };

export type RelationSign = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~";

export type MathValue =
  | { readonly type: "term"; readonly term: Term }
  /** `{1, 2}`, or `1, 2`, which may be a set as well; `anyOrder`: written with "or" or \pm, and so a set. */
  | {
      readonly type: "set";
      readonly of: readonly MathValue[];
      readonly braces: boolean;
      readonly anyOrder?: boolean;
    }
  /** In brackets of any two kinds: a pair, a vector or an interval. */
  | { readonly type: "brackets"; readonly of: readonly MathValue[]; readonly ends: string }
  | { readonly type: "union"; readonly of: readonly MathValue[] }
  /** `signs[i]` stands between `of[i]` and `of[i + 1]`. */
  | { readonly type: "relation"; readonly of: readonly Term[]; readonly signs: readonly RelationSign[] }
  /** `name = value`: what is asked for, named; spaces in `name` stand between its tokens. */
  | { readonly type: "named"; readonly name: string; readonly value: MathValue }
  | { readonly type: "matrix"; readonly rows: readonly (readonly Term[])[] }
  | { readonly type: "ratio"; readonly of: readonly Term[] };

/** Terms directly inside a term. */
export function partsOf(term: Term): readonly Term[] {
  switch (term.type) {
    case "number":
    case "constant":
    case "symbol":
      return [];
    case "sum":
    case "product":
      return term.of;
    case "negative":
    case "factorial":
    case "percent":
    case "degrees":
    case "call":
      return [term.of];
    case "quotient":
    case "power":
    case "binomial":
      return [term.left, term.right];
    case "root":
      return [term.index, term.of];
    case "logarithm":
      return [term.base, term.of];
    default:
      return term satisfies never;
  }
}

export function someTerm(term: Term, holds: (term: Term) => boolean): boolean {
  return holds(term) || partsOf(term).some((part) => someTerm(part, holds));
}

export function symbolsOf(term: Term): ReadonlySet<string> {
  const names = new Set<string>();
  someTerm(term, (t) => {
    if (t.type === "symbol") names.add(t.name);
    return false;
  });
  return names;
}

/** Whether it has a number that is written as a decimal, and so may be rounded. */
export const hasDecimal = (term: Term): boolean =>
  someTerm(term, (t) => t.type === "number" && /[.eE]/.test(t.text));
