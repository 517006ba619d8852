// How `pyvision eval` scores an answer: to an item of a benchmark by its scorer, to a question of a file as training would,
// but with parts of a point for numbers; in both cases with the run's judge for what rules leave open.
import { ConfigError } from "../../core/errors.ts";
import type { Task } from "../../core/task.ts";
import type { Trajectory } from "../../core/trajectory.ts";
import { scorers } from "../../rewards/benchmarks/all.ts";
import { scoreItem } from "../../rewards/benchmarks/scoreItem.ts";
import type { ScoredFields } from "../../rewards/benchmarks/scorer.ts";
import { type ItemJudge, type ItemVerdict, judged } from "../../rewards/itemVerdict.ts";
import { relativeAccuracyOf } from "../../rewards/meanRelativeAccuracy.ts";
import type { AnswerForm } from "../../rewards/rules/choose.ts";
import type { Graded, RuleGrader } from "../../rewards/verdict.ts";
import type { ResolvedConfig } from "../../runs/config.ts";

/** Scores an episode about a task; never rejects. */
export type ItemScorer = (task: Task, trajectory: Trajectory) => Promise<ItemVerdict>;

type BenchmarkTasks = Extract<ResolvedConfig["tasks"], { readonly type: "benchmark" }>;

/** @throws ConfigError for a profile that the benchmark has no rules of */
export function checkProfile({ name, profile }: BenchmarkTasks): void {
  const { profiles } = scorers[name];
  if (!profiles.includes(profile))
    throw new ConfigError(
      `tasks.profile: ${name} has the rules of ${profiles.join(", ")}, not of ${JSON.stringify(profile)}`,
    );
}

/** @throws ConfigError as `checkProfile` */
export function benchmarkScorer(
  tasks: BenchmarkTasks,
  { maxAnswerChars }: ResolvedConfig["reward"],
  judge: ItemJudge | undefined,
): ItemScorer {
  checkProfile(tasks);
  const { name, profile } = tasks;
  const scorer = scorers[name];
  const options = { scorer, profile, maxAnswerChars, ...(judge !== undefined && { judge }) };
  return (task, trajectory) => scoreItem(task as Task & ScoredFields, trajectory, options);
}

export interface FileRules {
  readonly rule: RuleGrader;
  readonly formOf: (graded: Graded) => AnswerForm;
  /** Whether answers to this kind of task are numbers that get mean relative accuracy, in parts of a point. */
  readonly hasParts: (taskKind: string) => boolean;
}

export function fileScorer(
  { rule, formOf, hasParts }: FileRules,
  { maxAnswerChars }: ResolvedConfig["reward"],
  judge: ItemJudge | undefined,
): ItemScorer {
  return async ({ question, answer: truth, kind }, { endReason, answer }) => {
    if (endReason.type !== "answered" || answer === undefined || answer.trim() === "")
      return { score: 0, stage: "rule" };
    const compared = { extracted: answer };
    if (answer.length > maxAnswerChars) return { score: 0, stage: "rule", ...compared };
    const graded = { question, answer, truth, kind };
    // Nothing to compare with: neither a rule nor a judge could tell.
    if (truth.trim() === "") return { score: 0, stage: "none", ...compared };
    if (hasParts(kind)) return { score: relativeAccuracyOf(answer, truth), stage: "rule", ...compared };
    const verdict = rule(graded);
    if (verdict === "unknown") return judged(judge, graded, formOf(graded), answer);
    return { score: verdict === "right" ? 1 : 0, stage: "rule", ...compared };
  };
}
