// How long the runs that are still to be made will take, from what the study files say a step and a task cost.
import type { PlannedStudy, StudyPlan, StudyRun } from "./grid.ts";

/** Seconds of one run. */
export function runSeconds(run: StudyRun, { study: { cost } }: PlannedStudy): number {
  const step = { train: cost.step, pretrain: cost.pretrainStep, sft: cost.sftStep }[run.stage];
  return cost.start + run.steps * step + run.heldOutTasks * cost.heldOutTask;
}

/** Seconds until all of `runs` are made, so many side by side. */
export function planSeconds(plan: StudyPlan, runs: readonly StudyRun[], parallel: number): number {
  const total = runs.reduce((sum, run) => sum + runSeconds(run, studyOf(plan, run)), 0);
  const longest = Math.max(0, ...runs.map((run) => runSeconds(run, studyOf(plan, run))));
  return Math.max(longest, total / parallel);
}

/** The first study that asks for the run, or for one that starts from it. */
export function studyOf({ studies, runs }: StudyPlan, { digest }: StudyRun): PlannedStudy {
  const withUsers = (of: string): string[] => [
    of,
    ...runs.filter(({ needs }) => needs === of).flatMap((run) => withUsers(run.digest)),
  ];
  const users = withUsers(digest);
  const found = studies.find(({ arms }) =>
    arms.some((arm) => [...arm.runs.values()].some((d) => users.includes(d))),
  );
  if (found === undefined) throw new Error(`internal: no study asks for run ${digest}`);
  return found;
}
