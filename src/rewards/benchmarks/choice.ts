// Answers to lettered questions under the default rules of all benchmarks: the letter, the option's text, or both; what may
// be read in two ways is for the judge. A letter within prose is never searched for.
import { plainCharacters, unwrapped } from "../rules/text.ts";
import { chosenOption, lettered } from "./extract.ts";
import { declined, type RuleScore, scored, type ScoredFields } from "./scorer.ts";

type Choice = Pick<ScoredFields, "answer" | "options">;

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** @param answer what the response marks as its answer; undefined and empty are wrong */
export function scoreChoice(answer: string | undefined, item: Choice): RuleScore {
  if (answer === undefined || unwrapped(answer) === "") return scored(0, answer);
  const letter = choiceIn(answer, item.options);
  return letter === undefined ? declined(answer) : scored(letter === item.answer ? 1 : 0, letter);
}

/** The letter that an answer chooses, be it an option or not; undefined where it cannot be told. */
export function choiceIn(answer: string, options: Choice["options"]): string | undefined {
  const letters = options.length === 0 ? ALPHABET : options.map(({ letter }) => letter).join("");
  return (
    (options.length > 0 ? chosenOption(answer, options) : undefined) ??
    loneLetter(answer, options) ??
    leading(answer, options, letters) ??
    contained(answer, options, letters)
  );
}

/** A letter by itself, also of no option; but with texts known one that leads another option's text is a contradiction. */
function loneLetter(answer: string, options: Choice["options"]): string | undefined {
  const letter = lettered(answer, ALPHABET);
  return options.length === 0 || /^\W*[A-Za-z]\W*$/.test(unwrapped(answer)) ? letter : undefined;
}

/** "B. The blue one": a letter with its mark at the start, where nothing after it speaks of another option. */
function leading(answer: string, options: Choice["options"], letters: string): string | undefined {
  const match = /^\(?([A-Z])(?:\)|[.:](?=\s))\s*(\S.*)$/s.exec(unwrapped(answer));
  const [, letter = "", rest = ""] = match ?? [];
  if (!letters.includes(letter) || letter === "" || hedges(rest)) return undefined;
  const others = options.filter((option) => option.letter !== letter);
  return mentions(rest, options).some((one) => others.includes(one)) || namesLetter(rest, letters)
    ? undefined
    : letter;
}

/** "It is the blue one": the text of exactly one option, and no letter. */
function contained(answer: string, options: Choice["options"], letters: string): string | undefined {
  const plain = unwrapped(answer);
  const [only, ...more] = mentions(plain, options);
  if (only === undefined || more.length > 0 || hedges(without(plain, only.text))) return undefined;
  return namesLetter(without(plain, only.text), letters) ? undefined : only.letter;
}

/** Options whose words stand in a text. "dark green" is not also "green". */
function mentions(text: string, options: Choice["options"]): Choice["options"] {
  let rest = text;
  return [...options]
    .sort((a, b) => b.text.length - a.text.length)
    .filter((option) => {
      const before = rest;
      rest = without(rest, option.text);
      return rest !== before;
    });
}

function without(text: string, option: string): string {
  const words = unwrapped(option);
  if (words === "") return text;
  const pattern = words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return text.replace(
    new RegExp(`(?<![\\p{L}\\p{N}.-])${pattern}(?![\\p{L}\\p{N}-]|\\.\\d)`, "giu"),
    "\u0000",
  );
}

const hedges = (text: string): boolean =>
  /\b(?:not|nor?|neither|either|or|except|but|maybe|perhaps|possibly|cannot|unclear|unsure|wrong|incorrect)\b|n't\b/i.test(
    plainCharacters(text),
  );

/** A capital letter of an option by itself; "A" before a word is an article. */
function namesLetter(text: string, letters: string): boolean {
  const found = text.matchAll(
    /(?<![\p{L}\p{N}'-])([A-Z])(?![\p{L}\p{N}'-])(?! [a-z])|(?<![\p{L}\p{N}'-])([B-Z])(?= [a-z])/gu,
  );
  return [...found].some((match) => letters.includes((match[1] ?? match[2]) as string));
}
