// MathVerse's evaluation as its authors published it (revision 937b090), which is two calls to a language model but for these
// rules, and the rules of two other programs: VLMEvalKit's short cut (e8e78f05) and lmms-eval's scorer of reasoning (75571cfe), its
// judge switched off as it is by default.
import { mathVerify } from "../mathVerify.ts";
import { pySplitSpaces, pyStrip } from "../python.ts";

/** `--quick_match`: the extraction as it is. */
export const quickMatch = (extraction: string, truth: string): boolean => extraction === truth;

/** The last words of a response, which is all that the authors' extraction is shown; all of it for a length of 0 or less. */
export const trunkResponse = (response: string, words: number): string =>
  words <= 0 ? response : pySplitSpaces(response).slice(-words).join(" ");

/** What VLMEvalKit asks no judge about. */
export const prefetched = (prediction: string, truth: string): boolean =>
  pyStrip(prediction) === pyStrip(truth);

const LETTERS = "ABCDEFGH";
/** Of the longer of two texts that the shorter, which it holds, must have. */
const ENOUGH = 0.9;

export interface LmmsScore {
  readonly score: 0 | 1;
  /** What was compared. */
  readonly extracted: string;
}

export function lmmsMathverse(response: string, truth: string): LmmsScore {
  const extracted = withoutStop(pyStrip(tagged(response)));
  const wanted = withoutStop(truth);
  return { score: isMatch(extracted, wanted) || mathVerify(wanted, extracted) ? 1 : 0, extracted };
}

const withoutStop = (text: string): string => pyStrip(text.endsWith(".") ? text.slice(0, -1) : text);

/** In a tag, else in the last box, else the number that ends the last line which ends in one. */
function tagged(response: string): string {
  const tag = /<answer>(.*?)<\/answer>/s.exec(response)?.[1];
  if (tag !== undefined) return tag;
  const boxed = lastBox(response);
  if (boxed !== "") return boxed;
  const numbers = pyStrip(response)
    .split("\n")
    .map((line) => /(?<!\w)(\d+(?:\.\d+)?)(?=\s*\.?\s*$)/.exec(line)?.[1]);
  return numbers.findLast((number) => number !== undefined) ?? "";
}

/** Of the boxes that close, the one that begins last. */
function lastBox(text: string): string {
  for (
    let start = text.lastIndexOf(BOX);
    start >= 0;
    start = start === 0 ? -1 : text.lastIndexOf(BOX, start - 1)
  ) {
    let depth = 0;
    for (let at = start + BOX.length - 1; at < text.length; at++) {
      if (text[at] === "{") depth++;
      else if (text[at] === "}" && --depth === 0) return text.slice(start + BOX.length, at);
    }
  }
  return "";
}

const BOX = "\\boxed{";

function isMatch(answer: string, truth: string): boolean {
  if (truth.length === 1 && LETTERS.includes(truth)) return letterOf(answer) === truth;
  const holds = (whole: string, part: string): boolean =>
    whole.includes(part) && part.length >= ENOUGH * whole.length;
  return holds(truth, answer) || holds(answer, truth);
}

/** Phrases after which every letter that follows is a candidate. */
const PHRASES = [
  ...["answer", "best answer", "correct answer", "option", "correct option", "choice", "correct choice"].map(
    (what) => `${what} is`,
  ),
  "answer",
  "i choose",
  "i select",
  "i pick",
];

/**
 * The letter that is likeliest meant. The form in which it stands decides, then the earlier place, then the earlier letter.
 */
function letterOf(answer: string): string {
  const plain = [",", ".", "!", "?", ";", ":", "'", '"'].reduce(
    (text, mark) => pyStrip(text, mark),
    pyStrip(answer),
  );
  if (pyStrip(answer) === "") return "";
  const text = ` ${plain} `;
  const bare = pyStrip(text);
  const low = text.toLowerCase();
  const candidates: (readonly [letter: string, rank: number, at: number])[] = [];
  const add = (letter: string, rank: number, at: number): void => {
    if (at >= 0) candidates.push([letter, rank, at]);
  };
  for (const [rank, mark] of [
    [6, "(%)"],
    [5, "%."],
    [4, "%:"],
    [3, "%)"],
    [2, "% "],
    [1, "%-"],
    [1, "%_"],
    [1, "%="],
  ] as const)
    for (const letter of LETTERS) add(letter, rank, text.lastIndexOf(mark.replace("%", letter)));
  for (const phrase of PHRASES) {
    const from = low.indexOf(phrase);
    if (from >= 0) for (const letter of LETTERS) add(letter, 7, text.indexOf(letter, from));
  }
  for (const [i, letter] of [...LETTERS].entries()) {
    if (bare.startsWith(letter)) add(letter, 10, 0);
    if (bare.endsWith(letter)) add(letter, 9, text.length - 1);
    add(letter, 8, text.lastIndexOf(`${String(i + 1)}. ${letter}`));
  }
  if (candidates.length === 0) for (const letter of LETTERS) add(letter, 0, text.lastIndexOf(letter));
  return candidates.sort((a, b) => b[1] - a[1] || a[2] - b[2])[0]?.[0] ?? "";
}
