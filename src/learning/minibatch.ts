// One optimiser step's worth of data through an engine: masks scaled so that the summed loss is the token mean of the
// whole minibatch, whatever the micro-batches; gradients accumulated; then one update. Both loops stand on this.
import type { Datum } from "../core/datum.ts";
import { EngineError } from "../core/errors.ts";
import type { AdamWParams, Engine, LossSpec } from "../engines/engine.ts";
import { microBatchesByLength } from "./microBatches.ts";

export interface MinibatchOptions {
  readonly loss: LossSpec;
  readonly optimizer: AdamWParams;
  /** Rows × longest row a micro-batch may have. */
  readonly microBatchTokens: number;
  /** Names the update in an error, e.g. "RL step 3, minibatch 0". */
  readonly where: string;
}

export interface MinibatchResult {
  /** Token mean of the loss. */
  readonly loss: number;
  /** Before clipping. */
  readonly gradNorm: number;
  /** Mean over trained tokens, in nats. */
  readonly entropy: number;
  /** Number of tokens with mask != 0. */
  readonly trainedTokens: number;
  /** Number of tokens of all sequences, without padding. */
  readonly tokens: number;
  readonly paddingShare: number;
  /** In the order of the data: ln p of each token before the update. */
  readonly logprobs: readonly Float32Array[];
}

/** Divides every mask by the sum of all masks. */
export function scaleToTokenMean(data: readonly Datum[]): Datum[] {
  let total = 0;
  for (const { mask } of data) for (const weight of mask) total += weight;
  if (!(total > 0))
    throw new EngineError(`internal: a minibatch of ${data.length} sequences has no trained token`);
  return data.map((datum) => ({ ...datum, mask: datum.mask.map((weight) => weight / total) }));
}

/** @throws EngineError when loss or gradient norm is not finite; no update is made after a loss that is not. */
export async function trainMinibatch(
  engine: Engine,
  data: readonly Datum[],
  options: MinibatchOptions,
): Promise<MinibatchResult> {
  const scaled = scaleToTokenMean(data);
  const { batches, paddingShare } = microBatchesByLength(scaled, options.microBatchTokens);
  const logprobs: Float32Array[] = new Array<Float32Array>(data.length);
  let loss = 0;
  let entropySum = 0;
  for (const batch of batches) {
    const result = await engine.forwardBackward(
      batch.map((i) => scaled[i] as Datum),
      options.loss,
    );
    loss += result.loss;
    entropySum += result.entropySum;
    if (!Number.isFinite(loss)) throw notFinite(options, { loss, "micro-batch loss": result.loss });
    batch.forEach((i, row) => {
      const values = result.logprobs[row];
      if (values === undefined || values.length !== (scaled[i] as Datum).tokens.length)
        throw new EngineError(
          `internal: ${options.where}: the engine returned ${values?.length ?? 0} logprobs for a sequence of ` +
            `${(scaled[i] as Datum).tokens.length} tokens`,
        );
      logprobs[i] = values;
    });
  }
  const { gradNorm } = await engine.optimStep(options.optimizer);
  if (!Number.isFinite(gradNorm)) throw notFinite(options, { loss, gradNorm });
  const trainedTokens = data.reduce(
    (n, { mask }) => n + mask.reduce((m, weight) => m + (weight === 0 ? 0 : 1), 0),
    0,
  );
  const tokens = data.reduce((n, datum) => n + datum.tokens.length, 0);
  return {
    loss,
    gradNorm,
    entropy: entropySum / trainedTokens,
    trainedTokens,
    tokens,
    paddingShare,
    logprobs,
  };
}

function notFinite(options: MinibatchOptions, values: Readonly<Record<string, number>>): EngineError {
  const shown = Object.entries(values).map(([name, value]) => `${name} = ${value}`);
  return new EngineError(
    `${options.where}: loss and gradient norm must be finite, received ${shown.join(", ")} at learning rate ` +
      `${options.optimizer.learningRate}. Continue from the last checkpoint with a lower learning rate.`,
  );
}
