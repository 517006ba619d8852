// How an answer to a benchmark's item is scored by rules. Each benchmark has the rules of its authors and our own, which differ
// only where the authors' are plainly faulty; some have those of other programs that published numbers come from.
import type { BenchmarkItem } from "../../tasks/benchmarks/item.ts";

/** `default`: ours. `official`: the authors'. The others are programs that scores were published with. */
export const PROFILES = ["default", "official", "pyvision", "vlmevalkit", "lmms-eval"] as const;
export type Profile = (typeof PROFILES)[number];

export type ScoredFields = Pick<
  BenchmarkItem,
  "benchmark" | "questionType" | "question" | "answer" | "options" | "details"
>;

export interface Response {
  /** The last turn of the model, whole. */
  readonly raw: string;
  /** The answer that the agent's protocol found in it: the content of the box. undefined when there was none. */
  readonly extracted: string | undefined;
}

export type RuleScore =
  /** `extracted`: what was compared, for whoever reads the record. */
  | { readonly stage: "rule"; readonly score: number; readonly extracted?: string }
  /** The rules decline: their authors ask a language model here. */
  | { readonly stage: "judge"; readonly extracted?: string };

export interface BenchmarkScorer {
  /** In the order of PROFILES; `default` and `official` always. */
  readonly profiles: readonly Profile[];
  /** Never throws, whatever the model wrote. @returns a score in [0, 1] */
  score(item: ScoredFields, response: Response, profile: Profile): RuleScore;
  /** Where `default` leaves `official`, a sentence each: printed in the report. */
  readonly differences: readonly string[];
}

export const scored = (score: number, extracted?: string): RuleScore => ({
  stage: "rule",
  score,
  ...(extracted !== undefined && { extracted }),
});

export const declined = (extracted?: string): RuleScore => ({
  stage: "judge",
  ...(extracted !== undefined && { extracted }),
});
