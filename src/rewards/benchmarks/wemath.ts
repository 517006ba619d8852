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
    "The letter is read from the agent's answer in any form, (B), **B**, \\boxed{B}, with its option's text, or that text " +
      'alone; the authors read the first character after the last "Answer" of the response, so that (B) is none and "Because" ' +
      "is B.",
    "An answer that names two options, takes one back, or has other words around an option's text is wrong.",
  ],
};

const scoreOf = (letter: string | undefined, truth: string): RuleScore =>
  scored(letter === truth ? 1 : 0, letter);

/**
 * The agent's answer is put behind the authors' mark, unless the response fills their template itself. The word "Answer" alone
 * is no template: agents write "**Answer:**" over the form that they were asked for. A response without an answer is read as
 * it is.
 */
const inTemplate = ({ raw, extracted }: Response): string =>
  extracted === undefined || /<Answer>|Answer>?\s*:\s*<</.test(raw) ? raw : `Answer: ${extracted}`;

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
