// The held-out evaluations of a training run. Trajectories are kept in memory and written when the run is over: while tasks
// of the held-out split are still to be asked, a run writes no file that holds their answers, which a program of the policy
// could find. What a checkpoint holds is reports alone.
//
// So a run that was killed has lost the trajectories that it kept. Those of the first evaluation are made anew at the end, from
// the weights the run began with, and compared with the report; those of evaluations on the way are left out, and it says so.
import type { Reporter } from "../../core/reporter.ts";
import type { ScoredTrajectory } from "../../core/trajectory.ts";
import type { EvaluationReport, EvaluationSlice } from "../../learning/evaluate.ts";
import type { ResolvedConfig } from "../../runs/config.ts";
import type { RunDirectory } from "../../runs/runDirectory.ts";
import { stepName } from "../../runs/trajectoryStore.ts";
import { evaluateHeldOut } from "./heldOut.ts";
import { reproducibilityOf } from "./reproducibility.ts";
import { groupsOf } from "./sft.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

/** Plain JSON. */
export interface TrainEvaluationState {
  readonly before: EvaluationReport;
  /** Steps after which there was an evaluation; 0 is the one before. */
  readonly steps: readonly number[];
  /** What came out, in order; checkpoints of older versions lack it. */
  readonly results?: readonly HeldOutPoint[];
}

/** Held-out figures over all tasks after so many steps. */
export interface HeldOutPoint {
  readonly step: number;
  readonly overall: EvaluationSlice;
}

interface Evaluated {
  readonly bench: Workbench;
  readonly config: ResolvedConfig;
  readonly reporter: Reporter;
  /** Called between rounds; throws to stop. */
  readonly check: () => void;
}

export class TrainEvaluations {
  /** The first few of each, to look at. */
  private readonly kept = new Map<number, readonly ScoredTrajectory[]>();
  private readonly steps: number[];
  private readonly points: HeldOutPoint[];
  private first: EvaluationReport | undefined;

  constructor(
    private readonly of: Evaluated,
    from: TrainEvaluationState | undefined,
  ) {
    this.steps = [...(from?.steps ?? [])];
    this.points = [...(from?.results ?? [])];
    this.first = from?.before;
  }

  /** Of the weights that training begins with; not asked again in a run that goes on. */
  async before(): Promise<EvaluationReport> {
    return (this.first ??= await this.at(0));
  }

  /** As often as `train.evaluateEvery` says; the last step has its own. */
  async during(step: number): Promise<void> {
    const { evaluateEvery, steps } = this.of.config.train;
    if (evaluateEvery > 0 && step % evaluateEvery === 0 && step < steps) await this.at(step);
  }

  /** @param step steps done */
  async at(step: number): Promise<EvaluationReport> {
    const { bench, config, reporter, check } = this.of;
    const label = step === 0 ? "before RL" : `after ${step} steps`;
    const { report, trajectories } = await evaluateHeldOut(bench, config, label, reporter, { check });
    this.kept.set(step, trajectories.slice(0, config.logging.trajectoriesPerStep));
    this.steps.push(step);
    this.points.push({ step, overall: report.overall });
    reporter.info(
      `${label}: accuracy ${((report.overall.accuracy ?? NaN) * 100).toFixed(1)}% on held-out tasks`,
    );
    return report;
  }

  state(): TrainEvaluationState {
    if (this.first === undefined) throw new Error("internal: a state before the first evaluation");
    return { before: this.first, steps: [...this.steps], results: this.results() };
  }

  /** Of all evaluations so far, in order of steps. */
  results(): readonly HeldOutPoint[] {
    return [...this.points];
  }

  /** Writes what was kept. Only when no task is to be asked any more. @param init the weights the run began with */
  async store(run: RunDirectory, init: string | undefined): Promise<void> {
    const { config, reporter } = this.of;
    const lost = this.steps.filter((step) => !this.kept.has(step));
    if (config.logging.trajectoriesPerStep > 0 && lost.includes(0)) {
      const again = await this.again(init);
      if (again !== undefined) this.kept.set(0, again);
    }
    const left = lost.filter((step) => !this.kept.has(step));
    if (left.length > 0)
      reporter.info(
        `trajectories of the evaluations after steps ${left.join(", ")} were lost when the run was interrupted; their ` +
          "results are not",
      );
    for (const [step, trajectories] of this.kept)
      run.trajectories.save(stepName("evaluation", step), groupsOf(trajectories));
  }

  /** The first trajectories of the first evaluation; undefined when they would not be the same. */
  private async again(init: string | undefined): Promise<readonly ScoredTrajectory[] | undefined> {
    const { config, reporter, check } = this.of;
    if (!reproducibilityOf(config).reproducible) return undefined;
    const { concurrent, tasks } = config.evaluation;
    const { trajectoriesPerStep } = config.logging;
    // Whole chunks, so that the same batches are computed.
    const evaluation = {
      ...config.evaluation,
      tasks: Math.min(tasks, Math.ceil(trajectoriesPerStep / concurrent) * concurrent),
    };
    const bench = await openWorkbench(config, init, "model.init", reporter);
    try {
      const label = "the first evaluation's trajectories, made again";
      const { report, trajectories } = await evaluateHeldOut(
        bench,
        { ...config, evaluation },
        label,
        reporter,
        {
          check,
        },
      );
      const same = Object.entries(report.tasks).every(
        ([id, { accuracy }]) => this.first?.tasks[id]?.accuracy === accuracy,
      );
      if (same) return trajectories.slice(0, trajectoriesPerStep);
      reporter.warn("the first evaluation does not come out as it did: has model.init changed since?");
      return undefined;
    } finally {
      await bench.close();
    }
  }
}

/** What a judge was asked, with its model. */
export type Judged = NonNullable<ReturnType<Workbench["judged"]>>;

/** What it was asked before and after an interruption. */
export function sumOfJudged(before: Judged | undefined, now: Judged | undefined): Judged | undefined {
  if (before === undefined || now === undefined) return now ?? before;
  const { model, ...counts } = now;
  const sums = Object.entries(counts).map(([key, count]) => [
    key,
    count + before[key as keyof typeof counts],
  ]);
  return { model, ...(Object.fromEntries(sums) as typeof counts) };
}
