// The option that VLMEvalKit infers from an answer before it asks a language model. What it does then where that model fails as
// well, a random option, is not done here: the same answers must score the same.
import type { ScoredFields } from "../scorer.ts";
import { pySplitWords } from "../python.ts";

type Options = ScoredFields["options"];

/** Answers with one of these in them are refusals. */
const REFUSALS = [
  "Sorry, I can't help with images of people yet.",
  "I can't process this file.",
  "I'm sorry, but without the image provided",
  "Cannot determine the answer",
] as const;
const NO_REPLY = "Failed to obtain answer via API";
const REFUSED = "Z";

/** A letter counts among this many last words. */
const LAST_WORDS = 4;

/** The letter, "Z" for a refusal, or undefined where a language model is asked. */
export const canInfer = (answer: string, options: Options): string | undefined =>
  byLetter(answer, options) ?? byText(answer, options);

function byLetter(answer: string, options: Options): string | undefined {
  if (answer.includes(NO_REPLY)) return undefined;
  if (REFUSALS.some((refusal) => answer.includes(refusal))) return REFUSED;
  const words = pySplitWords(answer.replace(/[.()[\],:;!*#{}]/g, " "));
  const named = options.map(({ letter }) => letter).filter((letter) => words.includes(letter));
  const [only] = named;
  if (only !== undefined && named.length === 1 && words.indexOf(only) >= words.length - LAST_WORDS)
    return only;
  if (only === undefined && words.includes(REFUSED)) return REFUSED;
  const said = /(?:correct\s+)?answer\s+is\s+\**([ABCD])\**/i.exec(answer)?.[1]?.toUpperCase();
  return options.find(({ letter }) => letter === said)?.letter;
}

/** The only option whose text the answer holds, unless the answer is more than twice as long as all of them. */
function byText(answer: string, options: Options): string | undefined {
  const text = answer.toLowerCase();
  const length = options.reduce((sum, option) => sum + [...option.text].length, 0);
  if ([...text].length > 2 * length) return undefined;
  const held = options.filter((option) => text.includes(option.text.toLowerCase()));
  return held.length === 1 ? held[0]?.letter : undefined;
}
