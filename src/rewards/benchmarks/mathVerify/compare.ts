// Math-Verify's `verify` for two values that were read. Not symmetric: the form of the truth decides what is unwrapped.
import { evaluate, exactly } from "../../math/evaluate.ts";
import { valuesAtPoints } from "../../math/equalTerms.ts";
import { hasDecimal, someTerm, type Term } from "../../math/expression.ts";
import { roundHalfEven } from "../python.ts";
import { equalSets } from "./compareSets.ts";
import {
  heldNumber,
  isFloat,
  isNumber,
  isOnlySymbols,
  isUndefined,
  literal,
  namesOf,
  ofTerm,
  type Parsed,
  type Relation,
  type Sign,
  written,
} from "./parsed.ts";

const DECIMALS = 6;
const TURNED: Readonly<Record<Sign, Sign | undefined>> = {
  "=": "=",
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
  "!=": undefined,
};

export function equalAnswers(gold: Parsed, answer: Parsed): boolean {
  const [g, a] = [shortened(gold), shortened(answer)];
  if (isEquation(a) && !isEquation(g)) return compare(g, lastRight(a));
  if (isAssignment(g) && !isEquation(a)) return compare(lastRight(g), a);
  return compare(g, a);
}

function compare(gold: Parsed, answer: Parsed): boolean {
  if (gold.type === "term" && isUndefined(gold.term)) return false;
  if (written(gold) === written(answer)) return true;
  if (isRelation(gold) && isRelation(answer)) return equalRelations(gold, answer);
  if (isSet(gold) || isSet(answer)) return equalSets(gold, answer, equalAnswers);
  if (gold.type === "matrix" && answer.type === "matrix") return equalMatrices(gold.rows, answer.rows);
  if (gold.type !== "term" || answer.type !== "term") return false;
  if (isSymbol(gold.term) || isSymbol(answer.term)) return equalSymbols(gold.term, answer.term);
  return equalTerms(gold.term, answer.term);
}

const isRelation = (value: Parsed): boolean => value.type === "relation" || value.type === "and";
const relationsOf = (value: Parsed): readonly Relation[] =>
  value.type === "relation" ? [value] : value.type === "and" ? value.of : [];
const isEquation = (value: Parsed): boolean =>
  isRelation(value) && relationsOf(value).every(({ sign }) => sign === "=");
const isAssignment = (value: Parsed): boolean =>
  isEquation(value) && isOnlySymbols((relationsOf(value)[0] as Relation).left);
const lastRight = (value: Parsed): Parsed => relationsOf(value).at(-1)?.right ?? value;

/** "x = 2 + 1 = 3" is "x = 3". */
const shortened = (value: Parsed): Parsed =>
  value.type === "and" && isAssignment(value)
    ? { type: "relation", left: (value.of[0] as Relation).left, sign: "=", right: lastRight(value) }
    : value;

const isSet = ({ type }: Parsed): boolean =>
  ["set", "tuple", "interval", "union", "intersection", "difference", "named"].includes(type);

const isSymbol = (term: Term): boolean => term.type === "symbol" && !term.name.includes("(");

/** Letters side by side are the word that they spell, and `E` is e; `\text{160}` is a symbol whose name is the number's. */
function equalSymbols(gold: Term, answer: Term): boolean {
  const [a, b] = [spelled(gold) ?? wholeSpelled(gold), spelled(answer) ?? wholeSpelled(answer)];
  return a !== undefined && a === b;
}

function spelled(term: Term): string | undefined {
  if (term.type === "symbol") return term.name.toLowerCase();
  if (term.type === "constant") return term.name === "e" ? "e" : undefined;
  if (term.type !== "product") return undefined;
  const letters = term.of.map(spelled);
  return letters.includes(undefined) ? undefined : letters.join("");
}

function wholeSpelled(term: Term): string | undefined {
  const number = literal(term);
  if (number === undefined || number.d === 0n) return undefined;
  return number.d === 1n ? String(number.n) : `${String(number.n)}/${String(number.d)}`;
}

export function equalTerms(gold: Term, answer: Term): boolean {
  if (isUndefined(gold) || isUndefined(answer)) return false;
  const names = namesOf(gold, answer);
  if (names.length > 0) return equalAtPoints(gold, answer, names);
  const [a, b] = [evaluate(gold), evaluate(answer)];
  if (!Number.isFinite(a) || !Number.isFinite(b)) return a === b;
  const held = [gold, answer].map(heldNumber);
  if (isBeside(gold, answer) || isBeside(answer, gold)) return false;
  if (a === b) return true;
  if (held.some(isFloat) && !isWhole(gold) && !isWhole(answer))
    return roundHalfEven(a, DECIMALS) === roundHalfEven(b, DECIMALS);
  if (held.some(isNumber) || !(hasDecimal(gold) || hasDecimal(answer))) {
    const [exactA, exactB] = [exactly(gold), exactly(answer)];
    if (exactA !== undefined && exactB !== undefined) return exactA.n === exactB.n && exactA.d === exactB.d;
  }
  return Math.abs(a - b) <= 1e-14 + 1e-13 * Math.abs(b);
}

/**
 * A decimal times π, e or a root, beside a value that they are no part of: never equal, however near the doubles come. Beside a
 * decimal that is no whole number the value decides.
 */
function isBeside(term: Term, other: Term): boolean {
  if (!hasDecimal(term)) return false;
  const [kinds, others] = [irrationalIn(term), irrationalIn(other)];
  const isDecimal = others === "" && hasDecimal(other) && !Number.isInteger(evaluate(other));
  return kinds !== "" && !isDecimal && kinds !== others;
}

/** What a value hangs on, told by another number in its place. Within a function, \sin(\pi/2.0), nobody can tell. */
function irrationalIn(term: Term): string {
  if (someTerm(term, ({ type }) => type === "call" || type === "logarithm")) return "";
  const before = evaluate(term);
  return (["constant", "root"] as const)
    .filter((type) => {
      const after = evaluate(withSymbol(term, type), new Map([[OTHER, 1.2345]]));
      return Math.abs(before - after) > 1e-9 * Math.abs(before);
    })
    .join();
}

const OTHER = "other";
const withSymbol = (term: Term, type: Term["type"]): Term =>
  JSON.parse(JSON.stringify(term), (_, part: unknown) =>
    isRecord(part) && part["type"] === type && (type !== "root" || !isPlain(part as Term))
      ? { type: "symbol", name: OTHER }
      : part,
  ) as Term;
/** \sqrt{4.0} and \sqrt{2.25}: a root that comes out. */
const isPlain = (root: Term): boolean => {
  const parts = evaluate(root) * 5040;
  return Number.isNaN(parts) || Math.abs(parts - Math.round(parts)) < 1e-9;
};
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

/** A whole number is equal to a decimal only when nothing has to be rounded. */
const isWhole = (term: Term): boolean => !hasDecimal(term) && exactly(term)?.d === 1n;

function equalAtPoints(gold: Term, answer: Term, names: readonly string[]): boolean {
  const values = valuesAtPoints([gold, answer], names);
  return (
    values.length >= 3 && values.every(([a = NaN, b = NaN]) => Math.abs(a - b) <= 1e-12 + 1e-9 * Math.abs(b))
  );
}

type Rows = readonly (readonly Term[])[];

function equalMatrices(gold: Rows, answer: Rows): boolean {
  return (
    gold.length === answer.length &&
    gold.every(
      (row, i) =>
        row.length === answer[i]?.length && row.every((term, j) => equalTerms(term, answer[i]?.[j] as Term)),
    )
  );
}

function equalRelations(gold: Parsed, answer: Parsed): boolean {
  const [g, a] = [relationsOf(gold), relationsOf(answer)];
  if (g.length !== a.length) return false;
  return g.every((one, i) => equalRelation(one, a[i] as Relation));
}

/** The same sides, turned or not; of equations in several symbols also any multiple of them. */
function equalRelation(gold: Relation, answer: Relation): boolean {
  const [g, a] = [difference(gold), difference(answer)];
  if (g === undefined || a === undefined) return false;
  if (gold.sign === answer.sign && equalAnswers(ofTerm(g), ofTerm(a))) return true;
  const turned: Term = { type: "negative", of: a };
  if (TURNED[gold.sign] === answer.sign && equalAnswers(ofTerm(g), ofTerm(turned))) return true;
  return gold.sign === "=" && answer.sign === "=" && isMultiple(g, a);
}

function difference({ left, right }: Relation): Term | undefined {
  if (left.type !== "term" || right.type !== "term") return undefined;
  return { type: "sum", of: [left.term, { type: "negative", of: right.term }] };
}

function isMultiple(gold: Term, answer: Term): boolean {
  const names = namesOf(gold);
  if (names.length < 2 || names.join() !== namesOf(answer).join()) return false;
  const ratios = valuesAtPoints([gold, answer], names).map(([a = NaN, b = NaN]) => a / b);
  const [first = NaN] = ratios;
  return (
    ratios.length >= 3 &&
    first !== 0 &&
    ratios.every((ratio) => Math.abs(ratio - first) <= 1e-9 * Math.abs(first))
  );
}
