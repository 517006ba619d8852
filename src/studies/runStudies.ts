// Makes all runs of a plan that are not finished, side by side, and tells how far they are. What a killed study or run has left
// is gone on with; a run that fails is told of, and the others go on.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Progress, Reporter } from "../core/reporter.ts";
import { startRun, type RunningChild } from "./child.ts";
import type { StudyPlan, StudyRun } from "./grid.ts";
import { type RunOutcome, runPool } from "./pool.ts";
import type { Origin, StudyFolder } from "./runFolder.ts";

export interface RunStudiesOptions {
  readonly folder: StudyFolder;
  /** The program that is `pyvision`. */
  readonly main: string;
  readonly parallel: number;
  readonly origin: Origin;
  readonly reporter: Reporter;
  readonly stop: { readonly asked: boolean };
  /** Between two looks at the runs. */
  readonly pollMs?: number;
}

/** @returns how each run ended, by digest */
export async function runStudies(
  { runs }: StudyPlan,
  { folder, main, parallel, origin, reporter, stop, pollMs = 1000 }: RunStudiesOptions,
): Promise<ReadonlyMap<string, RunOutcome>> {
  const children = new Map<string, RunningChild & { readonly run: StudyRun; readonly progress: Progress }>();
  const finished = runs.filter((run) => folder.isFinished(run));
  const steps = new Map(runs.map((run) => [run.digest, stepsOf(folder, run)]));
  const sumOfSteps = (): number => [...steps.values()].reduce((total, value) => total + value, 0);
  const total = runs.reduce((n, run) => n + run.steps, 0);
  const all = reporter.start("all runs", total, "steps", sumOfSteps());
  let ended = finished.length;
  const look = (): void => {
    if (stop.asked) for (const child of children.values()) child.stop();
    for (const { run, progress } of children.values()) {
      steps.set(run.digest, stepsOf(folder, run));
      progress.update(steps.get(run.digest) ?? 0);
    }
    all.update(sumOfSteps(), `${ended} of ${runs.length} runs over, ${children.size} at work`);
  };
  const timer = setInterval(look, pollMs);
  try {
    return await runPool(
      runs.filter((run) => !finished.includes(run)),
      {
        parallel,
        done: finished.map(({ digest }) => digest),
        stopping: () => stop.asked,
        start: async (run) => {
          const before = steps.get(run.digest) ?? 0;
          folder.addOrigin(run.digest, origin);
          const progress = reporter.start(`${run.label} (${run.digest})`, run.steps, "steps", before);
          const child = startRun(run, folder, main, (signal) =>
            reporter.warn(`${run.label} (${run.digest}) was killed by ${signal}; going on with it`),
          );
          children.set(run.digest, { ...child, run, progress });
          const outcome = await child.outcome;
          look();
          children.delete(run.digest);
          progress.end(outcome.type);
          if (outcome.type === "done") ended++;
          if (outcome.type === "failed")
            reporter.warn(`${run.label} failed: ${outcome.reason} (${folder.logPath(run.digest)})`);
          look();
          return outcome;
        },
      },
    );
  } finally {
    clearInterval(timer);
    all.end(`${ended} of ${runs.length} runs over`);
  }
}

/** Whole lines of its metrics, which are its steps. */
function stepsOf(folder: StudyFolder, run: StudyRun): number {
  const path = join(folder.runDir(run.digest), "metrics.jsonl");
  if (!existsSync(path)) return folder.isFinished(run) ? run.steps : 0;
  const lines = readFileSync(path, "utf8").split("\n").length - 1;
  return Math.min(run.steps, lines);
}
