// Options as lines of a question.
import type { Option } from "./item.ts";

/** A, B, C, … @throws RangeError from 26 on */
export function letterAt(index: number): string {
  if (!Number.isInteger(index) || index < 0 || index > 25)
    throw new RangeError(`there is no letter ${index}; options go from 0 to 25`);
  return String.fromCharCode(65 + index);
}

/** The question, a line an option, and what is to be answered, in words of our own. */
export function askedWithOptions(question: string, options: readonly Option[]): string {
  const lines = options.map(({ letter, text }) => `${letter}. ${text}`);
  return [question.trim(), ...lines, "Answer with the letter of the right option."].join("\n");
}

/** What stands in the lines of a text that begin with `(A)` or `A.`; none unless they are A, B, C, … in order. */
export function optionLines(text: string): readonly Option[] {
  const options = [...text.matchAll(/^[ \t]*(?:\(([A-Z])\)|([A-Z])[.)])[ \t]+(.*\S)[ \t]*$/gm)].map(
    ([, bracketed, dotted, content = ""]) => ({ letter: bracketed ?? dotted ?? "", text: content }),
  );
  return options.every(({ letter }, i) => i < 26 && letter === letterAt(i)) ? options : [];
}
