// TIR-Bench (arXiv 2511.01833): thirteen tasks under six rules. Jigsaws and differences earn fractions.
import { equalDecimals } from "../math/equalTerms.ts";
import { numberOfMeasure } from "../rules/measure.ts";
import { optionsOf, letterOf } from "../rules/options.ts";
import { ruleGrader } from "../rules/choose.ts";
import { folded } from "../rules/text.ts";
import { choiceIn } from "./choice.ts";
import { answerIn } from "./extract.ts";
import { type Equal, isNumber } from "./freeNumber.ts";
import {
  integersIn,
  jigsawScore,
  numberRun,
  overlap,
  TIR_LETTERS,
  tirBenchScore,
  type TirBenchItem,
  tirTruthOf,
} from "./reference/tirBench.ts";
import { type BenchmarkScorer, scored, type ScoredFields } from "./scorer.ts";
import { UNITS_DIFFER } from "./unitOfQuestion.ts";

export const tirBenchScorer: BenchmarkScorer = {
  profiles: ["default", "official"],
  score(item, response, profile) {
    const fields = fieldsOf(item);
    if (profile === "official") {
      // Written words are searched in the whole response; of the rest a language model would take out the answer.
      const text = fields.task === "ocr" ? response.raw : (response.extracted ?? response.raw);
      return scored(tirBenchScore(text, fields), text);
    }
    const answer = answerIn(response);
    if (answer === undefined || folded(answer) === "") return scored(0, answer);
    return scored(scoreAnswer(answer.replaceAll("*", "").trim(), fields), answer);
  },
  differences: [
    "The answer is what the agent marked as such; the authors have a language model take it out of the response, and search " +
      "words to be read (ocr) in the whole response.",
    "An answer that chooses no option is wrong: the authors take the letter nearest by edit distance, which is A when none is " +
      "near, an empty answer included. An option's text counts however the options are marked.",
    'Several letters may stand in any notation, "B, C" being "BC"; words must be the word, while for the authors "felt" is "left".',
    'A number must be the whole answer, with a unit, the counted thing or a lead such as "about"; the authors delete all letters, so ' +
      'that "3 red and 4 blue" is 34 and "not 4" is 4.',
    UNITS_DIFFER,
    'Places in a grid and pieces of a jigsaw may stand in any notation, "row 17, column 1" or nested lists.',
    "The two pictures whose truths the authors put right are told by their whole names, 60.jpg and 62.jpg.",
  ],
};

function fieldsOf({ questionType, question, answer, details }: ScoredFields): TirBenchItem {
  const { image1, difficulty } = details;
  return {
    task: questionType,
    prompt: question,
    answer,
    image1: typeof image1 === "string" ? image1 : "",
    difficulty: difficulty === undefined ? undefined : Number(difficulty),
  };
}

function scoreAnswer(answer: string, item: TirBenchItem): number {
  const { task, answer: truth, difficulty } = item;
  const kind = tirTruthOf(truth);
  switch (task) {
    case "ocr": {
      const name = /(?:^|[\\/])(\d+\.jpg)$/.exec(item.image1)?.[1] ?? "";
      return tirBenchScore(answer, { ...item, image1: ["60.jpg", "62.jpg"].includes(name) ? name : "" });
    }
    case "jigsaw":
      return jigsawScore(
        numberRun(answer, difficulty) ?? pieces(answer, difficulty),
        numberRun(truth, difficulty),
      );
    case "word_search":
      if (kind !== "integer") return samePlace(answer, item);
      break;
    case "spot_difference":
      if (kind !== "integer") return overlap(integersIn(answer), integersIn(truth));
      break;
  }
  if (kind === "letters") return rightChoice(answer, item) ? 1 : 0;
  if (kind === "other") return gradeAsText(gradedOf(answer, item)) === "right" ? 1 : 0;
  return isNumber(answer, truth, item.prompt, isSame) === true ? 1 : 0;
}

/** To six decimals. */
const isSame: Equal = (given, truth) => {
  const [a = NaN, b = NaN] = [numberOfMeasure({ value: given }), numberOfMeasure({ value: truth })];
  return equalDecimals(a, b, { decimals: 6 });
};

const gradedOf = (
  answer: string,
  item: TirBenchItem,
): { readonly question: string; readonly answer: string; readonly truth: string; readonly kind: string } => ({
  question: item.prompt,
  answer,
  truth: item.answer,
  kind: item.task,
});

const gradeAsText = ruleGrader({ type: "auto" });

/** All numbers of the answer, if they are as many as there are pieces. */
function pieces(answer: string, n: number | undefined): readonly number[] | undefined {
  const numbers = integersIn(answer);
  return n !== undefined && numbers.length === n * n ? numbers : undefined;
}

/** Two numbers in order and no third; else the authors' first pair. */
function samePlace(answer: string, item: TirBenchItem): number {
  const [given, wanted] = [integersIn(answer), integersIn(item.answer)];
  if (given.length !== 2 || wanted.length !== 2) return tirBenchScore(answer, item);
  return given[0] === wanted[0] && given[1] === wanted[1] ? 1 : 0;
}

function rightChoice(answer: string, { prompt, answer: truth }: TirBenchItem): boolean {
  if (truth.length === 1) {
    const options = optionsOf(prompt).map((text, i) => ({ letter: letterOf(i), text }));
    return choiceIn(answer, options) === truth;
  }
  const isSet = [...truth].every((letter) => TIR_LETTERS.includes(letter));
  return isSet ? lettersIn(answer) === lettersIn(truth) : folded(answer) === folded(truth);
}

/** "(C), B and D" as "BCD"; undefined for anything but letters and what stands between them. */
function lettersIn(answer: string): string | undefined {
  const letters = answer.replace(/\band\b|[\s,;&()[\]{}.]+/gi, "");
  return /^[A-Ja-j]+$/.test(letters) ? [...new Set(letters.toUpperCase())].sort().join("") : undefined;
}
