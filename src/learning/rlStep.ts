// One RL update: the selected trajectories become datums, are shuffled into minibatches, and each minibatch is one
// optimiser step of the policy loss (token mean, no KL, no entropy bonus) against the log-probabilities the tokens were
// sampled with, or, with `importanceCap`, against those of the trainer before the step.
import type { Datum } from "../core/datum.ts";
import { datumFromSegments } from "../core/datum.ts";
import { randomStream } from "../core/random.ts";
import type { AdamWParams, Engine } from "../engines/engine.ts";
import type { SaveFailedBatch } from "./failedBatch.ts";
import { type Importance, trainerLogprobs, truncatedImportance } from "./importance.ts";
import type { Grouping } from "./microBatches.ts";
import { type MinibatchOptions, type MinibatchResult, trainMinibatch } from "./minibatch.ts";
import { lossSpecOf, type PolicyLossOptions, type RatioStats, ratioStats } from "./ratios.ts";
import type { TrainingSample } from "./selection.ts";
import { mean } from "./statistics.ts";

export interface RlStepOptions extends PolicyLossOptions {
  /** Optimiser steps the data is split into; fewer when there are fewer samples. */
  readonly minibatches: number;
  readonly microBatchTokens: number;
  readonly grouping?: Grouping;
  /** Bound of the importance weights; 0, the default, is off. */
  readonly importanceCap?: number;
  readonly optimizer: AdamWParams;
  readonly seed: number;
  /** Number of the step, counted from 1; names the shuffle and errors. */
  readonly step: number;
  /** Keeps a batch whose loss or gradient is not finite. */
  readonly saveFailed?: SaveFailedBatch | undefined;
}

export interface RlStepResult {
  /** Token mean of the loss, averaged over minibatches. */
  readonly loss: number;
  /** These two are undefined where the engine does not tell. */
  readonly gradNorm: number | undefined;
  readonly entropy: number | undefined;
  /**
   * |ln p(training graph) - ln p(sampler)| in the first minibatch, before any update: 0 but for rounding. Only of samples of
   * the current weights; undefined where the minibatch has none.
   */
  readonly logprobGapMean: number | undefined;
  readonly logprobGapMax: number | undefined;
  /** Share of trained tokens at which the loss is clipped (`RatioStats.clipped`); undefined for a loss without a clip. */
  readonly clipFraction: number | undefined;
  /** Mean of r - 1 - ln r, r = p / p_sampled: an unbiased estimate of KL(sampler || policy) that is never negative. */
  readonly approxKl: number;
  /** Undefined without `importanceCap`: mean of the weights as used, and share of tokens whose ratio was above the cap. */
  readonly importanceMean: number | undefined;
  readonly importanceCappedShare: number | undefined;
  readonly optimizerSteps: number;
  readonly trainedTokens: number;
  readonly paddingShare: number;
}

/** A sample as it is trained on. */
interface Item {
  readonly name: string;
  readonly datum: Datum;
  /** What its tokens were sampled with, per token. */
  readonly sampled: Float32Array;
  /** Sampled with the weights as they are before this update. */
  readonly current: boolean;
}

/** @param samples at least one, each with at least one sampled token. @throws EngineError when values are not finite. */
export async function rlStep(
  engine: Engine,
  samples: readonly TrainingSample[],
  options: RlStepOptions,
): Promise<RlStepResult> {
  const made = samples.map(({ trajectory, advantage, staleness = 0 }): Item => {
    const datum = datumFromSegments(trajectory.segments, advantage, engine.codec.imagePadId);
    const name = `${trajectory.taskId}, member ${trajectory.member}`;
    return { name, datum, sampled: datum.logprobs, current: staleness === 0 };
  });
  const shuffled = randomStream(options.seed, "minibatches", options.step).shuffle(made);
  const { items, importance } = await weighed(engine, shuffled, options);
  const results: MinibatchResult[] = [];
  const ratios: RatioStats[] = [];
  let gap: RatioStats | undefined;
  for (const [index, part] of splitEvenly(items, options.minibatches).entries()) {
    const result = await trainMinibatch(
      engine,
      part.map(({ datum }) => datum),
      passOptions(part, options, `minibatch ${index}`),
    );
    results.push(result);
    ratios.push(statsOf(part, result.logprobs, options));
    if (index === 0) gap = gapOf(part, result.logprobs, options);
  }
  const average = (values: readonly number[]): number => mean(values) ?? 0;
  const trainedTokens = results.reduce((n, r) => n + r.trainedTokens, 0);
  return {
    loss: average(results.map((r) => r.loss)),
    gradNorm: allKnown(
      results.map((r) => r.gradNorm),
      average,
    ),
    entropy: allKnown(
      results.map((r) => r.entropy),
      (entropies) =>
        entropies.reduce((sum, entropy, i) => sum + entropy * (results[i]?.trainedTokens ?? 0), 0) /
        trainedTokens,
    ),
    logprobGapMean: gap && gap.gapSum / gap.tokens,
    logprobGapMax: gap?.gapMax,
    clipFraction: allKnown(
      ratios.map((r) => r.clipped),
      (clipped) => clipped.reduce((n, count) => n + count, 0) / trainedTokens,
    ),
    approxKl: ratios.reduce((sum, r) => sum + r.klSum, 0) / trainedTokens,
    importanceMean: importance && importance.weightSum / importance.tokens,
    importanceCappedShare: importance && importance.capped / importance.tokens,
    optimizerSteps: results.length,
    trainedTokens,
    paddingShare: average(results.map((r) => r.paddingShare)),
  };
}

/** With their importance weights, when the recipe wants them. */
async function weighed(
  engine: Engine,
  items: readonly Item[],
  options: RlStepOptions,
): Promise<{ readonly items: readonly Item[]; readonly importance?: Importance }> {
  const { importanceCap = 0 } = options;
  if (importanceCap === 0) return { items };
  const datums = items.map(({ datum }) => datum);
  const before = await trainerLogprobs(engine, datums, passOptions(items, options, "before its update"));
  const { data, importance } = truncatedImportance(datums, before, importanceCap);
  return { items: items.map((item, i) => ({ ...item, datum: data[i] as Datum })), importance };
}

function passOptions(items: readonly Item[], options: RlStepOptions, what: string): MinibatchOptions {
  return {
    loss: lossSpecOf(options),
    optimizer: options.optimizer,
    microBatchTokens: options.microBatchTokens,
    ...(options.grouping !== undefined && { grouping: options.grouping }),
    where: `RL step ${options.step}, ${what}`,
    origin: {
      step: options.step,
      nameOf: (i) => items[i]?.name ?? "?",
      saveFailed: options.saveFailed,
    },
  };
}

function statsOf(
  items: readonly Item[],
  logprobs: readonly Float32Array[],
  options: RlStepOptions,
): RatioStats {
  return ratioStats(
    items.map(({ datum }) => datum),
    logprobs,
    lossSpecOf(options),
    items.map(({ sampled }) => sampled),
  );
}

/** Of the samples of the current weights, whose log-probabilities the engine should find again. */
function gapOf(
  items: readonly Item[],
  logprobs: readonly Float32Array[],
  options: RlStepOptions,
): RatioStats | undefined {
  const kept = items.flatMap(({ current }, i) => (current ? [i] : []));
  if (kept.length === 0) return undefined;
  return statsOf(
    kept.map((i) => items[i] as Item),
    kept.map((i) => logprobs[i] as Float32Array),
    options,
  );
}

/** Undefined as soon as one of the values is. */
function allKnown(
  values: readonly (number | undefined)[],
  combine: (known: readonly number[]) => number,
): number | undefined {
  return values.every((value) => value !== undefined) ? combine(values) : undefined;
}

/** Consecutive parts whose sizes differ by at most one; never an empty part. */
export function splitEvenly<T>(items: readonly T[], parts: number): T[][] {
  const count = Math.min(parts, items.length);
  const edge = (part: number): number => Math.floor((part * items.length) / count);
  return Array.from({ length: count }, (_, part) => items.slice(edge(part), edge(part + 1)));
}
