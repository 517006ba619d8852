// An episode about an item of a benchmark as a score: what the model wrote, the rules of a profile, and a judge for what they
// leave open.
import type { Trajectory } from "../../core/trajectory.ts";
import { type ItemJudge, type ItemVerdict, judged } from "../itemVerdict.ts";
import { answerForm, type AnswerForm } from "../rules/choose.ts";
import type { Graded } from "../verdict.ts";
import type { BenchmarkScorer, Profile, Response, ScoredFields } from "./scorer.ts";

export interface ScoringOptions {
  readonly scorer: BenchmarkScorer;
  readonly profile: Profile;
  readonly judge?: ItemJudge;
  /** A longer answer is not read to a judge and earns nothing. */
  readonly maxAnswerChars: number;
}

export async function scoreItem(
  item: ScoredFields,
  trajectory: Pick<Trajectory, "turns" | "answer">,
  { scorer, profile, judge, maxAnswerChars }: ScoringOptions,
): Promise<ItemVerdict> {
  const response = responseOf(trajectory);
  const ruled = scorer.score(item, response, profile);
  if (ruled.stage === "rule") return ruled;
  const answer = (ruled.extracted ?? response.extracted ?? response.raw).trim();
  // No answer, and one of a length that is meant for the judge rather than the question, are wrong unread.
  if (answer === "" || answer.length > maxAnswerChars)
    return { score: 0, stage: "rule", ...(ruled.extracted !== undefined && { extracted: ruled.extracted }) };
  const graded = { question: questionOf(item), answer, truth: item.answer, kind: item.questionType };
  return judged(judge, graded, formOfItem(item, graded), ruled.extracted);
}

/** With what is written in the picture, where the authors have it as text (MathVerse's Vision Only). */
function questionOf({ question, details }: ScoredFields): string {
  const { questionForEval } = details;
  return typeof questionForEval === "string" && questionForEval !== "" ? questionForEval : question;
}

/** The last turn as scorers read it. */
export function responseOf({ turns, answer }: Pick<Trajectory, "turns" | "answer">): Response {
  return { raw: turns.at(-1)?.text ?? "", extracted: answer };
}

/** Which of the judge's prompts an item is asked with: by the item alone, never by the answer. */
function formOfItem({ options, questionType }: ScoredFields, graded: Graded): AnswerForm {
  if (options.length > 0 || /^multi(ple)?[- ]?choice$/i.test(questionType)) return "choice";
  return answerForm(graded);
}
