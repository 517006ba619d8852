// VSI-Bench (arXiv 2412.14171): letters by equality, numbers by mean relative accuracy. No judge is asked by anyone but the
// reference implementation of PyVision-RL.
import { accuracyOfError, meanRelativeAccuracy } from "../meanRelativeAccuracy.ts";
import { choiceIn } from "./choice.ts";
import { answerIn } from "./extract.ts";
import { pyFloat, pySplitSpaces, pyStrip, pyStripEnd } from "./python.ts";
import { numberIn } from "./freeNumber.ts";
import { lmmsNumber } from "./reference/lmmsNumber.ts";
import { formatGate } from "./reference/pyvisionReward.ts";
import { numericalReward } from "./reference/pyvisionRules.ts";
import { matchNumber, matchOption } from "./reference/vlmevalkitSpatial.ts";
import {
  type BenchmarkScorer,
  declined,
  type Profile,
  type Response,
  type RuleScore,
  scored,
  type ScoredFields,
} from "./scorer.ts";

/** Question types that are answered with a number; all others have options. */
export const VSI_NUMBER_TYPES: ReadonlySet<string> = new Set([
  "object_counting",
  "object_abs_distance",
  "object_size_estimation",
  "room_size_estimation",
]);

/**
 * `official` and `lmms-eval` read the agent's answer, or the whole response where it gave none: their prompt asks for the
 * answer alone. `pyvision` and `vlmevalkit` read the whole response, tags included.
 */
export const vsiBenchScorer: BenchmarkScorer = {
  profiles: ["default", "official", "pyvision", "vlmevalkit", "lmms-eval"],
  score: (item, response, profile) =>
    VSI_NUMBER_TYPES.has(item.questionType)
      ? scoreNumber(item, response, profile)
      : scoreLetter(item, response, profile),
  differences: [
    'A letter in brackets, with its option\'s text or after "The answer is", or the text alone, is read; the authors take the ' +
      "first word only, dots at its end aside.",
    'A number with a unit ("1.5m"), in words or after "about" is read, and converted to the unit that the question asks for; a unit of ' +
      "another kind, or of counted things, is wrong. The authors take the first word only, whatever follows it.",
    "An answer that names several options or several numbers is wrong; the authors score the first.",
  ],
};

const firstWord = (text: string): string => pyStrip(pyStripEnd(pySplitSpaces(text)[0] as string, "."));

function scoreLetter(item: ScoredFields, response: Response, profile: Profile): RuleScore {
  const text = response.extracted ?? response.raw;
  switch (profile) {
    case "default": {
      const answer = answerIn(response);
      const letter = answer === undefined ? undefined : choiceIn(answer, item.options);
      return rightIf(letter === item.answer, letter ?? answer);
    }
    case "pyvision": {
      const answer = response.extracted ?? formatGate(response.raw);
      return answer === undefined || pyStrip(answer) === "" ? scored(0) : declined(answer);
    }
    case "vlmevalkit": {
      const letter = matchOption(response.raw);
      return rightIf(letter !== undefined && letter === matchOption(item.answer), letter);
    }
    default: {
      const word = firstWord(text);
      return rightIf(word.toLowerCase() === item.answer.toLowerCase(), word);
    }
  }
}

function scoreNumber(item: ScoredFields, response: Response, profile: Profile): RuleScore {
  const truth = pyFloat(item.answer);
  const text = response.extracted ?? response.raw;
  switch (profile) {
    case "default": {
      const answer = answerIn(response);
      return scoreRelative(answer === undefined ? undefined : numberIn(answer, item.question), truth, answer);
    }
    case "pyvision":
      return scored(numericalReward(response.raw, item.answer).score);
    case "vlmevalkit":
      return scoreWithZero(matchNumber(response.raw), truth);
    case "lmms-eval":
      return scoreRelative(lmmsNumber(text), truth);
    default:
      return scoreRelative(pyFloat(firstWord(text)), truth, firstWord(text));
  }
}

const rightIf = (holds: boolean, extracted: string | undefined): RuleScore =>
  scored(holds ? 1 : 0, extracted === "" ? undefined : extracted);

/** The authors divide by a truth of 0, which their data do not have; here only 0 is right then. */
function scoreRelative(given: number | undefined, truth: number | undefined, text?: string): RuleScore {
  if (given === undefined || truth === undefined) return scored(0, text);
  return scored(meanRelativeAccuracy(given, truth), String(given));
}

/** With truth 0 the error itself is compared with the bounds. */
function scoreWithZero(given: number | undefined, truth: number | undefined): RuleScore {
  if (truth !== 0 || given === undefined) return scoreRelative(given, truth);
  return scored(accuracyOfError(Math.abs(given)), String(given));
}
