// What the rollout strategy did in each training step, one line a step in strategy.jsonl: every drawn group with every
// member's figures and fate, whether or not its trajectory is stored in full. Written for a viewer, so the heads of the
// lines (what happened to how many) can be read without the groups, and a step is found by its place in the file.
//
// A line is a head, then `"groups"` as its last key. Per-member figures stand in columns, which halves the file: 500
// steps of 512 trajectories take about 20 MB.
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import type { ScoredTrajectory } from "../core/trajectory.ts";
import {
  groupDropReason,
  trajectoryDropReason,
  type FilterOptions,
  type GroupDropReason,
  type TrajectoryDropReason,
} from "../learning/filters.ts";
import type { AdvantagedGroup, RolloutStepResult, SelectionRecord } from "../learning/selection.ts";
import { countTrajectory } from "../learning/trajectoryStats.ts";
import { writeFileAtomic } from "./files.ts";

export const strategyLogName = "strategy.jsonl";

/** `rankCut`: it survived the filters, but others ranked higher. */
export type GroupFate = "trained" | "rankCut" | GroupDropReason;

/** A member of a dropped group has the group's reason; a broken member of any other group has its own. */
export type MemberFate = GroupFate | TrajectoryDropReason;

export interface StoredTrajectories {
  /** As in TrajectoryStore.save. */
  readonly name: string;
  /** The first so many of the step's trajectories, in the order drawn, are stored under that name. */
  readonly count: number;
}

export interface StrategyHead {
  readonly version: 1;
  readonly step: number;
  readonly record: SelectionRecord;
  /** Trajectories drawn. */
  readonly trajectories: number;
  readonly groupFates: Readonly<Partial<Record<GroupFate, number>>>;
  readonly memberFates: Readonly<Partial<Record<MemberFate, number>>>;
  readonly stored: StoredTrajectories;
}

/** One group; the arrays have one entry a member, in the members' order. */
export interface StrategyGroup {
  readonly task: string;
  readonly kind: string;
  /** The first 100 characters. */
  readonly question: string;
  /** Population standard deviation of the judged members' total rewards; what groups are ranked by. */
  readonly spread: number;
  readonly fate: GroupFate;
  readonly member: readonly number[];
  /** Total rewards. */
  readonly reward: readonly number[];
  /** null: undecided. */
  readonly accuracy: readonly (0 | 1 | null)[];
  readonly calls: readonly number[];
  readonly effective: readonly number[];
  /** Cells that raised. */
  readonly errors: readonly number[];
  readonly turns: readonly number[];
  /** Sampled tokens. */
  readonly tokens: readonly number[];
  /** End reasons. */
  readonly end: readonly string[];
  /** null: none, since the trajectory could not be judged. */
  readonly advantage: readonly (number | null)[];
  readonly fates: readonly MemberFate[];
}

export interface StrategyStep extends StrategyHead {
  readonly groups: readonly StrategyGroup[];
}

/**
 * The record of one step.
 * @param filters those that the step was selected with
 * @param stored what the trajectory store kept of the step
 */
export function strategyStep(
  step: number,
  { drawn, samples, record }: Pick<RolloutStepResult, "drawn" | "samples" | "record">,
  filters: FilterOptions,
  stored: StoredTrajectories,
): StrategyStep {
  const trained = new Set(samples.map(({ trajectory }) => trajectory));
  const groups = drawn.map((advantaged) => strategyGroup(advantaged, trained, filters));
  return {
    version: 1,
    step,
    record,
    trajectories: groups.reduce((n, group) => n + group.member.length, 0),
    groupFates: countOf(groups.map(({ fate }) => fate)),
    memberFates: countOf(groups.flatMap(({ fates }) => fates)),
    stored,
    groups,
  };
}

/** Without its newline. The head comes first and `groups` last, which `headOfLine` relies on. */
export function strategyLine({ groups, ...head }: StrategyStep): string {
  return JSON.stringify({ ...head, groups });
}

export function appendStrategy(path: string, step: StrategyStep): void {
  appendFileSync(path, `${strategyLine(step)}\n`);
}

/**
 * Drops the lines of steps after `lastStep` and a cut last line: what a resumed run does before it takes these steps
 * again. A reader that finds a step twice takes the later line, so that forgetting this loses nothing.
 */
export function truncateStrategy(path: string, lastStep: number): void {
  if (!existsSync(path)) return;
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  const kept = lines.filter((line) => {
    const step = stepOfLine(line);
    return step !== undefined && step <= lastStep;
  });
  writeFileAtomic(path, kept.map((line) => `${line}\n`).join(""));
}

/** The step that a line is of, from its first bytes; undefined when it is no line of this file. */
export function stepOfLine(line: string): number | undefined {
  const step = /^\{"version":1,"step":(\d+),/.exec(line.slice(0, 48))?.[1];
  return step === undefined ? undefined : Number(step);
}

function strategyGroup(
  { group, advantages_G, rewardStd, stale = false }: AdvantagedGroup,
  trained: ReadonlySet<ScoredTrajectory>,
  filters: FilterOptions,
): StrategyGroup {
  const { trajectories } = group;
  const broken_G = trajectories.map((trajectory) => trajectoryDropReason(trajectory, filters));
  const dropped =
    groupDropReason(group, filters.zeroVariance) ??
    (broken_G.every((reason) => reason !== undefined) ? "nothingLeft" : stale ? "stale" : undefined);
  const fate: GroupFate =
    dropped ?? (trajectories.some((trajectory) => trained.has(trajectory)) ? "trained" : "rankCut");
  const counts = trajectories.map(countTrajectory);
  return {
    task: group.taskId,
    kind: group.taskKind,
    question: firstCharacters(trajectories[0]?.question ?? ""),
    spread: sixDigits(rewardStd),
    fate,
    member: trajectories.map(({ member }) => member),
    reward: trajectories.map(({ reward }) => sixDigits(reward.total)),
    accuracy: trajectories.map(({ reward }) => reward.accuracy ?? null),
    calls: trajectories.map(({ toolCalls }) => toolCalls),
    effective: trajectories.map(({ effectiveToolCalls }) => effectiveToolCalls),
    errors: counts.map(({ pythonErrors }) => pythonErrors),
    turns: counts.map(({ turns }) => turns),
    tokens: counts.map(({ sampledTokens }) => sampledTokens),
    end: trajectories.map(({ endReason }) => endReason.type),
    advantage: advantages_G.map((advantage) => (advantage === undefined ? null : sixDigits(advantage))),
    fates: trajectories.map((trajectory, i): MemberFate => {
      if (trained.has(trajectory)) return "trained";
      if (dropped !== undefined && dropped !== "nothingLeft") return dropped;
      return broken_G[i] ?? "rankCut";
    }),
  };
}

function countOf<K extends string>(names: readonly K[]): Partial<Record<K, number>> {
  const counts: Partial<Record<K, number>> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** Never half of a surrogate pair, which JSON would carry but UTF-8 cannot. */
function firstCharacters(text: string): string {
  return [...text.slice(0, 200)].slice(0, 100).join("");
}

function sixDigits(value: number): number {
  return Number(value.toPrecision(6));
}
