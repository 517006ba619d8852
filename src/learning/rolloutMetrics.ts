// The metrics of one rollout step, over everything drawn: what the filters threw away belongs to the curve of what the
// policy does. Names and units are in metrics.ts.
import { decidedAccuracy } from "./filters.ts";
import { definedMetrics } from "./metrics.ts";
import type { RlMetrics } from "./metrics.ts";
import type { RolloutStepResult } from "./selection.ts";
import { mean } from "./statistics.ts";
import { countEndReasons, countTrajectory, sumOf } from "./trajectoryStats.ts";

export function rolloutMetrics({ drawn, samples, record, background }: RolloutStepResult): RlMetrics {
  const trajectories = drawn.flatMap(({ group }) => group.trajectories);
  const judged = trajectories.filter((t) => decidedAccuracy(t) !== undefined);
  const counts = trajectories.map(countTrajectory);
  const calls = (accuracy?: 0 | 1): number | undefined =>
    mean(
      trajectories
        .filter((t) => accuracy === undefined || decidedAccuracy(t) === accuracy)
        .map((t) => t.toolCalls),
    );
  const cells = sumOf(counts, (c) => c.cells);
  const sampledTokens = sumOf(counts, (c) => c.sampledTokens);
  const drawnSamples = drawn.flatMap(({ group, advantages_G }) =>
    group.trajectories.map((trajectory, i) => ({ trajectory, advantage: advantages_G[i] })),
  );
  return definedMetrics({
    "reward/mean": mean(judged.map((t) => t.reward.total)),
    "reward/std_mean": mean(drawn.map((g) => g.rewardStd)),
    "accuracy/mean": mean(judged.map((t) => decidedAccuracy(t) as number)),
    "accuracy/undecided": trajectories.length - judged.length,
    "advantage/correct_negative_share": correctNegativeShare(drawnSamples),
    "advantage/trained_correct_negative_share": correctNegativeShare(samples),
    "tool_calls/mean": calls(),
    "tool_calls/correct_mean": calls(1),
    "tool_calls/wrong_mean": calls(0),
    "tool_calls/effective_mean": mean(trajectories.map((t) => t.effectiveToolCalls)),
    "tool_calls/none_share": mean(trajectories.map((t) => (t.toolCalls === 0 ? 1 : 0))),
    "tool_calls/python_error_rate": share(
      sumOf(counts, (c) => c.pythonErrors),
      cells,
    ),
    "tool_calls/failure_rate": share(
      sumOf(counts, (c) => c.failures),
      cells,
    ),
    "response/tokens_mean": mean(counts.map((c) => c.sampledTokens)),
    "response/turns_mean": mean(counts.map((c) => c.turns)),
    "response/visual_tokens_mean": mean(counts.map((c) => c.visualTokens)),
    "response/visual_tokens_prompt_mean": mean(counts.map((c) => c.promptVisualTokens)),
    "response/visual_tokens_observed_mean": mean(counts.map((c) => c.visualTokens - c.promptVisualTokens)),
    "entropy/observed": share(
      sumOf(counts, (c) => -c.logprobSum),
      sampledTokens,
    ),
    "groups/prompts_drawn": record.promptsDrawn,
    "groups/batches_drawn": background === undefined ? record.batchesDrawn : undefined,
    "groups/surviving": record.groupsSurviving,
    "groups/rank_cut": record.rankCut,
    "groups/cap_hit": record.capHit ? 1 : 0,
    "groups/trained": record.groupsTrained,
    ...(background && {
      "groups/begun": background.begun,
      "groups/in_flight": background.inFlight,
      ...stalenessMetrics(samples),
    }),
    "trajectories/drawn": trajectories.length,
    "trajectories/trained": samples.length,
    ...prefixed("end/", countEndReasons(trajectories)),
    ...prefixed("groups/dropped/", record.droppedGroups),
    ...prefixed("trajectories/dropped/", record.droppedTrajectories),
  });
}

function stalenessMetrics(samples: RolloutStepResult["samples"]) {
  const ages = samples.map(({ staleness = 0 }) => staleness);
  return {
    "staleness/mean": mean(ages),
    "staleness/max": ages.length === 0 ? undefined : Math.max(...ages),
  };
}

/** Share of correct samples whose advantage is negative: trained away from a right answer. */
export function correctNegativeShare(
  samples: readonly {
    readonly trajectory: { readonly reward: { readonly accuracy: 0 | 1 | undefined } };
    readonly advantage: number | undefined;
  }[],
): number | undefined {
  const correct = samples.filter((s) => s.trajectory.reward.accuracy === 1 && s.advantage !== undefined);
  return mean(correct.map((s) => ((s.advantage as number) < 0 ? 1 : 0)));
}

function share(part: number, whole: number): number | undefined {
  return whole === 0 ? undefined : part / whole;
}

function prefixed<P extends string, K extends string>(
  prefix: P,
  counts: Readonly<Partial<Record<K, number>>>,
): Record<`${P}${K}`, number> {
  return Object.fromEntries(Object.entries(counts).map(([key, value]) => [prefix + key, value])) as Record<
    `${P}${K}`,
    number
  >;
}
