// Options as lines of a question: V*, HR-Bench and VSI-Bench write them so.
import { letterAt } from "./choices.ts";
import type { Option } from "./item.ts";

/** The question, a line an option, and what is to be answered, in words of our own. */
export function askedWithOptions(question: string, options: readonly Option[]): string {
  const lines = options.map(({ letter, text }) => `${letter}. ${text}`);
  return [question.trim(), ...lines, "Answer with the letter of the right option."].join("\n");
}

/** What stands in the lines of a text that begin with `(A)` or `A.`; none unless they are A, B, C, … in order. */
export function optionsOnLines(text: string): readonly Option[] {
  const options = [...text.matchAll(/^[ \t]*(?:\(([A-Z])\)|([A-Z])[.)])[ \t]+(.*\S)[ \t]*$/gm)].map(
    ([, bracketed, dotted, content = ""]) => ({ letter: bracketed ?? dotted ?? "", text: content }),
  );
  return options.every(({ letter }, i) => letter === letterAt(i)) ? options : [];
}
