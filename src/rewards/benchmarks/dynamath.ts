// DynaMath (arXiv 2411.00836): a number to 0.001, a letter, or a short text. Its authors ask for JSON and compare its "short
// answer" by three string rules.
import { numberOfMeasure } from "../rules/measure.ts";
import { ruleGrader } from "../rules/choose.ts";
import { folded, plainCharacters } from "../rules/text.ts";
import { DENIES } from "./bareAnswer.ts";
import { choiceIn } from "./choice.ts";
import { answerIn } from "./extract.ts";
import { type Equal, isNumber } from "./freeNumber.ts";
import { pyStrip } from "./python.ts";
import { dynamathScore, shortAnswer, vlmevalkitDynamath } from "./reference/dynamath.ts";
import {
  type BenchmarkScorer,
  declined,
  type Response,
  type RuleScore,
  scored,
  type ScoredFields,
} from "./scorer.ts";
import { UNITS_DIFFER } from "./unitOfQuestion.ts";

export const dynamathScorer: BenchmarkScorer = {
  profiles: ["default", "official", "vlmevalkit"],
  score(item, response, profile) {
    switch (profile) {
      case "official":
        return scoreAsAuthors(item, response);
      case "vlmevalkit":
        return scoreAsVlmEvalKit(item, response);
      default:
        return scoreAnswer(item, response);
    }
  },
  differences: [
    "The agent's answer is scored in place of the JSON that the authors ask for; JSON is read where it is given.",
    "Numbers are read in any notation (1/12, 1,200, π, 13m, about 13, x = 13), within the authors' 0.001. The answer as a whole must be " +
      'the number, with a unit or the counted thing: the authors take what stands before the first blank, be it "13 million".',
    UNITS_DIFFER,
    'A letter must be the only one: the authors find it among the first three characters, so that "AB" is both, and only as a ' +
      "capital. The option's text counts.",
    'Texts are compared whatever their case and notation, "(3, 1)" being "(3.000, 1.000)"; a truth that the answer contains must ' +
      'stand there as a word: for the authors "Don\'t know" holds the node D.',
  ],
};

/** The JSON's "short answer"; without JSON the agent's answer, and without that the response as it is. */
function scoreAsAuthors(item: ScoredFields, { raw, extracted }: Response): RuleScore {
  const short = shortAnswer(raw);
  const answer = short === undefined ? (extracted ?? raw) : asPython(short);
  return scored(dynamathScore(answer, item.answer, item.questionType), answer);
}

/** str(value), as far as it matters to the rules: lists begin with a bracket and a quote. */
function asPython(value: unknown): string {
  if (typeof value === "string") return value;
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  return JSON.stringify(value).replaceAll('"', "'");
}

function scoreAsVlmEvalKit(item: ScoredFields, { raw, extracted }: Response): RuleScore {
  const text = shortAnswer(raw) === undefined ? (extracted ?? raw) : raw;
  if (pyStrip(text) === "") return scored(0);
  const { score, extracted: read } = vlmevalkitDynamath(text, item.answer, item.questionType);
  return read === undefined ? declined(text) : scored(score, String(read));
}

function scoreAnswer(item: ScoredFields, response: Response): RuleScore {
  const answer = answerIn(response);
  const short = shortAnswer(answer ?? response.raw);
  const given = short === undefined ? answer : asPython(short);
  if (given === undefined || folded(given) === "") return scored(0, given);
  return scored(isRight(given, item) ? 1 : 0, given);
}

function isRight(answer: string, item: ScoredFields): boolean {
  const graded = { question: item.question, answer, truth: item.answer, kind: item.questionType };
  switch (item.questionType) {
    case "float":
      return isNumber(answer, item.answer, item.question, isNear) === true;
    case "multiple choice":
      return choiceIn(answer, item.options) === item.answer;
    default:
      return (
        gradeAsText(graded) === "right" ||
        sameNumbers(answer, item.answer) ||
        (holds(answer, item.answer) && !hedges(answer) && !namesAnother(answer, item.answer))
      );
  }
}

/** Within the authors' tolerance. */
const isNear: Equal = (given, truth) => {
  const [a = NaN, b = NaN] = [numberOfMeasure({ value: given }), numberOfMeasure({ value: truth })];
  return Math.abs(a - b) <= 0.001 * (1 + 1e-12);
};

const gradeAsText = ruleGrader({ type: "auto" });

const hedges = (text: string): boolean => DENIES.test(plainCharacters(text)) || /\band\b/i.test(text);

const LISTS = [
  "January February March April May June July August September October November December",
  "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
  "Q1 Q2 Q3 Q4",
  "White Black Red Blue Green Yellow Orange Purple Pink Brown Grey Gray",
].map((words) => words.split(" "));

/** A second month, day, quarter or color beside the one that is the truth. */
function namesAnother(answer: string, truth: string): boolean {
  const isWord = (word: string, text: string): boolean =>
    new RegExp(`(?<![\\p{L}\\p{N}])${word.slice(0, 3)}(?:${word.slice(3)})?(?![\\p{L}\\p{N}])`, "iu").test(
      text,
    );
  const list = LISTS.find((words) => words.some((word) => isWord(word, truth)));
  return (list ?? []).some((word) => !isWord(word, truth) && isWord(word, answer));
}

/** Points, lists and times: the same numbers in the same order, within the tolerance of numbers, and nothing else. */
function sameNumbers(answer: string, truth: string): boolean {
  const [given, wanted] = [numbersOf(answer), numbersOf(truth)];
  return (
    given.length > 1 &&
    given.length === wanted.length &&
    given.every((number, i) => Math.abs(number - (wanted[i] as number)) <= 0.001)
  );
}

function numbersOf(text: string): readonly number[] {
  const inner = /^[([{]?([^()[\]{}]*)[)\]}]?$/.exec(plainCharacters(text).replace(/\.$/, ""))?.[1] ?? "";
  const parts = inner.split(/^\d{1,2}:\d{1,2}$/.test(inner) ? ":" : ",").map((part) => part.trim());
  return parts.every((part) => /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)$/.test(part)) ? parts.map(Number) : [];
}

const MONTHS = LISTS[0] ?? [];

/** As whole words: "Sep" is in "in Sep 2020" and begins "September", "D" is in "node D". A lone letter keeps its case. */
function holds(answer: string, truth: string): boolean {
  const plain = (text: string): string => plainCharacters(text).replace(/\s+/g, "");
  const words = plainCharacters(truth);
  const isLetter = /^\p{L}$/u.test(words);
  const escaped = words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/ /g, "\\s*");
  const rest = MONTHS.find((month) => month.startsWith(words) && words.length === 3)?.slice(3) ?? "";
  const month = rest === "" ? "" : `(?:${rest})?`;
  const pattern = new RegExp(
    `(?<![\\p{L}\\p{N}.'-])${escaped}${month}(?![\\p{L}\\p{N}']|[.,-]\\d)`,
    isLetter ? "u" : "iu",
  );
  const text = plainCharacters(answer);
  if (isLetter && (text.match(/(?<![\p{L}'])\p{Lu}(?![\p{L}'])/gu) ?? []).length > 1) return false;
  return pattern.test(text) || plain(answer).toLowerCase() === plain(truth).toLowerCase();
}
