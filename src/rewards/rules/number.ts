// Answers that are one number: digits or words, fractions and other constant terms, with a unit or with the counted thing
// behind it. A list of numbers is wrong, a number within prose is left open.
import { equalDecimals, roundingOf } from "../math/equalTerms.ts";
import { isSymbolName, settled } from "../math/equalValues.ts";
import type { MathValue, Term } from "../math/expression.ts";
import { meanRelativeAccuracy } from "../meanRelativeAccuracy.ts";
import type { Graded, Verdict } from "../verdict.ts";
import { compareMeasures } from "./compareUnits.ts";
import { gradeMathematics } from "./mathematics.ts";
import { type Measure, measuresOf, numberOfMeasure, wordsAsNumber } from "./measure.ts";
import { gradeText, unwrapped } from "./text.ts";

export interface NumberOptions {
  /** Error allowed, as a share of the truth and in its unit; the larger counts. 0 and 0: equal to six decimals. */
  readonly relativeTolerance: number;
  readonly absoluteTolerance: number;
  readonly units: "convert" | "ignore";
}

export function gradeNumeric(
  graded: Graded,
  { relativeTolerance, absoluteTolerance, units }: NumberOptions,
): Verdict {
  const isRight: IsRight = (given, truth, lost) =>
    equalDecimals(given, truth, { decimals: 6 }, lost) ||
    Math.abs(given - truth) <= Math.max(absoluteTolerance, relativeTolerance * Math.abs(truth)) * (1 + 1e-12);
  const exact = absoluteTolerance === 0 && relativeTolerance === 0;
  return gradeNumbers(graded, isRight, {
    convert: units === "convert",
    openWhenRounded: exact,
    letters: "open",
  });
}

/** Right from a mean relative accuracy of `least` on, after units are converted. */
export function gradeRelative(graded: Graded, least: number): Verdict {
  const isRight: IsRight = (given, truth) => meanRelativeAccuracy(given, truth) >= least;
  return gradeNumbers(graded, isRight, { convert: true, openWhenRounded: false, letters: "units" });
}

/** `lost`: the error that cancelling may have brought into either. */
type IsRight = (given: number, truth: number, lost: number) => boolean;

interface Comparing {
  readonly convert: boolean;
  /** Whether a rounded value of the same number is open rather than wrong. */
  readonly openWhenRounded: boolean;
  /** What "1.5m" is for 1.5: of quantities that are estimated a letter is a unit. */
  readonly letters: "units" | "open";
}

/** A truth that is no number is compared as text. */
function gradeNumbers(
  graded: Graded,
  isRight: IsRight,
  { convert, openWhenRounded, letters }: Comparing,
): Verdict {
  const { question, truth } = graded;
  const wanted = withSettled(measuresOf(truth, question)[0]);
  const number = wanted && numberOfMeasure(wanted);
  if (wanted === undefined || number === undefined) return gradeText(graded);
  if (unwrapped(graded.answer) === "") return "wrong";
  const given = withSettled(measuresOf(withoutCounted(unwrapped(graded.answer), question), question)[0]);
  if (given === undefined) return "unknown";
  if (given.value.type === "named" && !isNamedAlike(given.value.name, wanted)) return "unknown";
  const answered = numberOfMeasure(given);
  if (answered === undefined) return isSettled(given) ? gradeMathematics(graded, { decimals: 6 }) : "unknown";
  const units = convert
    ? compareMeasures(given, wanted, question, letters)
    : ({ type: "comparable", factors: [1], doubtful: [] } as const);
  if (units.type === "different") return "wrong";
  const lost = roundingOf([given, wanted].flatMap((measure) => termOf(measure) ?? []));
  const fits = (factor: number): boolean => isRight(answered * factor, number, lost);
  if (units.factors.some(fits)) return "right";
  if (units.doubtful.some(fits)) return "unknown";
  const isRounded = (factor: number): boolean =>
    Math.abs(answered * factor - number) <=
    Math.max(stepOf(given) * factor, stepOf(wanted)) * 0.5 * (1 + 1e-9);
  return openWhenRounded && units.factors.some(isRounded) ? "unknown" : "wrong";
}

/** A chain of equal numbers, "1 + 2 = 3", as its number. */
function withSettled(measure: Measure | undefined): Measure | undefined {
  if (measure === undefined) return undefined;
  const of = (value: MathValue): MathValue => settled(value) ?? value;
  const { value } = measure;
  return { ...measure, value: value.type === "named" ? { ...value, value: of(value.value) } : of(value) };
}

function termOf({ value }: Measure): Term | undefined {
  const inner = value.type === "named" ? value.value : value;
  return inner.type === "term" ? inner.term : undefined;
}

/** A unit of the last decimal of a number that is written as a decimal of two or more digits, "75.4"; 0 of any other. */
function stepOf(measure: Measure): number {
  const term = termOf(measure);
  const part = term?.type === "negative" ? term.of : term;
  if (part?.type !== "number") return 0;
  const [, whole = "", decimals = ""] = /^(\d*)\.(\d+)$/.exec(part.text) ?? [];
  return (whole + decimals).replace(/^0+/, "").length >= 2 ? 10 ** -decimals.length : 0;
}

const isNamedAlike = (name: string, { value }: Measure): boolean =>
  value.type === "named" ? value.name.toLowerCase() === name.toLowerCase() : isSymbolName(name);

/** A list, a pair, an inequality: read, and not one number. */
const isSettled = ({ value }: Measure): boolean => value.type !== "term" && value.type !== "named";

const HEDGES = new Set(
  "or and not nor but to than least most more less fewer over under about around only if no between either neither maybe perhaps".split(
    " ",
  ),
);

/** "4 chairs" as "4", when the question speaks of chairs; else as it is. */
export function withoutCounted(text: string, question: string): string {
  const match = /^((?:[+-]?[\d.,]+)|(?:[a-zA-Z]+(?:-[a-zA-Z]+)?)) ([\p{L}-]+(?: [\p{L}-]+){0,2})$/u.exec(
    text,
  );
  if (match === null) return text;
  const [, number = "", things = ""] = match;
  if (!/\d/.test(number) && wordsAsNumber(number) === undefined) return text;
  const known = new Set(question.toLowerCase().match(/[\p{L}-]+/gu) ?? []);
  const isCounted = things
    .trim()
    .toLowerCase()
    .split(" ")
    .every(
      (word) =>
        !HEDGES.has(word) && (known.has(word) || known.has(`${word}s`) || known.has(word.replace(/s$/, ""))),
    );
  return isCounted ? number : text;
}
