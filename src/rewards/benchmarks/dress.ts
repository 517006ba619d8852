// What an answer to a lettered question may wear: marks of type, brackets, words that lead it in or close it, a reason after
// it. All lists are closed: what is in none of them is part of the answer.
import { plainCharacters } from "../rules/text.ts";

/** Commands that only set their argument in another type. Struck out or barred letters are not the letter. */
const TYPE =
  /\\(?:text(?:bf|it|rm|sf|tt|normal)?|math(?:rm|bf|it|sf|normal)|operatorname|mbox|bm|boxed)\s?\{/g;
/** Pairs of marks around any part of the text. */
const PAIRS: readonly RegExp[] = [
  /\*\*([^*]+)\*\*/g,
  /(?<![\p{L}\p{N}_])__([^_]+)__(?![\p{L}\p{N}_])/gu,
  /(?<![\p{L}\p{N}*\s]\s*)\*([^*\s]+)\*(?!\s*[\p{L}\p{N}*])/gu,
  /`([^`]*)`/g,
  /\$\$([^$]+)\$\$/g,
  /\$([^$]+)\$/g,
  /\\\(((?:(?!\\\)).)*)\\\)/g,
  /\\\[((?:(?!\\\]).)*)\\\]/g,
  /^"([^"]*)"(?=$|[.,;:])/g,
  /^'([^']*)'(?=$|[.,;:])/g,
];

/** In one line, without marks of type and mathematics, with plain spaces; punctuation at the end goes, but not "?". */
export function undressed(text: string): string {
  let result = plainCharacters(text);
  for (let pass = 0; pass < 4; pass++) {
    const before = result;
    result = withoutType(result);
    for (const pair of PAIRS) result = result.replace(pair, "$1");
    if (result === before) break;
  }
  result = result
    .replace(/\\(?:[ ,;:!]|q?quad(?![A-Za-z]))|(?<=\S)(?<!~)~(?!~)/g, " ")
    .replace(/\\$/, "")
    .replace(/\s+/g, " ")
    .trim();
  return withoutEnd(result);
}

function withoutEnd(text: string): string {
  let end = text.length;
  while (end > 0 && " .,;:!。".includes(text[end - 1] as string)) end--;
  // A factorial keeps its mark.
  return /^\d!/.test(text.slice(end - 1, end + 1)) ? text.slice(0, end + 1) : text.slice(0, end);
}

/** With the arguments of those commands in place of them, braces balanced, in a single pass. */
function withoutType(text: string): string {
  if (!text.includes("\\")) return text;
  const opened = new Map<number, number>(); // where a command begins, and where its argument does
  for (const match of text.matchAll(TYPE)) opened.set(match.index, match.index + match[0].length);
  const stack: boolean[] = [];
  let result = "";
  for (let i = 0; i < text.length; i++) {
    const start = opened.get(i);
    if (start !== undefined) {
      stack.push(true);
      i = start - 1;
      continue;
    }
    const char = text[i] as string;
    if (char === "\\") {
      result += text.slice(i, i + 2);
      i++;
    } else if (char === "{") {
      stack.push(false);
      result += char;
    } else if (char !== "}" || stack.pop() !== true) result += char;
  }
  return result;
}

const LEADS: readonly RegExp[] = [
  /^(?:so|thus|therefore|hence)\b,?\s+(?=\S)/i,
  /^(?:it|this|that)(?:'s| is| must be)\s+(?=\S)/i,
  /^(?:i|we)(?: would|'d)? (?:choose|pick|select|answer)\s+(?=\S)/i,
  /^(?:(?:the|my|our) )?(?:(?:final|correct|right|best) )*(?:answer|choice|option)(?:\s*[:=]+| is\b:?| must be\b)\s*(?=\S)/i,
  /^(?:正确|最终)?(?:答案|选项)?(?:选择|是|为|选)?\s*:?\s*(?=\S)/,
];
/** Before a letter, and making one of what follows even where an option's text is a letter. */
const OPTION = /^(?:(?:the )?(?:(?:correct|right|best) )?(?:option|choice|answer choice)|选项)\s*(?=\S)/i;

const CLOSING =
  /\s+is (?:correct|the answer|(?:the )?(?:correct|right|best) (?:one|answer|option|choice)|(?:the )?option)$/i;

export interface Peeled {
  readonly text: string;
  /** What follows was called an option: it can only be a letter. */
  readonly isLetter: boolean;
}

/** A text, and what is left of it as one lead-in after the other goes; with each also what is left without a closing. */
export function* peeled(
  dressed: string,
  mayClose: (closing: string) => boolean,
): Generator<Peeled, void, undefined> {
  let text = undressed(dressed);
  let isLetter = false;
  for (let pass = 0; pass < 5; pass++) {
    yield { text, isLetter };
    const closing = CLOSING.exec(text)?.[0];
    if (closing !== undefined && mayClose(closing))
      yield { text: undressed(text.slice(0, -closing.length)), isLetter };
    const option = OPTION.exec(text)?.[0] ?? "";
    const lead = LEADS.map((one) => one.exec(text)?.[0] ?? "").find((one) => one !== "") ?? "";
    const words = lead === "" ? option : lead;
    if (words === "") return;
    if (/(?:option|choice|选项)/i.test(words)) isLetter = true;
    text = undressed(text.slice(words.length));
  }
}

export interface Reasoned {
  readonly head: string;
  readonly reason: string;
}

const REASON = /\r?\n|[\s,;:.(-]+(?:because|since|given that|due to)\b|[\s,;:.(，。；：]*因为/gi;
/** Separators tried: a head is short. */
const MOST = 8;

/** A text as an answer and a reason: after a line break, or after "because" and the like. */
export function* reasoned(text: string): Generator<Reasoned, void, undefined> {
  const plain = text.trim();
  let tried = 0;
  for (const match of plain.matchAll(REASON)) {
    if (tried++ === MOST) return;
    const [head, reason] = [plain.slice(0, match.index), plain.slice(match.index + match[0].length)];
    if (head.trim() === "") continue;
    // One word in a line of its own is no reason: it may be a verdict.
    if (match[0].endsWith("\n") && !/\S\s+\S/.test(reason.trim())) continue;
    yield { head, reason };
  }
}
