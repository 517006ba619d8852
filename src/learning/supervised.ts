// One loop for pretraining and SFT: datums in, cross-entropy as the token mean of the batch, one optimiser step a batch.
// A generator like the RL loop, so that the caller owns logging, checkpoints and stopping.
import type { Datum } from "../core/datum.ts";
import type { AdamWParams, Engine } from "../engines/engine.ts";
import type { SaveFailedBatch } from "./failedBatch.ts";
import type { Grouping } from "./microBatches.ts";
import { trainMinibatch } from "./minibatch.ts";
import { learningRateAt } from "./schedule.ts";
import type { ScheduleOptions } from "./schedule.ts";

export interface SupervisedOptions {
  /** Steps of the whole run; a resumed run counts those done before. */
  readonly steps: number;
  /** Sequences an optimiser step is made from. */
  readonly batchSize: number;
  readonly microBatchTokens: number;
  /** How micro-batches are cut. Default: the fewest. */
  readonly grouping?: Grouping;
  readonly optimizer: Omit<AdamWParams, "learningRate">;
  readonly schedule: Omit<ScheduleOptions, "totalSteps">;
  /** Names the stage in errors, e.g. "SFT". */
  readonly stage: string;
}

/** Steps of whole epochs over so many examples, batches running on from one epoch into the next. */
export function stepsOfEpochs(
  examples: number,
  { epochs, batchSize }: { epochs: number; batchSize: number },
): number {
  return Math.ceil((examples * epochs) / batchSize);
}

export interface SupervisedReport {
  /** Counted from 1. */
  readonly step: number;
  /** Mean cross-entropy over trained tokens, in nats. */
  readonly loss: number;
  /** As the engine tells; undefined where it does not. */
  readonly gradNorm: number | undefined;
  /** Mean entropy of the prediction at trained tokens, in nats; undefined where the engine does not tell. */
  readonly entropy: number | undefined;
  readonly learningRate: number;
  readonly sequences: number;
  /** Tokens of all sequences, images and prompts included, padding not. */
  readonly tokens: number;
  readonly trainedTokens: number;
  readonly paddingShare: number;
  /** Includes waiting for the data. */
  readonly seconds: number;
  /** `tokens` by seconds. */
  readonly tokensPerSecond: number;
}

export interface SupervisedDependencies {
  readonly engine: Engine;
  readonly data: Iterable<Datum> | AsyncIterable<Datum>;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  /** Keeps a batch whose loss or gradient is not finite, and tells where. */
  readonly saveFailed?: SaveFailedBatch;
}

/**
 * Ends after `steps` steps or when the data ends; a last batch that is not full is still trained on.
 *
 * @param data positioned after the sequences of the first `stepsDone` steps
 * @throws EngineError when a loss or gradient is not finite, naming step and values
 */
export async function* supervisedLoop(
  options: SupervisedOptions,
  { engine, data, now, saveFailed }: SupervisedDependencies,
  stepsDone = 0,
): AsyncGenerator<SupervisedReport, void, undefined> {
  const batches = inBatches(data, options.batchSize);
  try {
    for (let index = stepsDone; index < options.steps; index++) {
      const startedAt = now();
      const next = await batches.next();
      if (next.done === true) return;
      const batch = next.value;
      const step = index + 1;
      const learningRate = learningRateAt(index, { ...options.schedule, totalSteps: options.steps });
      const result = await trainMinibatch(engine, batch, {
        loss: { type: "crossEntropy" },
        optimizer: { ...options.optimizer, learningRate },
        microBatchTokens: options.microBatchTokens,
        ...(options.grouping !== undefined && { grouping: options.grouping }),
        where: `${options.stage} step ${step}`,
        origin: { step, nameOf: (i) => `datum ${index * options.batchSize + i}`, saveFailed },
      });
      const seconds = (now() - startedAt) / 1000;
      const { loss, gradNorm, entropy, tokens, trainedTokens, paddingShare } = result;
      yield {
        step,
        loss,
        gradNorm,
        entropy,
        learningRate,
        sequences: batch.length,
        tokens,
        trainedTokens,
        paddingShare,
        seconds,
        tokensPerSecond: seconds > 0 ? tokens / seconds : 0,
      };
    }
  } finally {
    await batches.return(); // closes the data's own iterator when the steps end first
  }
}

async function* inBatches(
  data: Iterable<Datum> | AsyncIterable<Datum>,
  size: number,
): AsyncGenerator<Datum[], void, undefined> {
  let batch: Datum[] = [];
  for await (const datum of data) {
    batch.push(datum);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
