// V* (arXiv 2312.14135): one letter of two or four. Its authors let their model choose the option of the lowest loss, which
// needs a model's probabilities and cannot be had of an agent that writes; `official` is what their data define, the
// accuracy of the label.
import { scoreChoice } from "./choice.ts";
import { answerIn, chosenOption, lettered } from "./extract.ts";
import { pyStrip } from "./python.ts";
import { offlineChoice } from "./reference/offlineChoice.ts";
import {
  type BenchmarkScorer,
  declined,
  type Profile,
  type Response,
  type RuleScore,
  scored,
  type ScoredFields,
} from "./scorer.ts";

const LETTERS = "ABCD";

/** Profiles but the default read the agent's answer, or the whole response where it gave none. */
export const vstarScorer: BenchmarkScorer = {
  profiles: ["default", "official", "pyvision", "lmms-eval"],
  score: (item, response, profile) =>
    profile === "default" ? scoreChoice(answerIn(response), item) : scoreAs(profile, item, response),
  differences: [
    "An answer that is not a letter, the text of one option, or both together goes to the judge, also where it holds that text " +
      "among other words; the authors' labels know no such answers, and `official` counts them wrong.",
    "The authors compare the losses of the options, which an agent's text does not have: `official` is the accuracy of the label.",
  ],
};

function scoreAs(profile: Profile, item: ScoredFields, { raw, extracted }: Response): RuleScore {
  const text = extracted ?? raw;
  if (pyStrip(text) === "") return scored(0);
  switch (profile) {
    case "pyvision": {
      const right = item.options.find(({ letter }) => letter === item.answer)?.text;
      const full = right === undefined ? item.answer : `${item.answer}. ${right}`;
      const verdict = offlineChoice(text, item.answer, full);
      return verdict === "JUDGE" ? declined(text) : scored(verdict, text);
    }
    case "lmms-eval": {
      const letter = lmmsLetter(text);
      return scored(letter === pyStrip(item.answer).toUpperCase() ? 1 : 0, letter);
    }
    default: {
      const letter = item.options.length === 0 ? lettered(text, LETTERS) : chosenOption(text, item.options);
      return scored(letter === item.answer ? 1 : 0, letter);
    }
  }
}

/** In the order they are tried, on the text in capitals: "ANSWER: D" begins with an A, and "BECAUSE" with a B. */
const LMMS_FORMS: readonly RegExp[] = [
  /^([A-D])/,
  /(?:ANSWER|CHOICE|OPTION)(?:\s+IS)?[\s:]+([A-D])/,
  /\(([A-D])\)/,
  /([A-D])\s*[.)\]]/,
  /(?:^|\s)([A-D])(?:\s|$)/,
];

/** The letter that lmms-eval reads; its quirks are kept, since its published scores have them. */
export function lmmsLetter(response: string): string | undefined {
  const text = pyStrip(response).toUpperCase();
  for (const form of LMMS_FORMS) {
    const letter = form.exec(text)?.[1];
    if (letter !== undefined) return letter;
  }
  const [only, ...more] = text.match(/[A-D]/g) ?? [];
  return more.length === 0 ? only : undefined;
}
