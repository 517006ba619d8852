// The lettered options of a question of multiple choice, read from its text: one a line, or one after another in a line.

/** Ways to mark an option; the text of each runs to the next mark or to the end of the line. */
const MARKS: readonly RegExp[] = [
  /^[ \t]*(?:[-*][ \t]+)?(?:\*\*)?[([]?([A-Z])(?:[)\]]|[.:：、)]|\*\*[.:])(?:\*\*)?[ \t]*/gm,
  /[([]([A-Z])[)\]][ \t]*/g,
  /(?:^|[\s;,])([A-Z])[.:)：][ \t]+/gm,
];

/** Texts of the options A, B, ... in order; empty when there are not at least two. An option shown as a picture has the text "". */
export function optionsOf(question: string): readonly string[] {
  for (const mark of MARKS) {
    const options = withMark(question, mark);
    if (options.length >= 2) return options;
  }
  return [];
}

function withMark(question: string, mark: RegExp): readonly string[] {
  const found = [...question.matchAll(mark)];
  // The last run that begins with A: an example in the question's text may have letters of its own.
  const start = found.findLastIndex((match) => match[1] === "A");
  if (start < 0) return [];
  const options: string[] = [];
  for (const [i, match] of found.slice(start).entries()) {
    if (match[1] !== letterOf(i)) break;
    const from = match.index + match[0].length;
    const to = found[start + i + 1]?.index ?? question.length;
    const line = question.slice(from, to).split("\n")[0] as string;
    options.push(line.replace(/[\s;,]+$/, "").trim());
  }
  return options;
}

export const letterOf = (position: number): string => String.fromCharCode(65 + position);
export const positionOf = (letter: string): number => letter.toUpperCase().charCodeAt(0) - 65;
