// Options of a multiple-choice question: as benchmarks write them into texts, and as a question shows them.
import type { Option } from "./item.ts";

/** `["8", "9"]` as A and B; 26 at most. */
export function letteredOptions(texts: readonly string[]): readonly Option[] {
  return texts.map((text, i) => ({ letter: letterAt(i), text }));
}

/** A, B, C, …; empty from 26 on, which is no option's letter. */
export function letterAt(index: number): string {
  return "ABCDEFGHIJKLMNOPQRSTUVWXYZ".charAt(index);
}

/** One a line: `(A) 8`. */
export function optionLines(options: readonly Option[]): string {
  return options.map(({ letter, text }) => `(${letter}) ${text}`).join("\n");
}

/** "A, B or C". */
export function letterList(options: readonly Option[]): string {
  const letters = options.map(({ letter }) => letter);
  return `${letters.slice(0, -1).join(", ")} or ${letters.at(-1)}`;
}

/** A letter and its mark, one form a text: at a line's beginning `A:`, `A.`, or anywhere `(A)`. */
const FORMS = [/^[ \t]*([A-Z])[ \t]*[:.：．][ \t]*/gm, /\(([A-Z])\)\s*/g];

/**
 * Options written out in a question, from A on without a gap.
 * @returns empty when there are not two or more
 */
export function optionsIn(question: string): readonly Option[] {
  for (const form of FORMS) {
    const marks: RegExpExecArray[] = [];
    for (const mark of question.matchAll(form)) if (mark[1] === letterAt(marks.length)) marks.push(mark);
    if (marks.length < 2) continue;
    const options = marks.map((mark, i) => ({
      letter: mark[1] as string,
      text: question.slice(mark.index + mark[0].length, marks[i + 1]?.index).trim(),
    }));
    if (options.every(({ text }) => text !== "")) return options;
  }
  return [];
}
