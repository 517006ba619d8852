// A free answer as one number, for all benchmarks: the whole of it must be the number, with a unit or the counted thing behind
// it, or a chain of equal sides that ends in it. A white list: what it does not know is no number.
import { hasDecimal, type MathValue } from "../math/expression.ts";
import {
  type Measure,
  measuresOf,
  numberOfMeasure,
  numeric,
  scaled,
  wordsAsNumber,
} from "../rules/measure.ts";
import { parseUnit } from "../rules/units.ts";
import { bareAnswer, CHANGES, DENIES, sidesOf, withoutLead } from "./bareAnswer.ts";
import { unitFactors } from "./unitOfQuestion.ts";

/** With its number, which is the value's. */
export interface FreeNumber extends Measure {
  readonly number: number;
}

/** Values without their units, the answer's in the unit of the truth. */
export type Equal = (given: MathValue, truth: MathValue) => boolean;

/**
 * Whether an answer is the number that a truth is, unit included. undefined where the truth is no number: a list, an equation,
 * a word.
 */
export function isNumber(answer: string, truth: string, question: string, equal: Equal): boolean | undefined {
  const [wanted] = measuresOf(truth, question);
  if (wanted?.value.type !== "term" || numberOfMeasure(wanted) === undefined) return undefined;
  return numbersOf(answer, question).some((given) =>
    unitFactors(given, wanted, question).some((factor) => equal(scaled(given.value, factor), wanted.value)),
  );
}

/** The number of an answer, in the unit that its question asks for. */
export function numberIn(answer: string, question: string): number | undefined {
  const given = numbersOf(answer, question).at(-1);
  if (given === undefined) return undefined;
  const [factor] = unitFactors(given, { value: numeric(given.number) }, question);
  return factor === undefined ? undefined : given.number * factor;
}

/** The number that an answer is: of "2π/3 ≈ 2.09" both, which are one. Empty when it is none or several. */
export function numbersOf(answer: string, question: string): readonly FreeNumber[] {
  if (answer.length > 1000) return [];
  const bare = bareAnswer(answer, (text) => chainOf(text, question).length > 0);
  return bare === undefined ? [] : chainOf(bare, question);
}

function chainOf(text: string, question: string): readonly FreeNumber[] {
  const sides = sidesOf(text);
  const read = sides.map((side) => sideOf(side, question));
  const last = read.at(-1);
  if (last === undefined) return [];
  const names = sides.filter((_, at) => read[at] === undefined);
  const numbers = read.filter((side) => side !== undefined);
  return names.every(isName) && numbers.every((one) => agree(one, last)) ? numbers : [];
}

/** "S_{ABC}", "x + y", "Area": what is no value of another kind and says nothing about the number. */
const isName = (side: string): boolean =>
  side !== "" &&
  !DENIES.test(side) &&
  measuresOf(side).every(({ value }) => value.type === "term" || value.type === "named");

/** To half a unit of the last decimal of either, in the unit of the last. */
function agree(one: FreeNumber, last: FreeNumber): boolean {
  const factor =
    one.unit !== undefined && one.unit.dimension === last.unit?.dimension
      ? one.unit.factor / last.unit.factor
      : 1;
  const step = Math.max(stepOf(one) * factor, stepOf(last));
  return Math.abs(one.number * factor - last.number) <= Math.max(0.5 * step, 1e-9 * Math.abs(last.number));
}

/** Of a decimal its last place, of a whole number 1 beside what is none; 0 of terms. */
function stepOf({ value, number }: FreeNumber): number {
  if (value.type !== "term") return 0;
  const part = value.term.type === "negative" ? value.term.of : value.term;
  if (part.type !== "number") return 0;
  if (!hasDecimal(part)) return Number.isInteger(number) && Math.abs(number) >= 10 ? 1 : 0.1;
  return 10 ** -(part.text.split(".")[1] ?? "").length;
}

function sideOf(text: string, question: string): FreeNumber | undefined {
  const side = withoutLead(text);
  const words = wordsAsNumber(side);
  if (words !== undefined) return { value: numeric(words), number: words };
  const scientific = /^[+-]?\d+(?:\.\d+)?[eE][+-]?\d{1,3}$/.test(side) ? Number(side) : undefined;
  if (scientific !== undefined && Number.isFinite(scientific))
    return { value: numeric(scientific), number: scientific };
  const [measure] = measuresOf(withoutThings(side, question), question);
  if (measure === undefined || saysMore(side, question)) return undefined;
  const value = quotientOf(measure.value, question);
  if (value.type !== "term") return undefined;
  const number = numberOfMeasure({ value });
  return number === undefined ? undefined : { ...measure, value, number };
}

/** "1:2" as 1/2, where a ratio is asked for. */
function quotientOf(value: MathValue, question: string): MathValue {
  if (value.type !== "ratio" || !/\bratio|proportion/i.test(question)) return value;
  const [left, right, ...more] = value.of;
  return left === undefined || right === undefined || more.length > 0
    ? value
    : { type: "term", term: { type: "quotient", left, right } };
}

/** Words that change a number, "times" where nothing is counted in times. "\times" and "square" of units are none. */
function saysMore(side: string, question: string): boolean {
  const plain = side.replace(/\\[a-zA-Z]+/g, " ").replace(/(?<=[a-zµ]) per (?=[a-z])/gi, "/");
  return CHANGES.test(/\btimes\b/i.test(question) ? plain.replace(/\btimes$/i, "") : plain);
}

/** "4 chairs in this room" as "4": every word of it is one of the question's, and none changes the number. */
function withoutThings(side: string, question: string): string {
  const match = /^([+-]?[\d.,]+|[a-z]+(?:-[a-z]+)?) ((?:[\p{L}-]+ ?){1,6})$/iu.exec(side);
  const [, number = "", things = ""] = match ?? [];
  if (match === null || parseUnit(things) !== undefined || CHANGES.test(things)) return side;
  if (!/\d/.test(number) && wordsAsNumber(number) === undefined) return side;
  const known = new Set((question.toLowerCase().match(/[\p{L}-]+/gu) ?? []).map(singular));
  return things
    .trim()
    .toLowerCase()
    .split(" ")
    .every((word) => known.has(singular(word)) && wordsAsNumber(word) === undefined)
    ? number
    : side;
}

const singular = (word: string): string =>
  word
    .replace(/ies$/, "y")
    .replace(/(?<=x|ch|sh|ss)es$/, "")
    .replace(/(?<=[^s])s$/, "");
