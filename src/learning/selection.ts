// The rollout strategy of the method (arXiv 2602.20739): oversample → filter → rank, to be read from top to bottom. Groups that
// are collected in the background (backgroundGroups.ts) are filtered and ranked by the same functions.
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
  /** It survived the filters, but too many updates had been made since its sampling began. */
  readonly stale?: boolean;
}

/** A group behind the filters. */
export interface SiftedGroup extends AdvantagedGroup {
  /** Why nothing of it is left. */
  readonly dropped: GroupDropReason | undefined;
  /** Trajectories taken out of it, when it passed the variance test. */
  readonly droppedTrajectories: readonly TrajectoryDropReason[];
  /** What may be trained on; empty when it is dropped. */
  readonly samples: readonly TrainingSample[];
}

/** What happened to the prompts of one step. Counts of groups, except where "trajectories" is said. */
export interface SelectionRecord {
  readonly promptsDrawn: number;
  /** 0 when prompts are drawn one at a time. */
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
  /** Of groups collected in the background. */
  readonly background?: {
    /** Groups begun since the step before had its own. */
    readonly begun: number;
    /** Groups begun whose fate a later step decides. */
    readonly inFlight: number;
  };
}

export interface RolloutStepDependencies {
  /** The next prompts; called once a batch. */
  draw(count: number): readonly Task[];
  rollout(tasks: readonly Task[], n: number, label: string): Promise<readonly TrajectoryGroup[]>;
}

/** @param label names the step in the rollouts' random streams; batch b of it is `${label}/${b}`. */
export async function rolloutStep(
  options: SelectionOptions,
  { draw, rollout }: RolloutStepDependencies,
  label: string,
): Promise<RolloutStepResult> {
  const drawn: SiftedGroup[] = [];
  let batchesDrawn = 0;
  while (amountOf(drawn, options) < options.trainGroups && batchesDrawn < options.maxGenBatches) {
    // 1. Oversample, with advantages over whole groups. 2. Filter.
    const groups = await rollout(draw(options.genBatch), options.groupSize, `${label}/${batchesDrawn}`);
    batchesDrawn++;
    drawn.push(...groups.map((group) => siftGroup(group, options)));
  }
  return selectRanked(drawn, options, batchesDrawn);
}

/** Drops groups without variance, then broken trajectories. */
export function siftGroup(group: TrajectoryGroup, options: SelectionOptions): SiftedGroup {
  const { filters } = options;
  const advantaged = withAdvantages(group, options.advantage);
  const reason = groupDropReason(group, filters.zeroVariance);
  if (reason !== undefined) return { ...advantaged, dropped: reason, droppedTrajectories: [], samples: [] };
  const droppedTrajectories: TrajectoryDropReason[] = [];
  const samples: TrainingSample[] = [];
  group.trajectories.forEach((trajectory, i) => {
    const broken = trajectoryDropReason(trajectory, filters);
    const advantage = advantaged.advantages_G[i];
    if (broken !== undefined) droppedTrajectories.push(broken);
    else if (advantage !== undefined) samples.push({ trajectory, advantage });
  });
  const dropped = samples.length === 0 ? "nothingLeft" : undefined;
  return { ...advantaged, dropped, droppedTrajectories, samples };
}

/** What the groups come to of the `trainGroups` that a step wants; with ranking "sample", whole groups' worth of samples. */
export function amountOf(
  groups: readonly SiftedGroup[],
  { ranking, groupSize }: Pick<SelectionOptions, "ranking" | "groupSize">,
): number {
  const survivors = groups.filter(({ dropped }) => dropped === undefined);
  return ranking === "sample"
    ? survivors.reduce((n, { samples }) => n + samples.length, 0) / groupSize
    : survivors.length;
}

/** 3. Rank by the group's reward deviation, highest first, and cut; Array.sort is stable, so ties keep their order. */
export function selectRanked(
  drawn: readonly SiftedGroup[],
  options: SelectionOptions,
  batchesDrawn: number,
): RolloutStepResult {
  const { trainGroups, groupSize, ranking } = options;
  const survivors = drawn.filter(({ dropped }) => dropped === undefined);
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
    promptsDrawn: drawn.length,
    batchesDrawn,
    groupsSurviving: survivors.length,
    droppedGroups: countOf(drawn.flatMap(({ dropped }) => dropped ?? [])),
    droppedTrajectories: countOf(drawn.flatMap((group) => group.droppedTrajectories)),
    capHit: amountOf(drawn, options) < trainGroups,
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

function countOf<K extends string>(reasons: readonly K[]): Partial<Record<K, number>> {
  const counts: Partial<Record<K, number>> = {};
  for (const reason of reasons) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}
