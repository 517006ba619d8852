// An evaluation that is not over: one line a task in NAME.unfinished, written as the task is answered, under a first line
// that says what is evaluated. Whoever evaluates the same goes on with it; it is removed when everything has been answered.
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { ScoredTrajectory } from "../core/trajectory.ts";
import { writeFileAtomic } from "./files.ts";
import type { TrajectoryStore } from "./trajectoryStore.ts";

export interface OpenedRecords {
  /** Tasks that are recorded. */
  readonly size: number;
  get(position: number): ScoredTrajectory | undefined;
  add(position: number, trajectory: ScoredTrajectory): void;
  /** The evaluation is over and stored elsewhere. */
  remove(): void;
}

/**
 * @param store keeps the pictures; its folder exists when something is added
 * @param what all that answers depend on, the weights included; records of anything else are dropped
 * @param onDropped told why records are not used
 */
export function openHeldOutRecords(
  store: TrajectoryStore,
  name: string,
  what: unknown,
  onDropped: (reason: string) => void,
): OpenedRecords {
  const path = join(store.path, `${name}.unfinished`);
  const head = JSON.stringify({ version: 1, of: digest(JSON.stringify(what)) });
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
  const same = lines[0] === head;
  if (lines.length > 0 && !same)
    onDropped(`${path} is of other weights or another config, and is begun anew`);
  const known = new Map<number, ScoredTrajectory>();
  const whole = [head];
  for (const line of same ? lines.slice(1) : []) {
    try {
      const [, position, sum, text] = /^(\d+) ([0-9a-f]{16}) (.*)$/.exec(line) ?? [];
      if (text === undefined || digest(text) !== sum) throw new Error("a line is not what was written");
      known.set(Number(position), store.fromLine(text) as ScoredTrajectory);
      whole.push(line);
    } catch (error) {
      onDropped(`${path}: ${(error as Error).message}; that task is asked again`);
    }
  }
  let begun = false; // the first line written drops what is damaged or cut off
  return {
    size: known.size,
    get: (position) => known.get(position),
    add: (position, trajectory) => {
      const text = store.toLine(trajectory);
      const line = `${position} ${digest(text)} ${text}`;
      if (begun) appendFileSync(path, `${line}\n`);
      else writeFileAtomic(path, [...whole, line, ""].join("\n"));
      begun = true;
      known.set(position, trajectory);
    },
    remove: () => rmSync(path, { force: true }),
  };
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
