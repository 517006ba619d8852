// HR-Bench 4K and 8K (arXiv 2408.15556): one letter of four. The authors have a language model judge every answer; the rules
// of other programs are kept to reproduce their numbers.
import { scoreChoice } from "./choice.ts";
import { answerIn } from "./extract.ts";
import { pyStrip } from "./python.ts";
import { offlineChoice } from "./reference/offlineChoice.ts";
import { canInfer } from "./reference/vlmevalkitChoice.ts";
import {
  type BenchmarkScorer,
  declined,
  type Profile,
  type Response,
  type RuleScore,
  scored,
  type ScoredFields,
} from "./scorer.ts";

/** Profiles but the default read the agent's answer, or the whole response where it gave none. */
export const hrbenchScorer: BenchmarkScorer = {
  profiles: ["default", "official", "pyvision", "vlmevalkit"],
  score: (item, response, profile) =>
    profile === "default" ? scoreChoice(answerIn(response), item) : scoreAs(profile, item, response),
  differences: [
    "A letter, an option's text or both are scored by rule; only what they leave open goes to the judge, to whom the authors " +
      "send every answer.",
  ],
};

function scoreAs(profile: Profile, item: ScoredFields, { raw, extracted }: Response): RuleScore {
  const text = extracted ?? raw;
  if (pyStrip(text) === "") return scored(0);
  switch (profile) {
    case "pyvision": {
      const verdict = offlineChoice(text, item.answer, item.answer);
      return verdict === "JUDGE" ? declined(text) : scored(verdict, text);
    }
    case "vlmevalkit": {
      const inferred = canInfer(text, item.options);
      return inferred === undefined ? declined(text) : scored(inferred === item.answer ? 1 : 0, inferred);
    }
    default:
      return declined(text);
  }
}

/** What the authors read from their judge's reply: only how it begins counts, a blank before it included. */
export const parseScore = (reply: string): 0 | 1 => (reply.toLowerCase().startsWith("yes") ? 1 : 0);
