// Options that are values: an answer that names none of them by letter or text may still be equal to one.
import { gradeMathematics } from "../rules/mathematics.ts";
import { plainCharacters } from "../rules/text.ts";
import { undressed } from "./dress.ts";
import type { ScoredFields } from "./scorer.ts";

/** Whether an answer is the value of a truth, to half a unit of the last of `decimals` where either is a decimal. */
export const isValue = (answer: string, truth: string, decimals: number, question = ""): boolean =>
  gradeMathematics({ question, answer, truth, kind: "" }, { decimals }) === "right";

/**
 * The letter of the only option that the answer is equal to. A per cent is not the number before it, a ratio no number,
 * "31?" and "~31" are not 31, "A 31" begins with a letter, and "3 or 4" is two answers.
 */
export function optionOfValue(
  answer: string,
  options: ScoredFields["options"],
  decimals: number,
  question = "",
): string | undefined {
  const plain = plainCharacters(answer);
  if (NO_VALUE.test(plain)) return undefined;
  const equal = options.filter(
    ({ text }) =>
      isTerm(undressed(text)) && sameMarks(plain, text, question) && isValue(answer, text, decimals),
  );
  return equal.length === 1 ? equal[0]?.letter : undefined;
}

/** What the reader of mathematics passes over; letters of other scripts are words that it does not know. */
const NO_VALUE = /^\W*A\s|^\W*~|\?\W*$|\b[Oo][Rr]\b|[^\p{Script=Latin}\p{Script=Greek}\P{L}]/u;

/** Words are compared as words. */
const isTerm = (text: string): boolean => /[\d\\^=+*/<>]|(?<![a-z])[a-z] ?- ?[a-z](?![a-z])/i.test(text);

/** A ratio may be given as its value, 1/2 for 1:2. Of a question of per cent the sign may be left out or added. */
function sameMarks(answer: string, option: string, question: string): boolean {
  const wanted = plainCharacters(option);
  const percents = answer.includes("%") === wanted.includes("%") || /\bper ?cent/i.test(question);
  return percents && (!answer.includes(":") || wanted.includes(":"));
}
