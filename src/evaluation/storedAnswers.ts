// The trajectories of an evaluation in the run's store, a line each, appended as they come so that none stays in memory. What
// was asked again stands there twice until the file is settled: each once, in the order of the items.
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { ScoredTrajectory } from "../core/trajectory.ts";
import type { TrajectoryStore } from "../runs/trajectoryStore.ts";

export interface StoredAnswers {
  /** After a kill the file is to be settled first: a line may have been cut off. */
  add(trajectory: ScoredTrajectory): void;
  /**
   * Leaves of each answer the line that was written last, and none that is not wanted.
   * @param order place of a task's n-th answer; undefined: not wanted
   */
  settle(order: (taskId: string, member: number) => number | undefined): void;
}

export const nothingStored: StoredAnswers = { add: () => undefined, settle: () => undefined };

/** @param name of the set in the store */
export function openStoredAnswers(store: TrajectoryStore, name: string): StoredAnswers {
  const path = join(store.path, `${name}.jsonl`);
  return {
    add: (trajectory) => {
      mkdirSync(store.path, { recursive: true });
      appendFileSync(path, `${store.toLine(trajectory)}\n`);
    },
    settle: (order) => {
      if (existsSync(path)) settleLines(path, order);
    },
  };
}

interface Range {
  readonly start: number;
  /** Without the newline. */
  readonly length: number;
  readonly whole: boolean;
}

const NEWLINE = 10;

function* lineRanges(file: number): Generator<Range> {
  const chunk = Buffer.allocUnsafe(1 << 20);
  let start = 0;
  let at = 0;
  for (let read; (read = readSync(file, chunk, 0, chunk.length, at)) > 0; at += read)
    for (
      let i = chunk.subarray(0, read).indexOf(NEWLINE);
      i >= 0;
      i = chunk.subarray(0, read).indexOf(NEWLINE, i + 1)
    ) {
      yield { start, length: at + i - start, whole: true };
      start = at + i + 1;
    }
  if (start < at) yield { start, length: at - start, whole: false };
}

function settleLines(path: string, order: (taskId: string, member: number) => number | undefined): void {
  const file = openSync(path, "r");
  const kept = new Map<number, Range>();
  const textOf = ({ start, length }: Range): Buffer => {
    const text = Buffer.allocUnsafe(length);
    readSync(file, text, 0, length, start);
    return text;
  };
  let lines = 0;
  let last = -1;
  let settled = true;
  const beside = `${path}.${process.pid}.tmp`;
  try {
    for (const range of lineRanges(file)) {
      lines++;
      const place = range.whole ? placeOf(textOf(range).toString("utf8"), order) : undefined;
      if (place === undefined || place <= last) settled = false;
      if (place === undefined) continue;
      kept.set(place, range);
      last = Math.max(last, place);
    }
    if (settled && kept.size === lines) return;
    const out = openSync(beside, "w");
    try {
      for (const [, range] of [...kept].sort(([a], [b]) => a - b)) {
        writeSync(out, textOf(range));
        writeSync(out, "\n");
      }
    } finally {
      closeSync(out);
    }
    renameSync(beside, path);
  } finally {
    closeSync(file);
    rmSync(beside, { force: true });
  }
}

function placeOf(
  line: string,
  order: (taskId: string, member: number) => number | undefined,
): number | undefined {
  try {
    const { taskId, member } = JSON.parse(line) as { readonly taskId: string; readonly member: number };
    return order(taskId, member);
  } catch {
    return undefined;
  }
}
