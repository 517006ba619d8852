// TIR-Bench's own program (f79c756), quirks kept: its scores are published with them. Before it, its authors have a language model
// take the answer out of the response.
import { mathVerify } from "../mathVerify.ts";
import { PY_SPACE, pyFloat, pyInt, pyIsAlpha, pyStrip } from "../python.ts";

export interface TirBenchItem {
  readonly task: string;
  /** With its options. */
  readonly prompt: string;
  readonly answer: string;
  /** Path of the first picture, "" where it does not matter. */
  readonly image1: string;
  /** n of an n×n jigsaw. */
  readonly difficulty: number | undefined;
}

/** @param text the whole response for ocr, else the answer taken out of it @returns a score in [0, 1] */
export function tirBenchScore(text: string, item: TirBenchItem): number {
  if (item.task === "ocr") return text.includes(ocrTruth(item)) ? 1 : 0;
  const answer = pyStrip(text.replaceAll("*", ""));
  const { task, answer: truth } = item;
  if (task === "jigsaw")
    return jigsawScore(numberRun(answer, item.difficulty), numberRun(truth, item.difficulty));
  if (task === "word_search" && !isInteger(truth)) return samePair(answer, truth);
  if (task === "spot_difference" && !isInteger(truth)) return overlap(integersIn(answer), integersIn(truth));
  switch (tirTruthOf(truth)) {
    case "letters":
      return choiceScore(answer, truth, item.prompt);
    case "integer":
    case "decimal":
      return numberScore(answer, truth);
    default:
      return 0;
  }
}

/** Which rule a truth is under. */
export function tirTruthOf(truth: string): "letters" | "integer" | "decimal" | "other" {
  if (pyIsAlpha(truth)) return "letters";
  if (pyInt(truth) !== undefined) return "integer";
  return pyFloat(truth) === undefined ? "other" : "decimal";
}

const isInteger = (truth: string): boolean => tirTruthOf(truth) === "integer";

/** The published truths of two pictures are wrong; their authors put them right here. */
function ocrTruth({ answer, image1 }: TirBenchItem): string {
  if (image1.includes("62.jpg")) return "aires";
  return image1.includes("60.jpg") ? "mobi" : answer;
}

export const TIR_LETTERS = "ABCDEFGHIJ";

/** One letter: that, or an option's text, else the first letter found in the answer, else A. Several: the same characters. */
function choiceScore(answer: string, truth: string, prompt: string): number {
  if ([...truth].length > 1) return sorted(answer) === sorted(truth) ? 1 : 0;
  if (!TIR_LETTERS.includes(truth)) return 0;
  return nearestLetter(withoutMark(answer), prompt) === truth ? 1 : 0;
}

const sorted = (text: string): string => [...text].sort().join("");
const withoutMark = (answer: string): string => pyStrip(answer.replaceAll("Extracted answer:", ""));

/** Nearest by edit distance, of which the first; for single letters that is the first that the text contains. */
function nearestLetter(answer: string, prompt: string): string {
  if (answer.length === 1 && TIR_LETTERS.includes(answer)) return answer;
  let text = answer;
  // H stands twice in the authors' list; what a letter was found for is then looked for itself.
  for (const letter of `${TIR_LETTERS}H`)
    if ([". ", ".", " ", ""].some((mark) => prompt.includes(letter + mark + text))) text = letter;
  return [...TIR_LETTERS].find((letter) => text.includes(letter)) ?? "A";
}

const LETTERS_AND_MARKS = new RegExp(`[A-Za-z*:${PY_SPACE}]+`, "gu");
const PAIR = new RegExp(
  `(?<![\\p{L}\\p{N}_])(\\p{Nd}+)[${PY_SPACE}]*,[${PY_SPACE}]*(\\p{Nd}+)(?![\\p{L}\\p{N}_])`,
  "u",
);
const RUN = new RegExp(`[\\p{Nd}${PY_SPACE},，]+`, "gu");

/** Equal once letters are deleted, or by Math-Verify of what was written. */
export function numberScore(answer: string, truth: string): number {
  const bare = withoutMark(answer).replace(LETTERS_AND_MARKS, "");
  const read = isInteger(truth) ? pyInt : pyFloat;
  const given = read(bare);
  if (given !== undefined && given === read(truth)) return 1;
  return mathVerify(answer, truth) ? 1 : 0;
}

/** The first "n, m" of each. */
function samePair(answer: string, truth: string): number {
  const pair = (text: string): readonly (number | undefined)[] | undefined =>
    PAIR.exec(text)?.slice(1).map(pyInt);
  const [given, wanted] = [pair(answer), pair(truth)];
  return given !== undefined && wanted !== undefined && given.every((n, i) => n === wanted[i]) ? 1 : 0;
}

export const integersIn = (text: string): readonly number[] =>
  (text.match(/\p{Nd}+/gu) ?? []).map((digits) => pyInt(digits) ?? NaN);

/** Intersection by union; of two empty sets 1. */
export function overlap(given: readonly number[], truth: readonly number[]): number {
  const [a, b] = [new Set(given), new Set(truth)];
  const union = new Set([...a, ...b]);
  return union.size === 0 ? 1 : [...a].filter((n) => b.has(n)).length / union.size;
}

/** The first stretch of digits, commas and blanks that has n² numbers. */
export function numberRun(text: string, n: number | undefined): readonly number[] | undefined {
  if (n === undefined) return undefined;
  return (text.match(RUN) ?? []).map(integersIn).find((numbers) => numbers.length === n * n);
}

/** Share of places that agree. */
export function jigsawScore(
  given: readonly number[] | undefined,
  truth: readonly number[] | undefined,
): number {
  if (given === undefined || truth === undefined || truth.length === 0) return 0;
  return truth.filter((piece, i) => piece === given[i]).length / truth.length;
}
