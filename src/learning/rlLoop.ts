// The RL loop: rollout step, update, report, again. An async generator, so that the caller owns everything around a
// step (logging, evaluation, checkpoints, stopping): while it holds a report, nothing else runs (but for groups that are
// collected in the background, with `maxStaleness`), and `report.state` with the engine's own state is all a resumed run needs.
import { EngineError } from "../core/errors.ts";
import type { AdamWParams, Engine } from "../engines/engine.ts";
import type { BackgroundState } from "./backgroundGroups.ts";
import type { SaveFailedBatch } from "./failedBatch.ts";
import type { Grouping } from "./microBatches.ts";
import { definedMetrics } from "./metrics.ts";
import type { RlMetrics } from "./metrics.ts";
import type { PolicyLossOptions } from "./ratios.ts";
import { rlStep } from "./rlStep.ts";
import type { RlStepResult } from "./rlStep.ts";
import { rolloutMetrics } from "./rolloutMetrics.ts";
import { learningRateAt } from "./schedule.ts";
import type { ScheduleOptions } from "./schedule.ts";
import type { RolloutStepResult } from "./selection.ts";
import { stepSource } from "./stepSource.ts";
import type { StepSource, StepSourceDependencies, StepSourceOptions } from "./stepSource.ts";
import { countTrajectory, sumOf } from "./trajectoryStats.ts";

export interface RlLoopOptions extends PolicyLossOptions, StepSourceOptions {
  /** Steps of the whole run; a resumed run counts those done before. */
  readonly steps: number;
  readonly seed: number;
  readonly minibatches: number;
  readonly microBatchTokens: number;
  /** How micro-batches are cut. Default: the fewest. */
  readonly grouping?: Grouping;
  /** Bound of the importance weights (importance.ts); 0, the default, is off. */
  readonly importanceCap?: number;
  /** A larger gap between a token's log-probability in sampling and in training is warned about, in nats. */
  readonly maxLogprobGap: number;
  readonly optimizer: Omit<AdamWParams, "learningRate">;
  readonly schedule: Omit<ScheduleOptions, "totalSteps">;
}

/** All the loop remembers between steps. Plain JSON. */
export interface RlLoopState extends BackgroundState {
  /** Steps done. */
  readonly step: number;
}

export const initialRlState: RlLoopState = { step: 0, cursor: 0 };

export interface RlLoopDependencies extends StepSourceDependencies {
  readonly engine: Engine;
  /** Keeps a batch whose loss or gradient is not finite, and tells where. */
  readonly saveFailed?: SaveFailedBatch;
  /** Milliseconds, monotonic. */
  now(): number;
}

export interface RlStepReport {
  /** Counted from 1. */
  readonly step: number;
  readonly metrics: RlMetrics;
  /** Everything drawn and what was selected of it. */
  readonly rollout: RolloutStepResult;
  /** For the person watching: what made this step less than it should be. */
  readonly warnings: readonly string[];
  /** The state after this step. */
  readonly state: RlLoopState;
}

/** @throws EngineError when a loss or gradient is not finite, naming step and values. */
export async function* rlLoop(
  options: RlLoopOptions,
  dependencies: RlLoopDependencies,
  from: RlLoopState = initialRlState,
): AsyncGenerator<RlStepReport, void, undefined> {
  const source = stepSource(options, dependencies, from, options.steps - from.step);
  try {
    yield* stepsOf(source, options, dependencies, from.step);
  } finally {
    await source.close();
  }
}

async function* stepsOf(
  source: StepSource,
  options: RlLoopOptions,
  { engine, saveFailed, now }: RlLoopDependencies,
  stepsDone: number,
): AsyncGenerator<RlStepReport, void, undefined> {
  for (let index = stepsDone; index < options.steps; index++) {
    const step = index + 1;
    const learningRate = learningRateAt(index, { ...options.schedule, totalSteps: options.steps });

    const startedAt = now();
    const rolled = await source.next(step).catch((error: unknown) => {
      if (!(error instanceof EngineError)) throw error;
      throw new EngineError(`RL step ${step}: ${error.message}`, { cause: error });
    });
    const rolledAt = now();
    const trained =
      rolled.samples.length === 0
        ? undefined
        : await rlStep(engine, rolled.samples, {
            ...options,
            step,
            saveFailed,
            optimizer: { ...options.optimizer, learningRate },
          });
    source.stepDone(trained !== undefined);
    const endedAt = now();

    const metrics = {
      ...rolloutMetrics(rolled),
      ...(trained && trainMetrics(trained)),
      "train/learning_rate": learningRate,
      ...timeMetrics(rolled, rolledAt - startedAt, endedAt - rolledAt),
    };
    const warnings = [...rolloutWarnings(rolled, options), ...gapWarnings(trained, options)];
    yield { step, metrics, rollout: rolled, warnings, state: { step, ...source.state() } };
  }
}

/** Of groups from the background: while they were sampled, the trainer waited for a part of the time only. */
function timeMetrics(
  { drawn, background }: RolloutStepResult,
  rolloutMs: number,
  trainMs: number,
): RlMetrics {
  const sampledTokens = sumOf(drawn, ({ group }) =>
    sumOf(group.trajectories, (trajectory) => countTrajectory(trajectory).sampledTokens),
  );
  const samplingMs = background === undefined ? rolloutMs : rolloutMs + trainMs;
  return definedMetrics({
    [background === undefined ? "time/rollout_s" : "time/trainer_idle_s"]: rolloutMs / 1000,
    "time/train_s": trainMs / 1000,
    "time/step_s": (rolloutMs + trainMs) / 1000,
    "time/sampled_tokens_per_s": samplingMs > 0 ? sampledTokens / (samplingMs / 1000) : undefined,
  });
}

function trainMetrics(result: RlStepResult): RlMetrics {
  return definedMetrics({
    "train/loss": result.loss,
    "train/grad_norm": result.gradNorm,
    "train/entropy": result.entropy,
    "train/logprob_gap_mean": result.logprobGapMean,
    "train/logprob_gap_max": result.logprobGapMax,
    "train/clip_fraction": result.clipFraction,
    "train/approx_kl": result.approxKl,
    "train/importance_mean": result.importanceMean,
    "train/importance_capped_share": result.importanceCappedShare,
    "train/optimizer_steps": result.optimizerSteps,
    "train/tokens": result.trainedTokens,
    "train/padding_share": result.paddingShare,
  });
}

/** The ratio of PPO compares the two, so a gap that is more than rounding trains on the wrong ratio. */
function gapWarnings(trained: RlStepResult | undefined, { maxLogprobGap }: RlLoopOptions): string[] {
  const { logprobGapMax: most, logprobGapMean: average = NaN } = trained ?? {};
  if (most === undefined || most <= maxLogprobGap) return [];
  return [
    `sampling and training disagree about a token's log-probability by up to ${most.toPrecision(3)} nats ` +
      `(mean ${average.toPrecision(3)}), more than train.maxLogprobGap = ${maxLogprobGap}: the clipped ratio is off by ` +
      `as much. Both must use the same weights, tokens and images`,
  ];
}

function rolloutWarnings({ samples, record }: RolloutStepResult, { selection }: RlLoopOptions): string[] {
  if (!record.capHit) return [];
  const had = `${record.groupsSurviving} of ${selection.trainGroups} groups survived ${record.promptsDrawn} prompts`;
  const cap = `selection.maxGenBatches = ${selection.maxGenBatches} reached`;
  return [
    samples.length === 0
      ? `${cap}: no group survived ${record.promptsDrawn} prompts, so the step made no update`
      : `${cap}: ${had}, so the step trained on fewer`,
  ];
}
