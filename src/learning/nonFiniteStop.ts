// Stops a run whose numbers are no longer finite, and says all that helps: step, parameter, sequences, and where the
// batch is kept. The engine knows the parameter, the loop the step, the caller the sequences' names.
import type { Datum } from "../core/datum.ts";
import { EngineError } from "../core/errors.ts";
import type { AdamWParams, LossSpec } from "../engines/engine.ts";
import { allFinite, describeNonFinite, NonFiniteError } from "../engines/nonFinite.ts";
import type { SaveFailedBatch } from "./failedBatch.ts";

export interface BatchOrigin {
  /** Training step, counted from 1. */
  readonly step: number;
  /** Names a sequence of the minibatch: task and member, or the number in the data. */
  readonly nameOf: (index: number) => string;
  /** Keeps the batch. */
  readonly saveFailed?: SaveFailedBatch | undefined;
}

export interface FailureOptions {
  /** Names the update, e.g. "RL step 3, minibatch 0". */
  readonly where: string;
  readonly loss: LossSpec;
  readonly optimizer: AdamWParams;
  readonly origin?: BatchOrigin;
}

/** Runs a part of the update; what the engine says about its weights is completed by where the batch came from. */
export async function guarded<T>(
  data: readonly Datum[],
  batch: readonly number[],
  options: FailureOptions,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof NonFiniteError)) throw error;
    const { datums = [] } = error.details;
    const wrong = datums.flatMap((row) => batch[row] ?? []);
    const culprits =
      wrong.length > 0 && wrong.length < batch.length ? `; in ${listNames(wrong, options)}` : "";
    const finding = `${describeNonFinite(error.details)}${culprits}; nothing was applied to the weights`;
    throw await notFinite(finding, data, batch, options, error);
  }
}

/** The error to throw for a batch, once the batch is stored. */
export async function notFinite(
  finding: string,
  data: readonly Datum[],
  batch: readonly number[],
  options: FailureOptions,
  cause?: Error,
): Promise<EngineError> {
  const { where, loss, optimizer, origin } = options;
  const message =
    `${where}, ${finding} (learning rate ${optimizer.learningRate}). ` +
    `Batch of ${batch.length}: ${listNames(batch, options)}.${spoiltInputs(data, batch, options)}`;
  const sequences = batch.map((i) => ({ name: nameOf(i, options), datum: data[i] as Datum }));
  const kept = await origin?.saveFailed?.({ where, step: origin.step, message, loss, sequences }).then(
    (dir) => ` It is stored in ${dir} (readFailedBatch reads it).`,
    (error: Error) => ` It could not be stored: ${error.message}.`,
  );
  return new EngineError(
    `${message}${kept ?? ""} Continue from the last checkpoint with a lower learning rate.`,
    cause === undefined ? undefined : { cause },
  );
}

/** Data that was wrong before the model saw it. */
function spoiltInputs(data: readonly Datum[], batch: readonly number[], options: FailureOptions): string {
  const spoilt = batch.filter((i) => {
    const { mask, logprobs, advantages } = data[i] as Datum;
    return ![mask, logprobs, advantages].every(allFinite);
  });
  return spoilt.length === 0
    ? ""
    : ` Their own log-probabilities, advantages or masks are not finite in ${listNames(spoilt, options)}.`;
}

function listNames(batch: readonly number[], options: FailureOptions): string {
  const shown = batch.slice(0, 8).map((i) => nameOf(i, options));
  return `${shown.join("; ")}${batch.length > 8 ? ` and ${batch.length - 8} more` : ""}`;
}

function nameOf(index: number, { origin }: FailureOptions): string {
  return origin?.nameOf(index) ?? `sequence ${index}`;
}
