// The part that pretraining and SFT share: run the supervised loop, show and log it, save the weights.
import type { Datum } from "../../core/datum.ts";
import type { Reporter } from "../../core/reporter.ts";
import type { Engine } from "../../engines/engine.ts";
import type { FailedBatch } from "../../learning/failedBatch.ts";
import { supervisedLoop } from "../../learning/supervised.ts";
import type { ResolvedConfig } from "../../runs/config.ts";
import type { RunDirectory } from "../../runs/runDirectory.ts";
import { openTrackers, outcomeOf, trackerRecord, type Trackers } from "../../runs/trackers/trackers.ts";
import { saveFailedBatch } from "./failures.ts";
import { splitOptimizer } from "./optimizer.ts";
import type { StageLife } from "./runLife.ts";

export interface SupervisedStage<S> {
  readonly stage: "pretrain" | "sft";
  readonly config: ResolvedConfig;
  readonly engine: Engine;
  /** Positioned behind the sequences of the steps that are done. */
  readonly data: Iterable<Datum> | AsyncIterable<Datum>;
  readonly options: Pick<
    ResolvedConfig["pretrain"],
    "steps" | "batchSize" | "microBatchTokens" | "grouping" | "optimizer"
  >;
  /** Keeps the weights in a folder. */
  readonly save: (dir: string) => Promise<void>;
  readonly run: RunDirectory;
  readonly reporter: Reporter;
  readonly life: StageLife<S>;
  /** What the stage has to remember after the steps so far. */
  readonly state: () => S;
}

export interface SupervisedResult {
  /** Folder of the weights. */
  readonly dir: string;
  /** For the summary. */
  readonly tracked: ReturnType<typeof trackerRecord>;
}

export async function runSupervised<S>(o: SupervisedStage<S>): Promise<SupervisedResult> {
  const resumeFrom = o.life.from?.step ?? 0;
  const trackers = openTrackers(o.config, o.run, o.reporter, { stage: o.stage, resumeFrom });
  try {
    await learn(o, trackers);
    const dir = await o.life.saveFinal(o.save);
    o.reporter.info(`weights: ${dir}`);
    return { dir, tracked: trackerRecord(await trackers.finish("finished")) };
  } catch (error) {
    await trackers.finish(outcomeOf(error));
    throw error;
  }
}

async function learn<S>(o: SupervisedStage<S>, trackers: Trackers): Promise<void> {
  const { steps, batchSize, microBatchTokens, grouping } = o.options;
  const done = o.life.from?.step ?? 0;
  const progress = o.reporter.start(o.stage, steps, "steps", done);
  const options = {
    steps,
    batchSize,
    microBatchTokens,
    grouping,
    ...splitOptimizer(o.options.optimizer),
    stage: o.stage,
  };
  const dependencies = {
    engine: o.engine,
    data: o.data,
    now: () => performance.now(),
    saveFailed: (failed: FailedBatch) => saveFailedBatch(o.run, failed),
  };
  for await (const r of supervisedLoop(options, dependencies, done)) {
    const record = {
      step: r.step,
      "train/loss": r.loss,
      ...(r.gradNorm !== undefined && { "train/grad_norm": r.gradNorm }),
      ...(r.entropy !== undefined && { "train/entropy": r.entropy }),
      "train/learning_rate": r.learningRate,
      "train/tokens": r.trainedTokens,
      "train/padding_share": r.paddingShare,
      "time/step_s": r.seconds,
      "time/tokens_per_s": r.tokensPerSecond,
    };
    o.run.appendMetrics(record);
    trackers.metrics(record);
    progress.update(r.step, `loss ${r.loss.toFixed(4)}, ${Math.round(r.tokensPerSecond)} tokens/s`);
    await o.life.stepDone(o.engine, r.step, steps, o.state);
  }
  progress.end();
}
