// We-Math (arXiv 2407.01284): one letter. Its authors take the first character after the last "Answer" of the response, their
// template being `<Answer>: <<B>>`.
import { choiceIn } from "./choice.ts";
import { answerIn } from "./extract.ts";
import { pyStrip } from "./python.ts";
import { type BenchmarkScorer, type Response, type RuleScore, scored, type ScoredFields } from "./scorer.ts";

export const wemathScorer: BenchmarkScorer = {
  profiles: ["default", "official"],
  score(item, response, profile) {
    const letter =
      profile === "official" ? wemathLetter(inTemplate(response)) : letterIn(response, item.options);
    return scoreOf(letter, item.answer);
  },
  differences: [
    "The letter is read from the agent's answer in any form, (B), **B**, \\boxed{B} or the option's text; the authors read the " +
      'first character after the last "Answer" of the response, so that (B) is none and "Because" is B.',
  ],
};

const scoreOf = (letter: string | undefined, truth: string): RuleScore =>
  scored(letter === truth ? 1 : 0, letter);

/** A response without the authors' mark has its answer put behind one; where there is neither, it is read as it is. */
const inTemplate = ({ raw, extracted }: Response): string =>
  raw.includes("Answer") || extracted === undefined ? raw : `Answer: ${extracted}`;

/** What the authors read. */
export function wemathLetter(response: string): string | undefined {
  const tail = response.split("Answer").at(-1) ?? "";
  const [first = ""] = pyStrip(pyStrip(tail).replace(/[><:.]/g, ""));
  return /^[A-H]$/.test(first) ? first : undefined;
}

/** Of the agent's answer; without one, of what fills the authors' template, the whole of which must be an answer. */
function letterIn(response: Response, options: ScoredFields["options"]): string | undefined {
  const answer = answerIn(response) ?? filled(response.raw);
  return answer === undefined ? undefined : choiceIn(answer, options);
}

function filled(raw: string): string | undefined {
  const [, ...tails] = raw.split("Answer");
  const tail = tails.at(-1)?.trim() ?? "";
  const text = (/^>?[ \n]?:/.test(tail) ? tail.slice(tail.indexOf(":") + 1) : "").trim();
  const inner = text.startsWith("<<") && text.endsWith(">>") ? text.slice(2, -2) : text;
  return /[<>]/.test(inner) ? undefined : inner;
}
