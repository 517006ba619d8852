// What one trajectory amounts to in numbers; the RL metrics and the evaluation count the same way.
import { sampledTokens, visualTokens } from "../agent/tokenCounts.ts";
import type { EndReasonType, Trajectory } from "../core/trajectory.ts";
import { endReasonTypes } from "./filters.ts";

export interface TrajectoryCounts {
  readonly sampledTokens: number;
  /** Sum of ln p over sampled tokens; minus its mean estimates the entropy the policy sampled with. */
  readonly logprobSum: number;
  /** Image placeholder tokens in the context. */
  readonly visualTokens: number;
  /** Of these, in the prompt; the others came with observations. */
  readonly promptVisualTokens: number;
  readonly turns: number;
  /** Cells handed to Python, whatever came of them. */
  readonly cells: number;
  /** Cells that raised. */
  readonly pythonErrors: number;
  /** Cells that ended neither well nor by raising: deadline, memory, output, killed, forbidden. */
  readonly failures: number;
}

export function countTrajectory(trajectory: Trajectory): TrajectoryCounts {
  const { segments, turns } = trajectory;
  const visual = visualTokens(trajectory);
  const counts = { cells: 0, pythonErrors: 0, failures: 0 };
  for (const { tool } of turns) {
    if (tool === undefined) continue;
    counts.cells++;
    if (tool.outcome.type === "pythonError") counts.pythonErrors++;
    else if (tool.outcome.type !== "ok") counts.failures++;
  }
  return {
    sampledTokens: sampledTokens(trajectory),
    logprobSum: sumOf(segments, (s) => (s.type === "sampled" ? sumOf(s.logprobs, (logprob) => logprob) : 0)),
    visualTokens: visual.all,
    promptVisualTokens: visual.prompt,
    turns: turns.length,
    ...counts,
  };
}

/** Every end reason with its count, zeros included. */
export function countEndReasons(trajectories: readonly Trajectory[]): Record<EndReasonType, number> {
  const counts = Object.fromEntries(endReasonTypes.map((type) => [type, 0])) as Record<EndReasonType, number>;
  for (const { endReason } of trajectories) counts[endReason.type]++;
  return counts;
}

export function sumOf<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((sum, item) => sum + value(item), 0);
}
