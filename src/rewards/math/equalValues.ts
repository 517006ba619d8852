// Whether two values are the same answer. undefined is for what cannot be told; it is never taken for "different".
import { equalDecimals, equalTerms, type Closeness, valuesAtPoints } from "./equalTerms.ts";
import { evaluate } from "./evaluate.ts";
import { type MathValue, type RelationSign, symbolsOf, type Term } from "./expression.ts";
import { equalRealSets, realSetOf } from "./realSets.ts";

type Same = boolean | undefined;
type Of<T extends MathValue["type"]> = Extract<MathValue, { readonly type: T }>;

export function equalValues(given: MathValue, truth: MathValue, closeness: Closeness): Same {
  if (given.type === "named" || truth.type === "named") return equalNamed(given, truth, closeness);
  const [reached, wanted] = [settled(given), settled(truth)];
  if (wanted === undefined) return undefined;
  if (reached === undefined) return false;
  if (reached !== given || wanted !== truth) return equalValues(reached, wanted, closeness);
  if (isRange(given) || isRange(truth)) {
    const [a, b] = [realSetOf(given), realSetOf(truth)];
    if (a !== undefined && b !== undefined) return sameSymbols(given, truth) && equalRealSets(a, b);
  }
  if (isList(given) || isList(truth)) return equalLists(given, truth, closeness);
  if (given.type === "set" || truth.type === "set")
    return equalSets(membersOf(given), membersOf(truth), closeness);
  if (given.type === "term" && truth.type === "term") return equalTerms(given.term, truth.term, closeness);
  if (given.type === "brackets" && truth.type === "brackets") return equalBrackets(given, truth, closeness);
  if (given.type === "matrix" && truth.type === "matrix") return equalMatrices(given, truth, closeness);
  if (given.type === "ratio" || truth.type === "ratio") return equalRatios(given, truth, closeness);
  if (given.type === "relation" && truth.type === "relation") return equalRelations(given, truth, closeness);
  if (given.type === "relation" || truth.type === "relation") return undefined;
  return given.type === truth.type ? undefined : false;
}

/** "3, 5" without braces, which may be an order or a set; "3 or 5" and "\pm 3" are sets. */
const isList = (value: MathValue): boolean =>
  value.type === "set" && !value.braces && value.anyOrder !== true;

/**
 * Where a list is in play: right in the same order, wrong with other members. The same members in another order, or one of
 * them twice, are wrong where the order counts and right where it does not; else nobody can tell.
 */
function equalLists(given: MathValue, truth: MathValue, closeness: Closeness): Same {
  const same = equalSets(membersOf(given), membersOf(truth), closeness);
  const areSets = given.type === "set" && truth.type === "set";
  const counts = closeness.order === "counts";
  if (same !== true || (closeness.order === "free" && !(areSets && isCount(truth)))) return same;
  // "3, 3" for 3.
  if (!areSets) return undefined;
  // Braces, "or" and \pm say that one is a set, which a list may be as well.
  if (!isList(given) || !isList(truth)) return counts ? undefined : true;
  // Names say which is which.
  if (isNamedThroughout(given) && isNamedThroughout(truth)) return true;
  const inOrder =
    given.of.length === truth.of.length &&
    every(given.of, (value, at) => equalValues(value, truth.of[at] as MathValue, closeness));
  if (inOrder !== false) return inOrder;
  const named = [...given.of, ...truth.of].some((value) => value.type === "named");
  return (counts && !named) || isCount(truth) ? false : undefined;
}

const isNamedThroughout = ({ of }: Of<"set">): boolean => of.every((value) => value.type === "named");

/** The numbers 1 to n, from three on, are steps or places in an order. */
function isCount({ of }: Of<"set">): boolean {
  const numbers = of.map((value) => (value.type === "term" ? evaluate(value.term) : NaN));
  return numbers.length > 2 && numbers.toSorted((a, b) => a - b).every((n, i) => n === i + 1);
}

/** x > 3 is not y > 3; an interval has no symbol. */
function sameSymbols(a: MathValue, b: MathValue): boolean {
  const [left, right] = [a, b].map((value) => [...symbolsIn(value)].sort().join(" ").toLowerCase());
  return left === "" || right === "" || left === right;
}

function symbolsIn(value: MathValue): ReadonlySet<string> {
  if (value.type === "relation") return new Set(value.of.flatMap((term) => [...symbolsOf(term)]));
  return value.type === "set" ? new Set(value.of.flatMap((part) => [...symbolsIn(part)])) : new Set();
}

const isRange = (value: MathValue): boolean =>
  value.type === "union" ||
  value.type === "relation" ||
  (value.type === "set" && value.of.some((part) => part.type === "relation"));

/** "x = 3" is 3, and is not "y = 3". */
function equalNamed(given: MathValue, truth: MathValue, closeness: Closeness): Same {
  const [a, b] = [bare(given), bare(truth)];
  // Each of several results may have a name of its own.
  if ((given.type === "set" && b.type !== "set") || (truth.type === "set" && a.type !== "set"))
    return equalSets(membersOf(given), membersOf(truth), closeness);
  // An equation of a curve, "y = 2x + 1", is an equation too.
  if (given.type === "named" && truth.type === "relation")
    return equalValues(asRelation(given) ?? a, truth, closeness);
  if (truth.type === "named" && given.type === "relation")
    return equalValues(given, asRelation(truth) ?? b, closeness);
  const same = equalValues(a, b, closeness);
  const names = [given, truth].map((value) =>
    value.type === "named" ? value.name.toLowerCase() : undefined,
  );
  if (names[0] === undefined || names[0] === names[1]) return same;
  if (names[1] !== undefined)
    return names.every((name) => [...(name as string)].length === 1) ? false : undefined;
  // "A = B" for B is two letters rather than an equation.
  const isEquation = given.type !== "named" || (isSymbolName(given.name) && !isSymbol(a));
  return same === true && !isEquation ? undefined : same;
}

const isSymbol = (value: MathValue): boolean => value.type === "term" && value.term.type === "symbol";

/** What names a quantity and says nothing else: a letter with its index, a side or an angle, f(x). Words might: "not x". */
export const isSymbolName = (name: string): boolean =>
  /^(?:\p{L}|[A-Z]{2,3}|(?:angle|triangle|vec|overline) ?(?:\{ )?[A-Z]{1,3}(?: \})?|\p{L} \( \p{L} \)|alpha|beta|gamma|theta|phi|varphi|lambda|mu|omega|delta)(?: _ (?:\{ )?[\p{L}\d]{1,3}(?: \})?)?(?: ')*$/u.test(
    name,
  );

const bare = (value: MathValue): MathValue => (value.type === "named" ? value.value : value);

function asRelation({ name, value }: Of<"named">): MathValue | undefined {
  if (value.type !== "term" || [...name].length !== 1) return undefined;
  return { type: "relation", of: [{ type: "symbol", name }, value.term], signs: ["="] };
}

/**
 * A chain of equal numbers, "2 + 1 = 3", is its last one; undefined when its members are not equal, since then it says two
 * things. A rounded member ("\pi \approx 3.14") is the same number to a hundredth; the first is what is meant.
 */
export function settled(value: MathValue): MathValue | undefined {
  if (value.type !== "relation" || value.of.some((term) => symbolsOf(term).size > 0)) return value;
  if (value.signs.some((sign) => sign !== "=" && sign !== "~")) return value;
  const [first, ...rest] = value.of;
  if (rest.length > 3) return undefined;
  const whole = evaluate(first as Term);
  const agrees = rest.every((term, i) => {
    const error = Math.abs(evaluate(term) - whole);
    return error <= (value.signs[i] === "~" ? 0.01 : 1e-9) * Math.abs(whole);
  });
  return agrees ? { type: "term", term: first as Term } : undefined;
}

function membersOf(value: MathValue): readonly MathValue[] | undefined {
  if (value.type === "set") return value.of;
  return value.type === "term" || value.type === "relation" || value.type === "named" ? [value] : undefined;
}

/** Without order; what stands twice counts once. */
function equalSets(
  given: readonly MathValue[] | undefined,
  truth: readonly MathValue[] | undefined,
  closeness: Closeness,
): Same {
  if (given === undefined || truth === undefined) return undefined;
  const each = (of: readonly MathValue[], others: readonly MathValue[]): Same =>
    every(of, (one) => some(others, (other) => equalValues(one, other, closeness)));
  const [forth, back] = [each(given, truth), each(truth, given)];
  return forth === false || back === false
    ? false
    : forth === undefined || back === undefined
      ? undefined
      : true;
}

function every<T>(of: readonly T[], holds: (one: T, index: number) => Same): Same {
  let result: Same = true;
  for (const [i, one] of of.entries()) {
    const here = holds(one, i);
    if (here === false) return false;
    if (here === undefined) result = undefined;
  }
  return result;
}

function some<T>(of: readonly T[], holds: (one: T) => Same): Same {
  let result: Same = false;
  for (const one of of) {
    const here = holds(one);
    if (here === true) return true;
    if (here === undefined) result = undefined;
  }
  return result;
}

/** In order, between brackets of the same kinds: (1, 2] is not (1, 2), and 〈1, 2〉 may be (1, 2). */
function equalBrackets(given: Of<"brackets">, truth: Of<"brackets">, closeness: Closeness): Same {
  if (given.of.length !== truth.of.length) return false;
  const inside = every(given.of, (value, i) => equalValues(value, truth.of[i] as MathValue, closeness));
  if (given.ends === truth.ends || inside === false) return inside;
  return given.ends === "⟨⟩" || truth.ends === "⟨⟩" || given.of.length > 2 ? undefined : false;
}

function equalMatrices(given: Of<"matrix">, truth: Of<"matrix">, closeness: Closeness): Same {
  const [a, b] = [given.rows, truth.rows];
  if (a.length !== b.length || a.some((row, i) => row.length !== b[i]?.length)) return false;
  const pairs = a.flatMap((row, i) =>
    row.map((term, j) => [term, (b[i] as readonly Term[])[j] as Term] as const),
  );
  return every(pairs, ([left, right]) => equalTerms(left, right, closeness));
}

/** 2:4 is 1:2, and of two parts also the number 1/2. */
function equalRatios(given: MathValue, truth: MathValue, closeness: Closeness): Same {
  const [a, b] = [given, truth].map((value) => {
    if (value.type === "ratio") return value.of.map((term) => evaluate(term));
    return value.type === "term" ? [evaluate(value.term), 1] : undefined;
  });
  if (a === undefined || b === undefined) return undefined;
  if ([...a, ...b].some((x) => !(x > 0 && Number.isFinite(x)))) return undefined;
  if (a.length !== b.length) return false;
  const [lastA, lastB] = [a.at(-1) as number, b.at(-1) as number];
  return a.every((x, i) => equalDecimals(x / lastA, (b[i] as number) / lastB, closeness));
}

/**
 * The same relation of the same sides, turned or not. Of two or more symbols it is a curve or a region, which any multiple of the
 * difference of its sides describes; of one symbol it must be solved to count: "2x = 6" is not "x = 3".
 */
function equalRelations(given: Of<"relation">, truth: Of<"relation">, closeness: Closeness): Same {
  if (given.of.length !== truth.of.length) return undefined;
  const [g, t] = [ascending(given), ascending(truth)];
  if (g.signs.some((sign, i) => sign !== t.signs[i])) return g.of.length === 2 ? false : undefined;
  const same = sides(g.of, t.of, closeness);
  if (same === true) return true;
  if (g.of.length !== 2) return same;
  const [a, b] = [difference(g.of), difference(t.of)];
  if (g.signs[0] === "=" && sides(g.of.toReversed(), t.of, closeness) === true) return true;
  const names = [...new Set([...symbolsOf(a), ...symbolsOf(b)])].sort();
  if (names.length < 2) return same;
  const ratios = valuesAtPoints([a, b], names).map(([x, y]) => (x as number) / (y as number));
  if (ratios.length < 3 || !ratios.every(Number.isFinite)) return undefined;
  const first = ratios[0] as number;
  const constant = ratios.every((ratio) => Math.abs(ratio - first) <= 1e-9 * Math.abs(first));
  return constant && first !== 0 && (g.signs[0] === "=" || first > 0);
}

const sides = (a: readonly Term[], b: readonly Term[], closeness: Closeness): Same =>
  every(
    a.map((term, i) => [term, b[i] as Term] as const),
    ([left, right]) => equalTerms(left, right, closeness),
  );

/** With "<" for ">". */
function ascending({ of, signs }: Of<"relation">): Of<"relation"> {
  if (!signs.every((sign) => sign.startsWith(">"))) return { type: "relation", of, signs };
  const turned = signs.map((sign) => sign.replace(">", "<") as RelationSign).toReversed();
  return { type: "relation", of: of.toReversed(), signs: turned };
}

const difference = (of: readonly Term[]): Term => ({
  type: "sum",
  of: [of[0] as Term, { type: "negative", of: of[1] as Term }],
});
