// What an evaluation says of one answer: a score in parts of a point, who gave it, and what it was given for.
import type { Reward } from "../core/trajectory.ts";
import type { JudgeOutcome } from "./judge/judge.ts";
import type { AnswerForm } from "./rules/choose.ts";
import type { Graded } from "./verdict.ts";

/** What a judge said of an answer, and what it was asked with. */
export interface JudgeNote {
  readonly model: string;
  /** SHA-256 of the prompt, everything but the answer and what it is compared with; 64 hex digits. */
  readonly promptHash: string;
  readonly verdict: JudgeOutcome;
  /** Why there is no verdict. */
  readonly failure?: string;
}

export interface ItemJudge {
  readonly model: string;
  /** Never rejects. */
  ask(graded: Graded, form: AnswerForm): Promise<JudgeNote>;
}

/**
 * `none`: the rules decline and no judge gave a verdict, so the score is 0 whatever the answer is worth.
 */
export type ScoreStage = "rule" | "judge" | "none";

export interface ItemVerdict {
  /** In [0, 1]. */
  readonly score: number;
  readonly stage: ScoreStage;
  /** What was compared with the truth. */
  readonly extracted?: string;
  readonly judge?: JudgeNote;
}

/** From this score on an answer counts as right where only right and wrong are told: the reference's bound for numbers. */
export const LEAST_RIGHT = 0.5;

export function itemReward({ score }: Pick<ItemVerdict, "score">): Reward {
  return { total: score, accuracy: score >= LEAST_RIGHT ? 1 : 0, toolCall: 0, score };
}

/** Asks the judge about what the rules left open. Without one the answer earns nothing. */
export async function judged(
  judge: ItemJudge | undefined,
  graded: Graded,
  form: AnswerForm,
  extracted: string | undefined,
): Promise<ItemVerdict> {
  const compared = extracted !== undefined && { extracted };
  if (judge === undefined) return { score: 0, stage: "none", ...compared };
  const note = await judge.ask(graded, form);
  const told = note.verdict !== "failed" && note.verdict !== "overBudget";
  return {
    score: note.verdict === "right" ? 1 : 0,
    stage: told ? "judge" : "none",
    ...compared,
    judge: note,
  };
}
