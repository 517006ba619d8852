// `evaluate`: the model of a recipe on held-out tasks, as it is, whether it is a checkpoint here or behind a server.
import type { Reporter } from "../../core/reporter.ts";
import type { ScoredTrajectory } from "../../core/trajectory.ts";
import type { EvaluationReport } from "../../learning/evaluate.ts";
import { servedTotals, type ServedTotals } from "../../learning/formatEvaluation.ts";
import type { ResolvedConfig } from "../../runs/config.ts";
import { evaluateHeldOut } from "./heldOut.ts";
import { openWorkbench } from "./workbench.ts";

export interface Evaluation {
  readonly report: EvaluationReport;
  readonly trajectories: readonly ScoredTrajectory[];
  /** Present when a server computed the turns. */
  readonly served?: ServedTotals;
}

export async function runEvaluation(config: ResolvedConfig, reporter: Reporter): Promise<Evaluation> {
  const bench = await openWorkbench(config, config.model.init, "model.init", reporter);
  try {
    const { report, trajectories } = await evaluateHeldOut(bench, config, "evaluation", reporter);
    const served = servedTotals(trajectories);
    return { report, trajectories, ...(served !== undefined && { served }) };
  } finally {
    await bench.close();
  }
}
