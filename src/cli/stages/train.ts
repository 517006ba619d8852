// `train`: reinforcement learning from `model.init`, with the same held-out evaluation before and after, and the run's
// story in its directory: metrics, some trajectories of each step, curves, summary.
import type { Reporter } from "../../core/reporter.ts";
import { compareReports, formatReport } from "../../learning/formatReport.ts";
import type { ScoredTrajectory } from "../../core/trajectory.ts";
import type { EvaluationReport } from "../../learning/evaluate.ts";
import { rlLoop, type RlStepReport } from "../../learning/rlLoop.ts";
import type { SelectionOptions } from "../../learning/selection.ts";
import { taskOrder } from "../../learning/taskOrder.ts";
import { renderCurves } from "../../runs/chart.ts";
import type { ResolvedConfig } from "../../runs/config.ts";
import { panelsOf } from "../../runs/curves.ts";
import { createRun, type RunDirectory } from "../../runs/runDirectory.ts";
import { appendStrategy, strategyLogName, strategyStep } from "../../runs/strategyLog.ts";
import { openTrackers, trackerRecord, type Trackers } from "../../runs/trackers/trackers.ts";
import { stepName } from "../../runs/trajectoryStore.ts";
import { saveFailedBatch } from "./failures.ts";
import { evaluateHeldOut } from "./heldOut.ts";
import { splitOptimizer } from "./optimizer.ts";
import type { PythonTool } from "./pythonTool.ts";
import { reproducibilityOf, warnIfNotReproducible } from "./reproducibility.ts";
import { runPretrain } from "./pretrain.ts";
import { groupsOf, runSft } from "./sft.ts";
import { engineRecord } from "./trainingEngine.ts";
import { formatRunSummary, totalCounts } from "./trainSummary.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

/** @returns the folder of the final weights. */
export async function runTrain(
  config: ResolvedConfig,
  run: RunDirectory,
  reporter: Reporter,
  { fromScratch = false }: { readonly fromScratch?: boolean } = {},
): Promise<string> {
  const init = fromScratch ? await runColdStart(config, run, reporter) : config.model.init;
  if (fromScratch)
    run.writeConfig({ ...config, model: { ...config.model, ...(init !== undefined && { init }) } });
  warnIfNotReproducible(config, reporter, "train");
  const bench = await openWorkbench(config, init, "model.init", reporter);
  const trackers = openTrackers(config, run, reporter, { stage: "train" });
  try {
    const evaluations: Evaluation[] = [];
    const before = await evaluate(bench, config, reporter, 0, evaluations);
    const startedAt = performance.now();
    await learn(bench, config, run, reporter, trackers, evaluations);
    const trainingSeconds = (performance.now() - startedAt) / 1000;
    const dir = run.checkpointPath("final");
    await bench.saveResult(dir, { optimizer: true });
    const after = await evaluate(bench, config, reporter, config.train.steps, evaluations);
    for (const { step, trajectories } of evaluations)
      run.trajectories.save(stepName("evaluation", step), groupsOf(trajectories));
    const { python } = bench;
    const tracked = trackerRecord(await trackers.finish("finished"));
    const judge = bench.judged();
    finish(config, run, reporter, { init, python, judge, before, after, trainingSeconds, tracked });
    return dir;
  } finally {
    await trackers.finish("failed");
    await bench.close();
  }
}

/** The two stages before RL, as runs of their own inside the run directory. */
async function runColdStart(config: ResolvedConfig, run: RunDirectory, reporter: Reporter): Promise<string> {
  const base = await runPretrain(config, createRun(config, { dir: run.filePath("pretrain") }), reporter);
  const onBase = { ...config, sft: { ...config.sft, init: base } };
  return runSft(onBase, createRun(onBase, { dir: run.filePath("sft") }), reporter);
}

async function learn(
  bench: Workbench,
  config: ResolvedConfig,
  run: RunDirectory,
  reporter: Reporter,
  trackers: Trackers,
  evaluations: Evaluation[],
): Promise<void> {
  const {
    steps,
    minibatches,
    microBatchTokens,
    grouping,
    loss,
    importanceCap,
    clipLow,
    clipHigh,
    maxLogprobGap,
    maxStaleness,
    saveEvery,
    evaluateEvery,
  } = config.train;
  const { concurrent } = config.agent;
  const { rolloutsPerPrompt: groupSize } = config.selection;
  const order = taskOrder(bench.tasks("train"), config.seed);
  // The cold start's demonstrations took the first tasks; every seed of RL walks its own stretch behind them.
  const first =
    config.sft.demonstrations +
    config.seed * steps * config.selection.genBatch * config.selection.maxGenBatches;
  const loop = rlLoop(
    {
      steps,
      seed: config.seed,
      selection: selectionOf(config),
      minibatches,
      microBatchTokens,
      grouping,
      loss,
      importanceCap,
      clipLow,
      clipHigh,
      maxLogprobGap,
      maxStaleness,
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
  );
  const progress = reporter.start("RL", steps, "steps");
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
    for (const warning of report.warnings) reporter.warn(`step ${report.step}: ${warning}`);
    progress.update(report.step, stepNote(report));
    if (saveEvery > 0 && report.step % saveEvery === 0 && report.step < steps)
      await bench.engine.saveState(run.checkpointPath(`step-${String(report.step).padStart(6, "0")}`));
    if (evaluateEvery > 0 && report.step % evaluateEvery === 0 && report.step < steps)
      await evaluate(bench, config, reporter, report.step, evaluations);
  }
  progress.end();
}

function stepNote({ metrics }: RlStepReport): string {
  const show = (value: number | undefined, digits: number): string => value?.toFixed(digits) ?? "-";
  return (
    `accuracy ${show(metrics["accuracy/mean"], 2)}, tool calls ${show(metrics["tool_calls/mean"], 2)}, ` +
    `entropy ${show(metrics["train/entropy"], 3)}, ${show(metrics["time/step_s"], 1)} s`
  );
}

interface Evaluation {
  readonly step: number;
  /** The first few, to look at. */
  readonly trajectories: readonly ScoredTrajectory[];
}

/**
 * Trajectories are kept in `kept` and written when the run is over: while tasks of the held-out split are still to be
 * asked, this stage writes no file that holds their answers, which a program of the policy could find.
 */
async function evaluate(
  bench: Workbench,
  config: ResolvedConfig,
  reporter: Reporter,
  step: number,
  kept: Evaluation[],
): Promise<EvaluationReport> {
  const label = step === 0 ? "before RL" : `after ${step} steps`;
  const { report, trajectories } = await evaluateHeldOut(bench, config, label, reporter);
  kept.push({ step, trajectories: trajectories.slice(0, config.logging.trajectoriesPerStep) });
  reporter.info(
    `${label}: accuracy ${((report.overall.accuracy ?? NaN) * 100).toFixed(1)}% on held-out tasks`,
  );
  return report;
}

interface Outcome {
  readonly init: string | undefined;
  readonly python: PythonTool["record"];
  readonly judge: ReturnType<Workbench["judged"]>;
  readonly before: EvaluationReport;
  readonly after: EvaluationReport;
  readonly trainingSeconds: number;
  readonly tracked: ReturnType<typeof trackerRecord>;
}

function finish(config: ResolvedConfig, run: RunDirectory, reporter: Reporter, outcome: Outcome): void {
  const { init, python, judge, before, after, trainingSeconds, tracked } = outcome;
  const records = run.readMetrics();
  const counts = totalCounts(records);
  run.writeFile("curves.svg", renderCurves(panelsOf([{ label: run.name, runs: [records] }]), { smooth: 5 }));
  run.writeSummary({
    stage: "train",
    name: run.name,
    seed: config.seed,
    steps: config.train.steps,
    trainingSeconds,
    init,
    engine: engineRecord(config),
    ...reproducibilityOf(config, "train"),
    python,
    ...(judge !== undefined && { judge }),
    before: { overall: before.overall, kinds: before.kinds },
    after: { overall: after.overall, kinds: after.kinds },
    difference: compareReports(before, after),
    counts,
    ...tracked,
  });
  reporter.print(formatReport(before, after));
  reporter.print(formatRunSummary(records, counts, trainingSeconds));
  reporter.info(`curves:  ${run.filePath("curves.svg")}\nsummary: ${run.filePath("summary.json")}`);
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
