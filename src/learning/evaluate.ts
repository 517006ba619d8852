// Held-out results as data. A sample that could not be judged is counted apart, never as wrong. The report keeps every
// task's own result, so that two reports over the same tasks can be compared in pairs (see formatReport.ts).
// Numeric answers are scored by mean relative accuracy as well (VSI-Bench), which tells a near miss from a wild guess.
import type { EndReasonType, ScoredTrajectory } from "../core/trajectory.ts";
import { relativeAccuracyOf } from "../rewards/meanRelativeAccuracy.ts";
import { decidedAccuracy } from "./filters.ts";
import { mean, meanInterval, wilson } from "./statistics.ts";
import type { Interval } from "./statistics.ts";
import { countEndReasons, countTrajectory, sumOf } from "./trajectoryStats.ts";

export interface EvaluationSlice {
  readonly trajectories: number;
  /** Trajectories that could be judged; accuracy is over these. */
  readonly judged: number;
  readonly correct: number;
  /** In [0, 1]; absent when nothing could be judged. */
  readonly accuracy?: number;
  /** 95% Wilson interval, which takes trajectories for independent. */
  readonly interval?: Interval;
  /** Mean over the judged answers to questions of a numeric kind, in [0, 1]; no number counts 0. Absent without such. */
  readonly meanRelativeAccuracy?: number;
  /** Means per trajectory. */
  readonly toolCalls: number;
  readonly effectiveToolCalls: number;
  readonly turns: number;
  readonly sampledTokens: number;
  readonly visualTokens: number;
  /** 95% normal interval of `visualTokens`; absent for fewer than two trajectories. */
  readonly visualTokensInterval?: Interval;
  /** Of these, in the prompt. */
  readonly promptVisualTokens: number;
  /** Of these, shown by the model's own code. */
  readonly observedVisualTokens: number;
  /** Cells that raised, of all cells handed to Python; absent when there was no cell. */
  readonly pythonErrorRate?: number;
  readonly endReasons: Readonly<Record<EndReasonType, number>>;
}

export interface EvaluationReport {
  readonly overall: EvaluationSlice;
  /** By task kind, in alphabetical order. */
  readonly kinds: Readonly<Record<string, EvaluationSlice>>;
  /** Mean accuracy of each task's judged trajectories; tasks without any are absent. */
  readonly tasks: Readonly<Record<string, { readonly kind: string; readonly accuracy: number }>>;
}

/** @param isNumeric which task kinds are answered by a number that may be more or less near */
export function evaluateTrajectories(
  trajectories: readonly ScoredTrajectory[],
  isNumeric: (taskKind: string) => boolean = () => false,
): EvaluationReport {
  const evaluateSlice = (of: readonly ScoredTrajectory[]): EvaluationSlice => sliceOf(of, isNumeric);
  const kinds = [...new Set(trajectories.map((t) => t.taskKind))].sort();
  const judgedByTask = new Map<string, { kind: string; accuracies: number[] }>();
  for (const trajectory of trajectories) {
    const accuracy = decidedAccuracy(trajectory);
    if (accuracy === undefined) continue;
    const task = judgedByTask.get(trajectory.taskId) ?? { kind: trajectory.taskKind, accuracies: [] };
    task.accuracies.push(accuracy);
    judgedByTask.set(trajectory.taskId, task);
  }
  return {
    overall: evaluateSlice(trajectories),
    kinds: Object.fromEntries(
      kinds.map((kind) => [kind, evaluateSlice(trajectories.filter((t) => t.taskKind === kind))]),
    ),
    tasks: Object.fromEntries(
      [...judgedByTask].map(([id, { kind, accuracies }]) => [id, { kind, accuracy: mean(accuracies) ?? 0 }]),
    ),
  };
}

function sliceOf(
  trajectories: readonly ScoredTrajectory[],
  isNumeric: (taskKind: string) => boolean,
): EvaluationSlice {
  const accuracies = trajectories.map(decidedAccuracy).filter((a) => a !== undefined);
  const correct = sumOf(accuracies, (a) => a);
  const counts = trajectories.map(countTrajectory);
  const cells = sumOf(counts, (c) => c.cells);
  const accuracy = mean(accuracies);
  const interval = wilson(correct, accuracies.length);
  const numeric = trajectories.filter((t) => isNumeric(t.taskKind) && decidedAccuracy(t) !== undefined);
  const meanRelativeAccuracy = mean(numeric.map((t) => relativeAccuracyOf(t.answer ?? "", t.groundTruth)));
  const visualTokens = counts.map((c) => c.visualTokens);
  const visualTokensInterval = meanInterval(visualTokens);
  return {
    trajectories: trajectories.length,
    judged: accuracies.length,
    correct,
    ...(accuracy !== undefined && { accuracy }),
    ...(interval !== undefined && { interval }),
    ...(meanRelativeAccuracy !== undefined && { meanRelativeAccuracy }),
    toolCalls: mean(trajectories.map((t) => t.toolCalls)) ?? 0,
    effectiveToolCalls: mean(trajectories.map((t) => t.effectiveToolCalls)) ?? 0,
    turns: mean(counts.map((c) => c.turns)) ?? 0,
    sampledTokens: mean(counts.map((c) => c.sampledTokens)) ?? 0,
    visualTokens: mean(visualTokens) ?? 0,
    ...(visualTokensInterval !== undefined && { visualTokensInterval }),
    promptVisualTokens: mean(counts.map((c) => c.promptVisualTokens)) ?? 0,
    observedVisualTokens: mean(counts.map((c) => c.visualTokens - c.promptVisualTokens)) ?? 0,
    ...(cells > 0 && { pythonErrorRate: sumOf(counts, (c) => c.pythonErrors) / cells }),
    endReasons: countEndReasons(trajectories),
  };
}
