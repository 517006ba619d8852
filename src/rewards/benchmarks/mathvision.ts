// MathVision (MATH-V, arXiv 2402.14804): a letter or a number, scored by rules alone. The authors' rules read the whole response
// and compare after rounding to two decimals; the default reads the answer the agent gave and compares with the same precision.
import { equalValues } from "../math/equalValues.ts";
import { unwrapped } from "../rules/text.ts";
import { bareAnswer, sidesOf } from "./bareAnswer.ts";
import { choiceIn } from "./choice.ts";
import { answerIn } from "./extract.ts";
import { type Equal, isNumber } from "./freeNumber.ts";
import { isValue, optionOfValue } from "./optionValue.ts";
import { pyStrip } from "./python.ts";
import { mathvisionAnswer, mathvisionScore, vlmevalkitMathvision } from "./reference/mathvision.ts";
import { type BenchmarkScorer, type Response, type RuleScore, scored, type ScoredFields } from "./scorer.ts";
import { UNITS_DIFFER } from "./unitOfQuestion.ts";

/** Values of decimals are right to half of this many decimals, as authors round to them. */
const DECIMALS = 2;

export const mathvisionScorer: BenchmarkScorer = {
  profiles: ["default", "official", "vlmevalkit"],
  score(item, response, profile) {
    if (profile === "default") return scoreAnswer(answerIn(response), item);
    const text = inAuthorsForm(response);
    if (pyStrip(text) === "") return scored(0);
    return profile === "vlmevalkit"
      ? scored(vlmevalkitMathvision(text, item), text)
      : scored(mathvisionScore(text, item), mathvisionAnswer(text));
  },
  differences: [
    "Only what the response marks as its answer is read, not a letter or number with which its text happens to end.",
    "Truths that can match nothing under the authors' rules are mended: boxed ones (ids 2828, 2833, 2875, 2877), those with " +
      "degrees or functions that their reader lacks (2804, 2866), a form feed for \\f, and units in braces.",
    "Letters with their text, in bold or with punctuation (`B. 9`, `\\textbf{(B)}`, `Answer: B`), and values with units, leads or " +
      "reasons (`60 degrees`, `about 60`, `60, because …`) are read; the authors' rules count them wrong.",
    UNITS_DIFFER,
    "A decimal is right within half a unit of the second decimal; the authors round both sides to two decimals, so that 0.005 and " +
      "0.0149 are equal and 0.0149 and 0.0151 are not.",
  ],
};

/** The authors ask for a box: the agent's answer is put into one where the text has none. */
const inAuthorsForm = ({ raw, extracted }: Response): string =>
  extracted === undefined || raw.includes("oxed{") ? raw : `\\boxed{${extracted}}`;

function scoreAnswer(answer: string | undefined, item: ScoredFields): RuleScore {
  if (answer === undefined || unwrapped(answer) === "") return scored(0, answer);
  if (item.questionType !== "multi-choice") return scored(equalsTruth(answer, item) ? 1 : 0, answer);
  const letter =
    choiceIn(answer, item.options, DECIMALS) ?? optionOfValue(answer, item.options, DECIMALS, item.question);
  return scored(letter === item.answer ? 1 : 0, letter ?? answer);
}

/** "S_{ABC} = (3, 4)" names in front what is asked for, as authors take the last side of an equation. */
function equalsTruth(answer: string, { answer: truth, question }: ScoredFields): boolean {
  const wanted = mendedTruth(truth);
  const asNumber = isNumber(answer, wanted, question, isEqual);
  if (asNumber !== undefined) return asNumber;
  const bare = bareAnswer(answer);
  if (bare === undefined) return false;
  const side = sidesOf(bare).at(-1) ?? "";
  return (
    isValue(bare, wanted, DECIMALS, question) ||
    (!wanted.includes("=") && isValue(side, wanted, DECIMALS, question))
  );
}

const isEqual: Equal = (given, truth) => equalValues(given, truth, { decimals: DECIMALS }) === true;

/** What some truths of the published file are meant to be. */
export const mendedTruth = (truth: string): string =>
  truth
    .replaceAll("\f", "\\f")
    .replace(/^\$\\boxed\{(.*)\}\$$/s, "$$$1$$")
    .replace(/\{(degrees|inches|squareinches)\}$/, (_, unit: string) =>
      unit === "degrees" ? "^{\\circ}" : "",
    )
    .replace(/\\tan ?\^\{-1\}/g, "\\arctan ");
