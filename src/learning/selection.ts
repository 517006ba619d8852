// The rollout strategy of the method (arXiv 2602.20739): oversample → filter → rank, to be read from top to bottom.
// Where it differs from the reference implementation, a switch gives the reference's behaviour back: groups are ranked
// and kept whole ("sample" sorts single trajectories, so that ties split groups), and the number of prompt batches has
// a cap, beyond which the step trains on what there is.
import type { Task } from "../core/task.ts";
import type { ScoredTrajectory, TrajectoryGroup } from "../core/trajectory.ts";
import { groupAdvantages } from "./advantages.ts";
import type { AdvantageOptions } from "./advantages.ts";
import { decidedAccuracy, groupDropReason, trajectoryDropReason } from "./filters.ts";
import type { FilterOptions, GroupDropReason, TrajectoryDropReason } from "./filters.ts";
import { std } from "./statistics.ts";

export interface SelectionOptions {
  /** Groups an update is made from. */
  readonly trainGroups: number;
  /** Prompts drawn at a time. */
  readonly genBatch: number;
  /** Rollouts of each prompt. */
  readonly groupSize: number;
  /** Prompt batches a step may draw. */
  readonly maxGenBatches: number;
  readonly ranking: "group" | "sample" | "off";
  readonly filters: FilterOptions;
  readonly advantage: AdvantageOptions;
}

/** A trajectory with the advantage its tokens are trained with. */
export interface TrainingSample {
  readonly trajectory: ScoredTrajectory;
  readonly advantage: number;
  /** Updates made since its sampling began. Default: 0. */
  readonly staleness?: number;
}

/** A group whose advantages are known; `advantages_G[i]` is undefined where trajectory i could not be judged. */
export interface AdvantagedGroup {
  readonly group: TrajectoryGroup;
  readonly advantages_G: readonly (number | undefined)[];
  /** Population standard deviation of the judged members' total rewards; what groups are ranked by. */
  readonly rewardStd: number;
}

/** What happened to the prompts of one step. Counts of groups, except where "trajectories" is said. */
export interface SelectionRecord {
  readonly promptsDrawn: number;
  readonly batchesDrawn: number;
  readonly groupsSurviving: number;
  readonly droppedGroups: Readonly<Partial<Record<GroupDropReason, number>>>;
  /** Trajectories taken out of groups that passed the variance test. */
  readonly droppedTrajectories: Readonly<Partial<Record<TrajectoryDropReason, number>>>;
  /** The cap on batches was reached with fewer survivors than trainGroups. */
  readonly capHit: boolean;
  /** Survivors cut by rank: groups, or trajectories with ranking "sample". */
  readonly rankCut: number;
  /** Groups with at least one sample trained on. */
  readonly groupsTrained: number;
}

export interface RolloutStepResult {
  /** What is trained on, grouped by rank. */
  readonly samples: readonly TrainingSample[];
  /** Every group drawn, for metrics and logs. */
  readonly drawn: readonly AdvantagedGroup[];
  readonly record: SelectionRecord;
}

export interface RolloutStepDependencies {
  /** The next prompts; called once a batch. */
  draw(count: number): readonly Task[];
  rollout(tasks: readonly Task[], n: number, label: string): Promise<readonly TrajectoryGroup[]>;
}

interface Survivor {
  readonly rewardStd: number;
  readonly samples: readonly TrainingSample[];
}

/** @param label names the step in the rollouts' random streams; batch b of it is `${label}/${b}`. */
export async function rolloutStep(
  options: SelectionOptions,
  { draw, rollout }: RolloutStepDependencies,
  label: string,
): Promise<RolloutStepResult> {
  const { trainGroups, genBatch, groupSize, maxGenBatches, filters, ranking } = options;
  const drawn: AdvantagedGroup[] = [];
  const survivors: Survivor[] = [];
  const droppedGroups: Partial<Record<GroupDropReason, number>> = {};
  const droppedTrajectories: Partial<Record<TrajectoryDropReason, number>> = {};
  let promptsDrawn = 0;
  let batchesDrawn = 0;

  const enough = (): boolean =>
    ranking === "sample"
      ? survivors.reduce((n, s) => n + s.samples.length, 0) >= trainGroups * groupSize
      : survivors.length >= trainGroups;

  while (!enough() && batchesDrawn < maxGenBatches) {
    // 1. Oversample, with advantages over whole groups.
    const tasks = draw(genBatch);
    const groups = await rollout(tasks, groupSize, `${label}/${batchesDrawn}`);
    const batch = groups.map((group) => withAdvantages(group, options.advantage));
    promptsDrawn += tasks.length;
    batchesDrawn++;
    drawn.push(...batch);

    // 2. Filter: groups without variance, then broken trajectories.
    for (const advantaged of batch) {
      const reason = groupDropReason(advantaged.group, filters.zeroVariance);
      if (reason !== undefined) {
        count(droppedGroups, reason);
        continue;
      }
      const samples: TrainingSample[] = [];
      advantaged.group.trajectories.forEach((trajectory, i) => {
        const broken = trajectoryDropReason(trajectory, filters);
        const advantage = advantaged.advantages_G[i];
        if (broken !== undefined) count(droppedTrajectories, broken);
        else if (advantage !== undefined) samples.push({ trajectory, advantage });
      });
      if (samples.length === 0) count(droppedGroups, "nothingLeft");
      else survivors.push({ rewardStd: advantaged.rewardStd, samples });
    }
  }

  // 3. Rank by the group's reward deviation, highest first; Array.sort is stable, so ties keep their order.
  const ranked =
    ranking === "off" ? survivors : [...survivors].sort((left, right) => right.rewardStd - left.rewardStd);
  const samples =
    ranking === "sample"
      ? ranked.flatMap((s) => s.samples).slice(0, trainGroups * groupSize)
      : ranked.slice(0, trainGroups).flatMap((s) => s.samples);
  const rankCut =
    ranking === "sample"
      ? survivors.reduce((n, s) => n + s.samples.length, 0) - samples.length
      : Math.max(0, survivors.length - trainGroups);

  const taken = new Set(samples);
  const record: SelectionRecord = {
    promptsDrawn,
    batchesDrawn,
    groupsSurviving: survivors.length,
    droppedGroups,
    droppedTrajectories,
    capHit: !enough(),
    rankCut,
    groupsTrained: survivors.filter((s) => s.samples.some((sample) => taken.has(sample))).length,
  };
  return { samples, drawn, record };
}

export function withAdvantages(group: TrajectoryGroup, options: AdvantageOptions): AdvantagedGroup {
  const rewards_G = group.trajectories.map((t) => t.reward.total);
  const accuracies_G = group.trajectories.map(decidedAccuracy);
  const advantages_G = groupAdvantages(rewards_G, { ...options, accuracies_G });
  const rewardStd = std(rewards_G.filter((_, i) => accuracies_G[i] !== undefined)) ?? 0;
  return { group, advantages_G, rewardStd };
}

function count<K extends string>(counts: Partial<Record<K, number>>, reason: K): void {
  counts[reason] = (counts[reason] ?? 0) + 1;
}
