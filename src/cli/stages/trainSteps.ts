// The steps of a training run: the RL loop over the workbench's tasks and rollouts, and what each step leaves in the run
// directory.
import { type RlLoopState, rlLoop, type RlStepReport } from "../../learning/rlLoop.ts";
import type { Reporter } from "../../core/reporter.ts";
import type { SelectionOptions } from "../../learning/selection.ts";
import { taskOrder } from "../../learning/taskOrder.ts";
import { describeCollapse, newCollapseAlarm } from "../../runs/collapseAlarm.ts";
import type { ResolvedConfig } from "../../runs/config.ts";
import type { MetricsRecord } from "../../runs/metrics.ts";
import type { RunDirectory } from "../../runs/runDirectory.ts";
import { appendStrategy, strategyLogName, strategyStep } from "../../runs/strategyLog.ts";
import type { Trackers } from "../../runs/trackers/trackers.ts";
import { stepName } from "../../runs/trajectoryStore.ts";
import { saveFailedBatch } from "./failures.ts";
import { splitOptimizer } from "./optimizer.ts";
import type { Workbench } from "./workbench.ts";

interface Training {
  readonly bench: Workbench;
  readonly config: ResolvedConfig;
  readonly run: RunDirectory;
  readonly reporter: Reporter;
  readonly trackers: Trackers;
  readonly from: RlLoopState;
  /** Called when all that a step writes is written. */
  readonly stepDone: (state: RlLoopState) => Promise<void>;
}

export async function learn({
  bench,
  config,
  run,
  reporter,
  trackers,
  from,
  stepDone,
}: Training): Promise<void> {
  const { steps, maxStaleness } = config.train;
  const { concurrent } = config.agent;
  const { rolloutsPerPrompt: groupSize } = config.selection;
  const order = taskOrder(bench.tasks("train"), config.seed);
  // The cold start's demonstrations took the first tasks; every seed of RL walks its own stretch behind them.
  const first =
    config.sft.demonstrations +
    config.seed * steps * config.selection.genBatch * config.selection.maxGenBatches;
  const loop = rlLoop(
    {
      ...config.train,
      seed: config.seed,
      selection: selectionOf(config),
      ...(concurrent !== undefined && { maxGroupsInFlight: Math.max(1, Math.floor(concurrent / groupSize)) }),
      ...splitOptimizer(config.optimizer),
    },
    {
      engine: bench.engine,
      taskAt: (position) => order(first + position),
      rollout: (tasks, n, label) =>
        bench.rollout({ tasks, n, label, sampling: config.sampling, background: maxStaleness > 0 }),
      checkTaken: (groups, label) => bench.check(groups, label),
      saveFailed: (failed) => saveFailedBatch(run, failed),
      now: () => performance.now(),
    },
    from,
  );
  const progress = reporter.start("RL", steps, "steps", from.step);
  for await (const report of loop) {
    run.appendMetrics({ step: report.step, ...report.metrics });
    trackers.metrics({ step: report.step, ...report.metrics });
    trackers.rlStep(report.step, report.rollout.drawn);
    const name = stepName("train", report.step);
    const drawn = report.rollout.drawn.map((g) => g.group);
    const count = run.trajectories.save(name, drawn, config.logging.trajectoriesPerStep);
    const filters = selectionOf(config).filters;
    const strategy = strategyStep(report.step, report.rollout, filters, { name, count });
    appendStrategy(run.filePath(strategyLogName), strategy);
    for (const warning of stepWarnings(report, run.readMetrics())) reporter.warn(warning);
    progress.update(report.step, stepNote(report));
    await stepDone(report.state);
  }
  progress.end();
}

/** What the log warns of at a step. @param records of the run up to this step */
export function stepWarnings(
  { step, warnings }: Pick<RlStepReport, "step" | "warnings">,
  records: readonly MetricsRecord[],
): string[] {
  const collapse = newCollapseAlarm(records);
  const all = collapse === undefined ? warnings : [...warnings, describeCollapse(collapse)];
  return all.map((warning) => `step ${step}: ${warning}`);
}

function stepNote({ metrics }: RlStepReport): string {
  const show = (value: number | undefined, digits: number): string => value?.toFixed(digits) ?? "-";
  return (
    `accuracy ${show(metrics["accuracy/mean"], 2)}, tool calls ${show(metrics["tool_calls/mean"], 2)}, ` +
    `entropy ${show(metrics["train/entropy"], 3)}, ${show(metrics["time/step_s"], 1)} s`
  );
}

function selectionOf({ selection, advantage }: ResolvedConfig): SelectionOptions {
  return {
    trainGroups: selection.trainBatch,
    genBatch: selection.genBatch,
    groupSize: selection.rolloutsPerPrompt,
    maxGenBatches: selection.maxGenBatches,
    ranking: selection.ranking,
    filters: {
      keepEndReasons: selection.keepEndReasons,
      broken: selection.dropBroken ? "drop" : "keep",
      zeroVariance: selection.zeroVariance,
    },
    advantage,
  };
}
