// The answer within a response, and the option that an answer chooses: the lenient reading that the default rules of all
// benchmarks share. Only what the model marked as its answer counts; a letter or a number somewhere within prose never does.
import { chosenBy } from "../rules/choice.ts";
import type { Response, ScoredFields } from "./scorer.ts";

const OPEN = "<answer>";
const CLOSE = "</answer>";
const BOX = "\\boxed{";

/**
 * In this order: what the agent's protocol found; the protocol's form within the text; the last <answer>…</answer>, one box
 * around its content opened; the last \boxed{} of the text. Trimmed; undefined where there is none or the first of these to
 * be there is empty.
 */
export function answerIn({ raw, extracted }: Response): string | undefined {
  const answer = extracted ?? strictAnswer(raw) ?? taggedAnswer(raw) ?? lastBoxed(raw);
  const trimmed = answer?.trim();
  return trimmed === "" ? undefined : trimmed;
}

/** The reference implementation's form, the box alone on a line between the tags: the first in the text, trimmed. */
export function strictAnswer(text: string): string | undefined {
  const open = `${OPEN}\n${BOX}`;
  const at = text.indexOf(open);
  if (at < 0) return undefined;
  const end = text.indexOf(`}\n${CLOSE}`, at + open.length);
  return end < 0 ? undefined : text.slice(at + open.length, end).trim();
}

function taggedAnswer(text: string): string | undefined {
  const end = text.lastIndexOf(CLOSE);
  const start = end < 0 ? -1 : text.lastIndexOf(OPEN, end);
  if (start < 0) return undefined;
  return withoutBox(text.slice(start + OPEN.length, end).trim());
}

/** Without one box, if it is around the whole. */
function withoutBox(text: string): string {
  const last = boxes(text);
  return last?.start === BOX.length && last.end === text.length - 1 ? text.slice(last.start, last.end) : text;
}

/** Content of the last `\boxed{}` that closes, of nested ones the outer. */
export function lastBoxed(text: string): string | undefined {
  const last = boxes(text);
  return last && text.slice(last.start, last.end);
}

/** Of the box that closes last, in a single pass. `\{` and `\}` are no braces. */
function boxes(text: string): { readonly start: number; readonly end: number } | undefined {
  const stack: number[] = []; // start of the content for a box, -1 for another brace
  let last: { start: number; end: number } | undefined;
  for (let i = Math.max(0, text.indexOf(BOX)); i < text.length; i++) {
    const char = text[i];
    if (char === "\\") {
      if (text.startsWith(BOX, i)) {
        i += BOX.length - 1;
        stack.push(i + 1);
      } else i++;
    } else if (char === "{") stack.push(-1);
    else if (char === "}") {
      const start = stack.pop();
      if (start !== undefined && start >= 0) last = { start, end: i };
    }
  }
  return last;
}

/**
 * The letter that the whole of an answer is, brackets, dot, colon, bold or box aside, or that leads it: `B`, `(b)`,
 * `**B.** text`, `Option B`, `The answer is B`. undefined for any other text and for several letters.
 * @param letters those that are options, "ABCD"
 */
export const lettered = (text: string, letters: string): string | undefined => only(text, [], letters);

/**
 * The option that an answer chooses by its letter, by its text, or by both where they agree. undefined where it is none,
 * several, or the letter of one with the text of another.
 */
export function chosenOption(text: string, options: ScoredFields["options"]): string | undefined {
  const letters = options.map(({ letter }) => letter).join("");
  const inOrder = "ABCDEFGHIJKLMNOPQRSTUVWXYZ".startsWith(letters);
  const texts = inOrder ? options.map((option) => option.text) : [];
  return only(text, texts, letters);
}

function only(text: string, texts: readonly string[], letters: string): string | undefined {
  const chosen = chosenBy(text, texts);
  if (chosen.type !== "letters" || chosen.letters.size !== 1) return undefined;
  const [letter = ""] = chosen.letters;
  return letters.includes(letter) ? letter : undefined;
}
