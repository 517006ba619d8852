// Options that are values: an answer that names none of them by letter or text may still be equal to one.
import { gradeMathematics } from "../rules/mathematics.ts";
import type { ScoredFields } from "./scorer.ts";

/** Whether an answer is the value of a truth, to half a unit of the last of `decimals` where either is a decimal. */
export const isValue = (answer: string, truth: string, decimals: number, question = ""): boolean =>
  gradeMathematics({ question, answer, truth, kind: "" }, { decimals }) === "right";

/** The letter of the only option that the answer is equal to. */
export function optionOfValue(
  answer: string,
  options: ScoredFields["options"],
  decimals: number,
): string | undefined {
  const equal = options.filter(({ text }) => isValue(answer, text, decimals));
  return equal.length === 1 ? equal[0]?.letter : undefined;
}
