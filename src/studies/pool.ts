// Runs side by side, as many as are allowed, each when what it needs is done. A run that fails takes those with it that need
// it, and no other.
import type { StudyRun } from "./grid.ts";

export type RunOutcome =
  | { readonly type: "done" }
  | { readonly type: "failed"; readonly reason: string }
  /** Asked to stop: neither. */
  | { readonly type: "stopped" };

export interface PoolOptions {
  readonly parallel: number;
  /** Digests of what others may need and is there already. */
  readonly done?: readonly string[];
  /** Whether to begin no more. */
  readonly stopping: () => boolean;
  /** Must not reject. */
  readonly start: (run: StudyRun) => Promise<RunOutcome>;
}

/** @returns the outcome of every run and of what was done before, by digest; with a stop some are "stopped" that were never begun */
export async function runPool(
  runs: readonly StudyRun[],
  { parallel, done = [], stopping, start }: PoolOptions,
): Promise<ReadonlyMap<string, RunOutcome>> {
  const outcomes = new Map<string, RunOutcome>(done.map((digest) => [digest, { type: "done" }]));
  const waiting = [...runs];
  const running = new Map<string, Promise<void>>();
  const begin = (run: StudyRun): void => {
    const work = start(run).then((outcome) => {
      outcomes.set(run.digest, outcome);
      running.delete(run.digest);
    });
    running.set(run.digest, work);
  };
  const settle = (run: StudyRun, outcome: RunOutcome): void => {
    waiting.splice(waiting.indexOf(run), 1);
    outcomes.set(run.digest, outcome);
  };
  for (;;) {
    for (const run of [...waiting]) {
      const needed = run.needs === undefined ? undefined : outcomes.get(run.needs);
      if (stopping() || needed?.type === "stopped") settle(run, { type: "stopped" });
      else if (needed?.type === "failed")
        settle(run, { type: "failed", reason: `it starts from run ${run.needs ?? ""}, which failed` });
      else if (running.size < parallel && (run.needs === undefined || needed?.type === "done")) {
        waiting.splice(waiting.indexOf(run), 1);
        begin(run);
      }
    }
    if (running.size === 0) {
      if (waiting.length === 0) return outcomes;
      throw new Error(
        `internal: runs wait for runs that are not planned: ${waiting.map((r) => r.needs).join(", ")}`,
      );
    }
    await Promise.race(running.values());
  }
}
