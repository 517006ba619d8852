// Answers in mathematics, in LaTeX or plain notation, with or without a unit. What cannot be read on either side is left
// open, unless both are the same text.
import { equalValues } from "../math/equalValues.ts";
import type { Graded, Verdict } from "../verdict.ts";
import { compareMeasures } from "./compareUnits.ts";
import { type Measure, measuresOf, scaled } from "./measure.ts";
import { folded } from "./text.ts";

export interface MathematicsOptions {
  /** Decimals to which values agree when one of them is written as a decimal. */
  readonly decimals: number;
}

export function gradeMathematics(
  { question, answer, truth }: Graded,
  { decimals }: MathematicsOptions,
): Verdict {
  const [given, wanted] = [folded(answer), folded(truth)];
  if (given === "" || wanted === "") return "wrong";
  if (withoutSpaces(given) === withoutSpaces(wanted)) return sameCase(answer, truth) ? "right" : "unknown";
  const verdicts = measuresOf(truth, question).flatMap((right) =>
    measuresOf(answer, question).map((left) => gradeMeasures(left, right, question, decimals)),
  );
  if (verdicts.includes("right")) return "right";
  return verdicts.includes("wrong") && !verdicts.includes("unknown") ? "wrong" : "unknown";
}

/** But not where it would join two numbers: "1 1/2" is not "11/2". */
const withoutSpaces = (text: string): string => text.replace(/(?<!\d) | (?!\d)/g, "");

/** A lone letter that differs in case may be another symbol. */
const sameCase = (a: string, b: string): boolean =>
  a.trim().length > 1 || b.trim().length > 1 || a.trim() === b.trim();

/** Whether the order of a list counts, by the question's words; undefined when they do not say. */
function orderIn(question: string): "counts" | "free" | undefined {
  if (/\b(?:order|arrange|sort|rank|sequence|ascending|descending|respective)/i.test(question))
    return "counts";
  return /\b(?:solve|solutions?|roots|zeros|factors of|divisors)\b/i.test(question) ? "free" : undefined;
}

function gradeMeasures(given: Measure, truth: Measure, question: string, decimals: number): Verdict {
  const units = compareMeasures(given, truth, question);
  if (units.type === "different") return "wrong";
  const order = orderIn(question);
  const results = (factors: readonly number[]): readonly (boolean | undefined)[] =>
    factors.map((factor) => equalValues(scaled(given.value, factor), truth.value, { decimals, order }));
  const sure = results(units.factors);
  if (sure.includes(true)) return "right";
  if (sure.includes(undefined) || results(units.doubtful).some((same) => same !== false)) return "unknown";
  return "wrong";
}
