// One optimiser step's worth of data through an engine: masks scaled so that the summed loss is the token mean of the
// whole minibatch, whatever the micro-batches; gradients accumulated; then one update. Both loops stand on this.
import type { Datum } from "../core/datum.ts";
import { EngineError } from "../core/errors.ts";
import type { Engine } from "../engines/engine.ts";
import { microBatchesByLength, type Grouping } from "./microBatches.ts";
import { guarded, notFinite, type FailureOptions } from "./nonFiniteStop.ts";

export interface MinibatchOptions extends FailureOptions {
  /** Rows × longest row a micro-batch may have. */
  readonly microBatchTokens: number;
  /** How micro-batches are cut. Default: the fewest. */
  readonly grouping?: Grouping;
}

export interface MinibatchResult {
  /** Token mean of the loss. */
  readonly loss: number;
  /** Before clipping; undefined where the engine does not tell. */
  readonly gradNorm: number | undefined;
  /** Mean over trained tokens, in nats; undefined where the engine does not tell. */
  readonly entropy: number | undefined;
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

/**
 * @throws EngineError when a loss, a log-probability or the gradient is not finite, naming step, parameter and sequences;
 * an engine that finds it itself has then applied nothing to the weights
 */
export async function trainMinibatch(
  engine: Engine,
  data: readonly Datum[],
  options: MinibatchOptions,
): Promise<MinibatchResult> {
  const scaled = scaleToTokenMean(data);
  const everything = scaled.map((_, i) => i);
  const { batches, paddingShare } = microBatchesByLength(
    scaled,
    options.microBatchTokens,
    options.grouping ?? "fewest",
  );
  const logprobs: Float32Array[] = new Array<Float32Array>(data.length);
  let loss = 0;
  let entropySum: number | undefined = 0;
  for (const batch of batches) {
    const result = await guarded(scaled, batch, options, () =>
      engine.forwardBackward(
        batch.map((i) => scaled[i] as Datum),
        options.loss,
      ),
    );
    loss += result.loss;
    entropySum =
      entropySum === undefined || result.entropySum === undefined
        ? undefined
        : entropySum + result.entropySum;
    if (!Number.isFinite(loss)) throw await notFinite(`the loss is ${result.loss}`, scaled, batch, options);
    batch.forEach((i, row) => {
      logprobs[i] = checkedLogprobs(result.logprobs[row], scaled[i] as Datum, options.where);
    });
  }
  const { gradNorm } = await guarded(scaled, everything, options, () => engine.optimStep(options.optimizer));
  if (gradNorm !== undefined && !Number.isFinite(gradNorm))
    throw await notFinite(
      `the gradient norm is ${gradNorm} at a loss of ${loss}`,
      scaled,
      everything,
      options,
    );
  const trainedTokens = data.reduce(
    (n, { mask }) => n + mask.reduce((m, weight) => m + (weight === 0 ? 0 : 1), 0),
    0,
  );
  const tokens = data.reduce((n, datum) => n + datum.tokens.length, 0);
  return {
    loss,
    gradNorm,
    entropy: entropySum === undefined ? undefined : entropySum / trainedTokens,
    trainedTokens,
    tokens,
    paddingShare,
    logprobs,
  };
}

/** @throws EngineError when an engine did not give one for each token */
export function checkedLogprobs(
  values: Float32Array | undefined,
  { tokens }: Datum,
  where: string,
): Float32Array {
  if (values?.length === tokens.length) return values;
  throw new EngineError(
    `internal: ${where}: the engine returned ${values?.length ?? 0} logprobs for a sequence of ${tokens.length} tokens`,
  );
}
