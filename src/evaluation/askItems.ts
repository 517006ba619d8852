// Asks items and records what came of each: its trajectory goes to the store and a line about it into the records, then it is
// dropped. What one item does wrong (a damaged picture, an engine that gives up on it) costs that item and no other.
import { DataError, EngineError } from "../core/errors.ts";
import type { Task } from "../core/task.ts";
import type { Reward, ScoredTrajectory, Trajectory } from "../core/trajectory.ts";
import { type ItemVerdict, itemReward } from "../rewards/itemVerdict.ts";
import {
  answeredRecord,
  describeItem,
  type DescribedTask,
  type ItemRecord,
  lostRecord,
} from "./itemRecord.ts";
import type { ItemRecords } from "./itemRecords.ts";
import type { Unit } from "./schedule.ts";
import type { StoredAnswers } from "./storedAnswers.ts";

/** A task with its pictures, and which answer to it is wanted. */
export interface AskedTask {
  readonly task: Task;
  readonly repeat: number;
}

export interface AskOptions {
  /** @throws DataError when it cannot be read */
  readonly at: (position: number) => DescribedTask;
  /**
   * One episode of each, in their order; `onEnd` is told of each that has ended, by its place. May throw an EngineError, and a
   * DataError for media that cannot be shown.
   */
  readonly rollout: (
    asked: readonly AskedTask[],
    onEnd: (place: number) => void,
  ) => Promise<readonly Trajectory[]>;
  readonly score: (task: Task, trajectory: Trajectory) => Promise<ItemVerdict>;
  /** What each cell of an episode did. */
  readonly classify: (codes: readonly string[]) => readonly (readonly string[])[];
  readonly records: ItemRecords;
  readonly stored: StoredAnswers;
  /** Seconds, from any beginning. */
  readonly now: () => number;
  /** After each record. May throw to stop. */
  readonly onRecord: (record: ItemRecord) => void;
}

interface Held extends Unit {
  readonly original: DescribedTask;
  readonly task: Task;
}

const UNDECIDED: Reward = { total: 0, accuracy: undefined, toolCall: 0 };

/** Asks and records all of them. */
export async function askItems(units: readonly Unit[], options: AskOptions): Promise<void> {
  const { records, onRecord, now } = options;
  const begun = now();
  const add = (record: ItemRecord): void => {
    records.add(record);
    onRecord(record);
  };
  const held: Held[] = [];
  for (const unit of units) {
    const read = hold(unit, options);
    if ("error" in read) add(lostRecord(read.item, "unreadable", read.error, now() - begun));
    else held.push(read);
  }
  if (held.length > 0) await askHeld(held, options, begun, add);
}

type Read = Held | { readonly item: Parameters<typeof lostRecord>[0]; readonly error: string };

/** Decodes an item's pictures once, and looks for its videos. Without them it keeps its id, truth and labels. */
function hold({ position, repeat }: Unit, { at }: AskOptions): Read {
  let original: DescribedTask = unreadable(position);
  try {
    original = at(position);
    const { id, kind, question, answer, images, videos } = original;
    const task = { id, kind, question, answer, images, ...(videos !== undefined && { videos }) };
    return { position, repeat, original, task };
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return { item: describeItem(original, position, repeat), error: error.message };
  }
}

/** What is known of an item whose row cannot be read: no labels, by which aggregates know it. */
function unreadable(position: number): DescribedTask {
  return { id: `item-${position}`, kind: "unreadable", question: "", answer: "", images: [], labels: {} };
}

async function askHeld(
  held: readonly Held[],
  options: AskOptions,
  begun: number,
  add: (record: ItemRecord) => void,
): Promise<void> {
  const { now, rollout } = options;
  const ended = held.map(() => begun);
  let trajectories: readonly Trajectory[];
  try {
    trajectories = await rollout(held, (place) => (ended[place] = now()));
  } catch (error) {
    if (!(error instanceof DataError || error instanceof EngineError)) throw error;
    // Which of them it was is found by asking each by itself.
    if (held.length > 1) for (const one of held) await askHeld([one], options, now(), add);
    else add(lost(held[0] as Held, error, now() - begun));
    return;
  }
  const answers = await Promise.all(
    held.map(async (one, place) => {
      const trajectory = await withoutFailure(
        one,
        trajectories[place] as Trajectory,
        options,
        () => (ended[place] = now()),
      );
      const asked = (ended[place] as number) - begun;
      const scoring = now();
      const failed = trajectory.endReason.type === "sandboxFailure";
      const verdict: ItemVerdict = failed
        ? { score: 0, stage: "none" }
        : await options.score(one.original, trajectory);
      return { one, trajectory, verdict, seconds: asked + now() - scoring };
    }),
  );
  for (const { one, trajectory, verdict, seconds } of answers) {
    const failed = trajectory.endReason.type === "sandboxFailure";
    const reward = failed ? UNDECIDED : itemReward(verdict);
    const scored: ScoredTrajectory = { ...trajectory, member: one.repeat, reward };
    options.stored.add(scored);
    const item = describeItem(one.original, one.position, one.repeat);
    add(answeredRecord(item, trajectory, verdict, seconds, options.classify));
  }
}

/** An episode that the tool lost is played once more, by itself. */
async function withoutFailure(
  one: Held,
  trajectory: Trajectory,
  { rollout }: AskOptions,
  onEnd: () => void,
): Promise<Trajectory> {
  if (trajectory.endReason.type !== "sandboxFailure") return trajectory;
  try {
    const [again] = await rollout([one], onEnd);
    return again ?? trajectory;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return trajectory;
  }
}

function lost(one: Held, error: Error, seconds: number): ItemRecord {
  const item = describeItem(one.original, one.position, one.repeat);
  return lostRecord(item, error instanceof DataError ? "unreadable" : "failed", error.message, seconds);
}
