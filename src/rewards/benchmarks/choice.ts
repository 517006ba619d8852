// Answers to lettered questions under the default rules of all benchmarks: a letter, the text of exactly one option, or both
// where they agree, with nothing around but what `dress.ts` lists. Everything else is open, also what holds an option's text
// among other words: a judge decides where the benchmark has one.
import { unwrapped } from "../rules/text.ts";
import { peeled, reasoned, undressed } from "./dress.ts";
import { optionOfValue } from "./optionValue.ts";
import { declined, type RuleScore, scored, type ScoredFields } from "./scorer.ts";

type Choice = Pick<ScoredFields, "answer" | "options">;
type Options = Choice["options"];

/** Characters of an answer that is read; longer ones are no choice. */
const LONGEST = 4000;
/** Of options' values that are written as decimals, unless a benchmark says otherwise. */
const DECIMALS = 6;

/** @param answer what the response marks as its answer; undefined and empty are wrong */
export function scoreChoice(answer: string | undefined, item: Choice): RuleScore {
  if (answer === undefined || unwrapped(answer) === "") return scored(0, answer);
  const letter = choiceIn(answer, item.options);
  return letter === undefined ? declined(answer) : scored(letter === item.answer ? 1 : 0, letter);
}

/**
 * The letter that an answer chooses, be it an option's or not; undefined where it cannot be told. Options that are drawn in
 * the picture have no texts here, and letters alone choose them.
 * @param decimals to which options' values agree when one side is written as a decimal
 */
export function choiceIn(answer: string, options: Options, decimals = DECIMALS): string | undefined {
  if (answer.length > LONGEST) return undefined;
  const whole = chosenBy(answer, options, decimals);
  if (whole !== undefined) return whole;
  for (const { head, reason } of reasoned(answer)) {
    const letter = chosenBy(head, options, decimals);
    if (letter !== undefined && speaksFor(letter, reason, options)) return letter;
  }
  return undefined;
}

function chosenBy(text: string, options: Options, decimals: number): string | undefined {
  const mayClose = (closing: string): boolean => mentions(closing, options).length === 0;
  for (const { text: body, isLetter } of peeled(text, mayClose)) {
    const lone = letterOf(body);
    const letter =
      lone !== undefined
        ? byLetter(lone, isLetter, options)
        : (exactly(body, options) ??
          letterAndText(body, options, decimals) ??
          (isLetter ? undefined : byText(body, options, decimals)));
    if (letter !== undefined) return letter;
  }
  return undefined;
}

const LONE = /^(?:([([{]{0,2})\s*([A-Za-z])\s*[.:]?\s*([)\]}]{0,2})|<{1,2}\s*([A-Za-z])\s*>{1,2})[.:]?$/;

/** `B`, `b`, `(B)`, `B)`, `[B]`, `<B>`. */
function letterOf(text: string): string | undefined {
  const match = LONE.exec(text);
  return (match?.[2] ?? match?.[4])?.toUpperCase();
}

/** A letter that is no option's may be an option's text, unless it was called an option. */
function byLetter(letter: string, isLetter: boolean, options: Options): string {
  const isKnown = options.some((option) => option.letter === letter);
  return (isKnown || isLetter ? undefined : byText(letter, options, DECIMALS)) ?? letter;
}

/** After the letter: a bracket, a dot, a colon, a comma, a dash with a space, or a space; or the letter in brackets at the end. */
const FIRST =
  /^(?:[([{<]{0,2}([A-Z])[)\]}>]{0,2}|[([]([a-z])[)\]]|([a-z])(?=[.:)]))(\s*[.:,)]|\s+-(?=\s)|)(.+)$/s;
const LAST = /^(.+?)[\s,;.:-]*(?:[([]([A-Z])[)\]]|,\s*option ([A-Z]))$/s;

/** A letter and the text of its own option; with any other text it is open. */
function letterAndText(text: string, options: Options, decimals: number): string | undefined {
  const first = FIRST.exec(text);
  if (first !== null) {
    const [, upper, bracketed, lower, mark = "", rest = ""] = first;
    const letter = (upper ?? bracketed ?? lower ?? "").toUpperCase();
    const isApart = mark !== "" || /^[\s(]/.test(rest) || /^\W/.test(text);
    if (isApart && isOwn(letter, rest.trim(), options, decimals)) return letter;
  }
  const [, body = "", one, other] = LAST.exec(text) ?? [];
  const letter = one ?? other;
  return letter !== undefined && isOwn(letter, body, options, decimals) ? letter : undefined;
}

/** Whether a text, led in or not, is that of a letter's option, in brackets or not, or the letter again. */
function isOwn(letter: string, text: string, options: Options, decimals: number): boolean {
  for (const body of peeled(text, () => false)) if (isText(letter, body.text, options, decimals)) return true;
  return false;
}

function isText(letter: string, text: string, options: Options, decimals: number): boolean {
  const own = options.find((option) => option.letter === letter);
  const inner = /^\((.*)\)$/s.exec(text)?.[1];
  if (letterOf(text) === letter) return true;
  if (own === undefined) return false;
  const isExact = (one: Options[number]): boolean =>
    isSame(text, one.text) || (inner !== undefined && isSame(inner, one.text));
  if (isExact(own)) return true;
  if (options.some(isExact)) return false;
  return [text, inner].some((one) => one !== undefined && optionOfValue(one, [own], decimals) === letter);
}

/** The only option of a text, letter by letter. */
function exactly(text: string, options: Options): string | undefined {
  const same = options.filter((option) => undressed(option.text) === text);
  return same.length === 1 ? same[0]?.letter : undefined;
}

/** The only option of the same words, else the only one of the same value. */
function byText(text: string, options: Options, decimals: number): string | undefined {
  const same = options.filter((option) => isSame(text, option.text));
  if (same.length > 0) return same.length === 1 ? same[0]?.letter : undefined;
  return optionOfValue(text, options, decimals);
}

/** The same words whatever their case, an article before them aside; a capital "A" may be a letter and stays. */
function isSame(text: string, option: string): boolean {
  const given = [text, text.replace(/^(?:[Tt]he |an? (?=\S\S))/, "")].map(wordsOf);
  const wanted = [option, undressed(option).replace(/^(?:the |an? (?=\S\S))/i, "")].map(wordsOf);
  return given.some((one) => one !== "" && wanted.includes(one));
}

const wordsOf = (text: string): string => undressed(text).toLowerCase();

/** Second thoughts, which take back what they follow. */
const REVISED =
  /\b(?:wait|actually|instead|on second thought|rather|wrong|incorrect|false|reject\w*|eliminat\w*|discard\w*|ruled out|unlikely|unsure|not sure|maybe|perhaps)\b/i;

/** Whether a reason names no option but the one that it is given for, and takes nothing back. */
function speaksFor(letter: string, reason: string, options: Options): boolean {
  const plain = undressed(reason);
  const own = options.filter((option) => option.letter === letter);
  const rest = own.reduce((text, option) => without(text, option.text), plain);
  const others = mentions(plain, options).some((option) => option.letter !== letter);
  return !others && !REVISED.test(rest) && !namesLetter(rest, letter, options);
}

/** Options whose words stand in a text. "dark green" is not also "green". */
function mentions(text: string, options: Options): Options {
  let rest = text;
  return [...options]
    .sort((a, b) => b.text.length - a.text.length)
    .filter((option) => {
      const before = rest;
      rest = without(rest, option.text);
      return rest !== before;
    });
}

/** Abbreviations count in capitals alone: "it" is not the option IT. */
function without(text: string, option: string): string {
  const words = undressed(option);
  if (words === "") return text;
  const escaped = words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const flags = /^[A-Z]{1,4}$/.test(words) ? "gu" : "giu";
  return text.replace(
    new RegExp(`(?<![\\p{L}\\p{N}.-])${escaped}(?![\\p{L}\\p{N}-]|\\.\\d)`, flags),
    "\u0000",
  );
}

/** Another option's letter: a capital by itself ("A" before a word is an article), or any in brackets or after "option". */
function namesLetter(text: string, chosen: string, options: Options): boolean {
  const letters = options.length === 0 ? "ABCDEFGH" : options.map(({ letter }) => letter).join("");
  const found = text.matchAll(
    /(?<![\p{L}\p{N}'-])([A-Z])(?![\p{L}\p{N}'-])(?! [a-z])|(?<![\p{L}\p{N}'-])([B-Z])(?= [a-z])|\(([a-z])\)|\b(?:option|choice) ([A-Za-z])\b/gu,
  );
  return [...found]
    .map(([, a, b, c, d]) => (a ?? b ?? c ?? d ?? "").toUpperCase())
    .some((letter) => letter !== chosen && letters.includes(letter));
}
