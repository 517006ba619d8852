// What one trajectory amounts to in numbers; the RL metrics and the evaluation count the same way.
import type { EndReasonType, Trajectory } from "../core/trajectory.ts";
import { endReasonTypes } from "./filters.ts";

export interface TrajectoryCounts {
  readonly sampledTokens: number;
  /** Sum of ln p over sampled tokens; minus its mean estimates the entropy the policy sampled with. */
  readonly logprobSum: number;
  /** Image placeholder tokens in the context, of prompt and observations. */
  readonly visualTokens: number;
  readonly turns: number;
  /** Cells handed to Python, whatever came of them. */
  readonly cells: number;
  /** Cells that raised. */
  readonly pythonErrors: number;
  /** Cells that ended neither well nor by raising: deadline, memory, output, killed, forbidden. */
  readonly failures: number;
}

export function countTrajectory({ segments, turns }: Trajectory): TrajectoryCounts {
  const counts = { sampledTokens: 0, logprobSum: 0, visualTokens: 0, cells: 0, pythonErrors: 0, failures: 0 };
  for (const segment of segments) {
    if (segment.type === "image") counts.visualTokens += segment.image.tokenCount;
    if (segment.type !== "sampled") continue;
    counts.sampledTokens += segment.tokens.length;
    counts.logprobSum += segment.logprobs.reduce((sum, value) => sum + value, 0);
  }
  for (const { tool } of turns) {
    if (tool === undefined) continue;
    counts.cells++;
    if (tool.outcome.type === "pythonError") counts.pythonErrors++;
    else if (tool.outcome.type !== "ok") counts.failures++;
  }
  return { ...counts, turns: turns.length };
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
