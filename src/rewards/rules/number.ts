// Answers that are one number: digits or words, fractions and other constant terms, with a unit or with the counted thing
// behind it. A list of numbers is wrong, a number within prose is left open.
import { equalDecimals } from "../math/equalTerms.ts";
import { isSymbolName } from "../math/equalValues.ts";
import { meanRelativeAccuracy } from "../meanRelativeAccuracy.ts";
import type { Graded, Verdict } from "../verdict.ts";
import { compareUnits } from "./compareUnits.ts";
import { type Measure, measuresOf, numberOfMeasure, wordsAsNumber } from "./measure.ts";
import { gradeText, unwrapped } from "./text.ts";
import { askedUnit } from "./units.ts";

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
  const isRight = (given: number, truth: number): boolean =>
    equalDecimals(given, truth, { decimals: 6 }) ||
    Math.abs(given - truth) <= Math.max(absoluteTolerance, relativeTolerance * Math.abs(truth)) * (1 + 1e-12);
  return gradeNumbers(graded, isRight, units === "convert");
}

/** Right from a mean relative accuracy of `least` on, after units are converted. */
export function gradeRelative(graded: Graded, least: number): Verdict {
  return gradeNumbers(graded, (given, truth) => meanRelativeAccuracy(given, truth) >= least, true);
}

/** A truth that is no number is compared as text. */
function gradeNumbers(
  graded: Graded,
  isRight: (given: number, truth: number) => boolean,
  convert: boolean,
): Verdict {
  const { question, truth } = graded;
  const wanted = measuresOf(truth)[0];
  const number = wanted && numberOfMeasure(wanted);
  if (wanted === undefined || number === undefined) return gradeText(graded);
  if (unwrapped(graded.answer) === "") return "wrong";
  const given = measuresOf(withoutCounted(unwrapped(graded.answer), question))[0];
  if (given === undefined) return "unknown";
  if (given.value.type === "named" && !isNamedAlike(given.value.name, wanted)) return "unknown";
  const answered = numberOfMeasure(given);
  if (answered === undefined) return isSettled(given) ? "wrong" : "unknown";
  const units = convert
    ? compareUnits(given.unit, wanted.unit, askedUnit(question))
    : ({ type: "comparable", factors: [1], doubtful: [] } as const);
  if (units.type === "different") return "wrong";
  if (units.factors.some((factor) => isRight(answered * factor, number))) return "right";
  return units.doubtful.some((factor) => isRight(answered * factor, number)) ? "unknown" : "wrong";
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
function withoutCounted(text: string, question: string): string {
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
