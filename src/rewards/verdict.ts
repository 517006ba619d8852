// What grading says of an answer. Three outcomes and not two: a rule that cannot tell passes the answer on, and a judge that
// cannot tell leaves the sample out, so that neither's weakness is ever trained on as "wrong".

export type Verdict = "right" | "wrong" | "unknown";

/** One answer and what it is graded by. */
export interface Graded {
  /** As the task has it, lettered options included. */
  readonly question: string;
  /** As the model gave it: the content of its box. */
  readonly answer: string;
  readonly truth: string;
  /** The task's kind. */
  readonly kind: string;
}

/**
 * Decides by rule, from its argument alone, in time that an answer of the greatest allowed length keeps short. `unknown`
 * is for what a rule cannot tell, never for what it takes for a bad answer. Never throws.
 */
export type RuleGrader = (graded: Graded) => Verdict;

export const rightIf = (holds: boolean): Verdict => (holds ? "right" : "wrong");
