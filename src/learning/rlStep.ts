// One RL update: the selected trajectories become datums, are shuffled into minibatches, and each minibatch is one
// optimiser step of the clipped PPO loss (token mean, no KL, no entropy bonus) against the log-probabilities the tokens
// were sampled with.
import type { Datum } from "../core/datum.ts";
import { datumFromSegments } from "../core/datum.ts";
import { randomStream } from "../core/random.ts";
import type { AdamWParams, Engine } from "../engines/engine.ts";
import type { SaveFailedBatch } from "./failedBatch.ts";
import type { Grouping } from "./microBatches.ts";
import { type MinibatchResult, trainMinibatch } from "./minibatch.ts";
import type { TrainingSample } from "./selection.ts";
import { mean } from "./statistics.ts";

export interface RlStepOptions {
  /** Optimiser steps the data is split into; fewer when there are fewer samples. */
  readonly minibatches: number;
  readonly microBatchTokens: number;
  readonly grouping?: Grouping;
  readonly clipLow: number;
  readonly clipHigh: number;
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
  /** |ln p(training graph) - ln p(sampler)| in the first minibatch, before any update: 0 but for rounding. */
  readonly logprobGapMean: number;
  readonly logprobGapMax: number;
  /** Share of trained tokens at which the clipped term is the smaller, so that they have no gradient. */
  readonly clipFraction: number;
  /** Mean of r - 1 - ln r, r = p / p_sampled: an unbiased estimate of KL(sampler || policy) that is never negative. */
  readonly approxKl: number;
  readonly optimizerSteps: number;
  readonly trainedTokens: number;
  readonly paddingShare: number;
}

/** @param samples at least one, each with at least one sampled token. @throws EngineError when values are not finite. */
export async function rlStep(
  engine: Engine,
  samples: readonly TrainingSample[],
  options: RlStepOptions,
): Promise<RlStepResult> {
  const data = samples.map(({ trajectory, advantage }) => ({
    name: `${trajectory.taskId}, member ${trajectory.member}`,
    datum: datumFromSegments(trajectory.segments, advantage, engine.codec.imagePadId),
  }));
  const shuffled = randomStream(options.seed, "minibatches", options.step).shuffle(data);
  const minibatches = splitEvenly(shuffled, options.minibatches);
  const results: MinibatchResult[] = [];
  const ratios: RatioStats[] = [];
  for (const [index, named] of minibatches.entries()) {
    const minibatch = named.map(({ datum }) => datum);
    const result = await trainMinibatch(engine, minibatch, {
      loss: { type: "ppo", clipLow: options.clipLow, clipHigh: options.clipHigh },
      optimizer: options.optimizer,
      microBatchTokens: options.microBatchTokens,
      ...(options.grouping !== undefined && { grouping: options.grouping }),
      where: `RL step ${options.step}, minibatch ${index}`,
      origin: {
        step: options.step,
        nameOf: (i) => named[i]?.name ?? "?",
        saveFailed: options.saveFailed,
      },
    });
    results.push(result);
    ratios.push(ratioStats(minibatch, result.logprobs, options));
  }
  const average = (values: readonly number[]): number => mean(values) ?? 0;
  const first = ratios[0] as RatioStats;
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
    logprobGapMean: first.gapSum / first.tokens,
    logprobGapMax: first.gapMax,
    clipFraction: ratios.reduce((n, r) => n + r.clipped, 0) / trainedTokens,
    approxKl: ratios.reduce((sum, r) => sum + r.klSum, 0) / trainedTokens,
    optimizerSteps: results.length,
    trainedTokens,
    paddingShare: average(results.map((r) => r.paddingShare)),
  };
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

export interface RatioStats {
  readonly tokens: number;
  readonly gapSum: number;
  readonly gapMax: number;
  readonly clipped: number;
  readonly klSum: number;
}

/** Compares current log-probabilities with the sampler's, over the tokens with mask != 0. */
export function ratioStats(
  data: readonly Datum[],
  logprobs: readonly Float32Array[],
  { clipLow, clipHigh }: { readonly clipLow: number; readonly clipHigh: number },
): RatioStats {
  const stats = { tokens: 0, gapSum: 0, gapMax: 0, clipped: 0, klSum: 0 };
  data.forEach((datum, d) => {
    datum.mask.forEach((weight, t) => {
      if (weight === 0) return;
      const logRatio = (logprobs[d]?.[t] as number) - (datum.logprobs[t] as number);
      const ratio = Math.exp(logRatio);
      const advantage = datum.advantages[t] as number;
      stats.tokens++;
      stats.gapSum += Math.abs(logRatio);
      stats.gapMax = Math.max(stats.gapMax, Math.abs(logRatio));
      if (advantage > 0 ? ratio > 1 + clipHigh : advantage < 0 && ratio < 1 - clipLow) stats.clipped++;
      stats.klSum += ratio - 1 - logRatio;
    });
  });
  return stats;
}
