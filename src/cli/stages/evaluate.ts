// `evaluate`: the model of a recipe on held-out tasks, as it is, whether it is a checkpoint here or behind a server. With a
// folder to save in, answers are recorded as they come, and an evaluation that was interrupted goes on behind them.
import { createHash } from "node:crypto";
import { createReadStream, readdirSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { Interrupted } from "../../core/errors.ts";
import type { Reporter } from "../../core/reporter.ts";
import type { ScoredTrajectory } from "../../core/trajectory.ts";
import type { EvaluationReport } from "../../learning/evaluate.ts";
import { servedTotals, type ServedTotals } from "../../learning/formatEvaluation.ts";
import { findInputPath, type ResolvedConfig } from "../../runs/config.ts";
import { type OpenedRecords, openHeldOutRecords } from "../../runs/heldOutRecords.ts";
import { openTrajectoryStore, type TrajectoryStore } from "../../runs/trajectoryStore.ts";
import { evaluateHeldOut } from "./heldOut.ts";
import { groupsOf } from "./sft.ts";
import { neverStops, type StopRequest } from "./stopRequest.ts";
import { openWorkbench } from "./workbench.ts";

export interface Evaluation {
  readonly report: EvaluationReport;
  readonly trajectories: readonly ScoredTrajectory[];
  /** Present when a server computed the turns. */
  readonly served?: ServedTotals;
  /** The name under which the trajectories are stored; undefined without a folder. */
  readonly stored?: string;
}

export interface EvaluationOptions {
  readonly stop?: StopRequest;
  /** Folder of trajectories. */
  readonly save?: string;
}

export async function runEvaluation(
  config: ResolvedConfig,
  reporter: Reporter,
  { stop = neverStops, save }: EvaluationOptions = {},
): Promise<Evaluation> {
  const saving = save === undefined ? undefined : await openSaving(config, save, reporter);
  const bench = await openWorkbench(config, config.model.init, "model.init", reporter);
  const check = (): void => {
    if (!stop.asked) return;
    const goOn = "what was answered is kept, and the same command asks the rest";
    throw new Interrupted(`stopped; ${saving === undefined ? "with --save it could be continued" : goOn}`);
  };
  try {
    const { report, trajectories } = await evaluateHeldOut(bench, config, "evaluation", reporter, {
      check,
      ...(saving !== undefined && { records: saving.records }),
    });
    saving?.store.save(saving.name, groupsOf(trajectories));
    saving?.records.remove();
    const served = servedTotals(trajectories);
    return {
      ...{ report, trajectories },
      ...(served !== undefined && { served }),
      ...(saving !== undefined && { stored: saving.name }),
    };
  } finally {
    await bench.close();
  }
}

interface Saving {
  readonly store: TrajectoryStore;
  readonly name: string;
  readonly records: OpenedRecords;
}

async function openSaving(config: ResolvedConfig, save: string, reporter: Reporter): Promise<Saving> {
  const store = openTrajectoryStore(save);
  const name = `evaluation-${config.evaluation.split}`;
  const what = { config, weights: await weightsOf(config) };
  const records = openHeldOutRecords(store, name, what, (reason) => reporter.warn(reason));
  if (records.size > 0) reporter.info(`going on: ${records.size} tasks were answered before`);
  return { store, name, records };
}

/** SHA-256 of each file of `model.init`; none when it is not here. */
export async function weightsOf({
  model,
}: Pick<ResolvedConfig, "model">): Promise<Readonly<Record<string, string>>> {
  const dir = model.init === undefined ? undefined : findInputPath(model.init);
  if (dir === undefined) return {};
  const sums: Record<string, string> = {};
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const hash = createHash("sha256");
    await pipeline(createReadStream(join(dir, entry.name), { highWaterMark: 1 << 20 }), hash);
    sums[entry.name] = hash.digest("hex");
  }
  return Object.fromEntries(Object.entries(sums).sort(([a], [b]) => (a < b ? -1 : 1)));
}
