// MathVerse (arXiv 2403.14624): a letter or a value. The authors have one language model find the answer in the last words of a
// response and another compare it; the default decides by rules what rules can, and asks a judge about the rest.
import { optionsIn } from "../../tasks/benchmarks/choices.ts";
import { equalValues } from "../math/equalValues.ts";
import { unwrapped } from "../rules/text.ts";
import { bareAnswer } from "./bareAnswer.ts";
import { choiceIn } from "./choice.ts";
import { answerIn } from "./extract.ts";
import { type Equal, isNumber } from "./freeNumber.ts";
import { isValue, optionOfValue } from "./optionValue.ts";
import { pyStrip } from "./python.ts";
import { lmmsMathverse, prefetched, quickMatch, trunkResponse } from "./reference/mathverse.ts";
import {
  type BenchmarkScorer,
  declined,
  type Profile,
  type Response,
  type RuleScore,
  scored,
  type ScoredFields,
} from "./scorer.ts";
import { UNITS_DIFFER } from "./unitOfQuestion.ts";

/** Words of a response that the authors' extraction is shown. */
const LAST_WORDS = 30;
/** Of values that are written as decimals. */
const DECIMALS = 6;

export const mathverseScorer: BenchmarkScorer = {
  profiles: ["default", "official", "vlmevalkit", "lmms-eval"],
  score: (item, response, profile) =>
    profile === "default" ? scoreAnswer(answerIn(response), item) : scoreAs(profile, item, response),
  differences: [
    "Letters, options' texts and equal values are scored by rule; only what the rules do not find right goes to the judge, and a " +
      "clear letter of another option is wrong unasked. The authors send every answer to theirs.",
    "A response that marks no answer earns nothing; the authors' first language model looks for one in its last 30 words.",
    "Truths are read without what is around them: brackets and line breaks of letters, marks of LaTeX, words and names before an " +
      "equals sign, units.",
    UNITS_DIFFER + " What is not found right so is for the judge.",
  ],
};

function scoreAs(profile: Profile, { answer }: ScoredFields, { raw, extracted }: Response): RuleScore {
  if (profile === "lmms-eval") {
    // Its own marks come first; an answer that is in none of them is put into them.
    const marked =
      extracted === undefined || /<answer>|\\boxed\{/.test(raw) ? raw : `<answer>${extracted}</answer>`;
    const result = lmmsMathverse(marked, answer);
    return scored(result.score, result.extracted);
  }
  const text = extracted ?? (profile === "official" ? trunkResponse(raw, LAST_WORDS) : raw);
  if (pyStrip(text) === "") return scored(0);
  const isSame = profile === "vlmevalkit" ? prefetched : quickMatch;
  return isSame(text, answer) ? scored(1, text) : declined(text);
}

function scoreAnswer(answer: string | undefined, item: ScoredFields): RuleScore {
  if (answer === undefined || unwrapped(answer) === "") return scored(0, answer);
  const letters = item.questionType === "multi-choice" ? lettersOfTruth(item.answer) : undefined;
  return letters === undefined ? scoreValue(answer, item) : scoreLetters(answer, letters, item);
}

/** `C`, `(C)`, "A\nC"; undefined for `False` and other truths that are none. */
export function lettersOfTruth(truth: string): string | undefined {
  const plain = truth.replace(/[()\s,;.]/g, "");
  return /^[A-H]{1,4}$/.test(plain) && (plain.length === 1 || /[\s,;]/.test(truth.trim()))
    ? inOrder(plain)
    : undefined;
}

const inOrder = (letters: string): string => [...new Set(letters)].sort().join("");

function scoreLetters(answer: string, wanted: string, item: ScoredFields): RuleScore {
  const several = /^\W*[A-H](?:(?:\W|\band\b)+[A-H])+\W*$/.test(unwrapped(answer))
    ? inOrder(answer.replace(/[^A-H]/g, ""))
    : undefined;
  if (several !== undefined || wanted.length > 1)
    return several === undefined ? declined(answer) : scored(several === wanted ? 1 : 0, several);
  const options = optionsOf(item);
  const letter = choiceIn(answer, options) ?? optionOfValue(answer, options, DECIMALS);
  return letter === undefined ? declined(answer) : scored(letter === wanted ? 1 : 0, letter);
}

/** Where they are drawn in the picture, of the text that judges are given. */
const optionsOf = ({ options, details }: ScoredFields): ScoredFields["options"] =>
  options.length > 0 ? options : optionsIn(String(details["questionForEval"] ?? ""));

function scoreValue(answer: string, { answer: truth, question }: ScoredFields): RuleScore {
  const bare = bareAnswer(answer);
  if (bare === undefined) return declined(answer);
  const isRight = truthsOf(truth).some(
    (one) =>
      bare === unwrapped(one) ||
      (isNumber(answer, one, question, isEqual) ?? isValue(bare, one, DECIMALS, question)),
  );
  return isRight ? scored(1, answer) : declined(answer);
}

const isEqual: Equal = (given, truth) => equalValues(given, truth, { decimals: DECIMALS }) === true;

/** A truth as it is, and the mathematics in it: "Volume $=874.93 \mathrm{~cm}^{3}$" also without words, marks and sign. */
export function truthsOf(truth: string): readonly string[] {
  const inner = /^(?:[\p{L} ,:]*?)(?:\$\$?|\\\(|\\\[)((?:(?!\$|\\\)|\\\]).)+)(?:\$\$?|\\\)|\\\])\.?$/su.exec(
    truth.trim(),
  )?.[1];
  return [truth, (inner ?? truth).trim().replace(/^=\s*/, "")];
}
