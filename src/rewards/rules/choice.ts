// Answers to questions of multiple choice: the letter, the option's text, or both. The answer as a whole must be one of
// these; a letter somewhere within prose says nothing, and naming more options than are right is wrong.
import { type Graded, rightIf, type Verdict } from "../verdict.ts";
import { gradeMathematics } from "./mathematics.ts";
import { letterOf, optionsOf, positionOf } from "./options.ts";
import { folded, unwrapped } from "./text.ts";

type Letters = ReadonlySet<string>;

export function gradeChoice(graded: Graded): Verdict {
  return gradeAmong(graded.answer, graded.truth, optionsOf(graded.question));
}

/** @param options texts of A, B, ...; none when they are not known */
export function gradeAmong(answer: string, truth: string, options: readonly string[]): Verdict {
  const given = unwrapped(answer);
  if (given === "") return "wrong";
  const wanted = chosenBy(truth, options);
  if (wanted.type !== "letters") return folded(answer) === folded(truth) ? "right" : "unknown";
  if (wanted.letters.has(NO_OPTION)) return "unknown";
  const chosen = chosenBy(answer, options);
  switch (chosen.type) {
    case "letters":
      return rightIf(equal(chosen.letters, wanted.letters));
    case "hedge":
      return "wrong";
    case "oneOf":
      // Options of one text: right if all of them are.
      if ([...chosen.letters].every((letter) => wanted.letters.size === 1 && wanted.letters.has(letter)))
        return "right";
      return [...chosen.letters].some((letter) => wanted.letters.has(letter)) ? "unknown" : "wrong";
    case "none":
      return folded(answer) === folded(truth) ? "right" : "unknown";
    default:
      return chosen satisfies never;
  }
}

type Choice =
  | { readonly type: "letters"; readonly letters: Letters }
  /** "A or B", or a letter with another option's text. */
  | { readonly type: "hedge" }
  /** The text of several options. */
  | { readonly type: "oneOf"; readonly letters: Letters }
  | { readonly type: "none" };

const NO_OPTION = "none of the options";
const NONE: Choice = { type: "none" };

/** What a text chooses. */
export function chosenBy(text: string, options: readonly string[]): Choice {
  const plain = unwrapped(text).replace(
    /^(?:the )?(?:(?:correct|right|best) )?(?:option|choice)(?: is)?:?\s+(?=\S)/i,
    "",
  );
  const letter = loneLetter(plain);
  if (letter !== undefined) return byLetter(letter, plain, options);
  const named = withText(plain, options);
  if (named?.type === "letters") return named;
  const alike = alikeTo(plain, options);
  if (alike.size > 0)
    return alike.size === 1 ? { type: "letters", letters: alike } : { type: "oneOf", letters: alike };
  return several(plain, options) ?? named ?? NONE;
}

/** A letter may also be the text of an option, "A. P"; where it may be both, it stays open. */
function byLetter(letter: string, text: string, options: readonly string[]): Choice {
  const texts = new Set(options.flatMap((option, i) => (sameWords(text, option) ? [letterOf(i)] : [])));
  if (positionOf(letter) < options.length) texts.add(letter);
  if (texts.size === 0) return within([letter], options);
  return texts.size === 1 ? { type: "letters", letters: texts } : { type: "oneOf", letters: texts };
}

/** Options of the same words; where there are none, those of the same value. */
function alikeTo(text: string, options: readonly string[]): Letters {
  const where = (same: (text: string, option: string) => boolean): Letters =>
    new Set(options.flatMap((option, i) => (same(text, option) ? [letterOf(i)] : [])));
  const exact = where(sameWords);
  return exact.size > 0 ? exact : where(isText);
}

const sameWords = (text: string, option: string): boolean =>
  folded(option) !== "" && folded(text) === folded(option);

/** Letters that are no options are a choice as well, of none that is right. */
function within(letters: readonly string[], options: readonly string[]): Choice {
  const known = options.length === 0 || letters.every((letter) => positionOf(letter) < options.length);
  return { type: "letters", letters: new Set(known ? letters : [NO_OPTION]) };
}

/** `B`, `b`, `(B)`, `B)`, `[B]`, `\text{(B)}`. */
const loneLetter = (text: string): string | undefined =>
  /^[([{]{0,2}\s*([a-z])\s*[.)\]}:]{0,2}$/i
    .exec(unwrapped(text.replace(/^[([](.*)[)\]]$/, "$1")))?.[1]
    ?.toUpperCase();

/** A letter with the text of its own option. With the text of another it is a hedge; with any other text it is nothing known. */
function withText(text: string, options: readonly string[]): Choice | undefined {
  const match = /^(?:[([{]?([A-Za-z])[)\]}]?[.:,)-]*\s*[.:)\]}–-]\s*|([A-Za-z])\s+)(\S.*)$/s.exec(text);
  const letter = (match?.[1] ?? match?.[2])?.toUpperCase();
  const rest = match?.[3];
  if (letter === undefined || rest === undefined) return undefined;
  if (options.length === 0 && match?.[1] !== undefined && isPlainText(rest)) return within([letter], options);
  const own = options[positionOf(letter)];
  if (own === undefined) return undefined;
  const others = options.filter((option, i) => i !== positionOf(letter) && isText(rest, option));
  if (isText(rest, own)) return { type: "letters", letters: new Set([letter]) };
  return others.length > 0 ? { type: "hedge" } : undefined;
}

/** Options that stand in a picture have texts that nobody knows here; then what follows a letter must not weigh or list others. */
const isPlainText = (text: string): boolean =>
  text.split(/\s+/).length <= 12 &&
  !/(?:^|[\s([{,;/])[A-Z](?=$|[\s.,:;)\]}/])/.test(text) &&
  !/\b(?:or|nor|not|and|maybe|perhaps|possibly|either|neither|but|option|answer|wait|instead|rather)\b/i.test(
    text,
  );

/** `A, C`, `A and C`, `AC`, one a line: all of them. `A or C` is a hedge. */
function several(text: string, options: readonly string[]): Choice | undefined {
  const pieces = text.split(/\s*(?:[,;/&+|\s]|\band\b|\bor\b)+\s*/i).filter((piece) => piece !== "");
  const letters = pieces.flatMap((piece) => {
    const lone = loneLetter(piece);
    return lone !== undefined
      ? [lone]
      : /^[A-Z]{2,10}$/.test(piece) && new Set(piece).size === piece.length
        ? [...piece]
        : ["?"];
  });
  if (letters.length < 2 || letters.includes("?")) return undefined;
  // A word in capitals is a list of letters only where each is an option.
  if (
    pieces.length === 1 &&
    !(options.length > 0 && letters.every((one) => positionOf(one) < options.length))
  )
    return pieces[0]?.length === 2 && options.length === 0
      ? { type: "letters", letters: new Set(letters) }
      : undefined;
  return /\bor\b|\/|\|/i.test(text) ? { type: "hedge" } : within(letters, options);
}

/** The same words, or the same number or term. */
function isText(text: string, option: string): boolean {
  if (folded(option) === "") return false;
  if (folded(text) === folded(option)) return true;
  if (!/\d/.test(option)) return false;
  return (
    gradeMathematics({ question: "", answer: text, truth: option, kind: "" }, { decimals: 6 }) === "right"
  );
}

const equal = (a: Letters, b: Letters): boolean =>
  a.size === b.size && [...a].every((letter) => b.has(letter));
