// What an engine throws when numbers stop being numbers. It knows the weights, so it says which of them; the loops know
// where the batch came from, so they add the step and the tasks, and store the batch (src/learning/failedBatch.ts).
import { EngineError } from "../core/errors.ts";

export interface NonFiniteDetails {
  /** What was found first, with its value: "the loss is NaN". */
  readonly finding: string;
  /** The optimiser step that was being prepared, counted from 1 since the optimiser began. */
  readonly optimizerStep: number;
  /** The first parameter, in the order of the checkpoint, whose gradient is not finite. */
  readonly gradientOf?: string | undefined;
  /** The first parameter whose own values are not finite: then the damage was done before this batch. */
  readonly weight?: string | undefined;
  /** Positions in the batch of the datums whose log-probabilities are not finite. */
  readonly datums?: readonly number[];
}

/** Thrown before anything reaches the weights; the accumulator is as it was before the call. */
export class NonFiniteError extends EngineError {
  constructor(readonly details: NonFiniteDetails) {
    super(`${describeNonFinite(details)}; nothing was applied to the weights`);
  }
}

/** One line, without a full stop. */
export function describeNonFinite({ finding, optimizerStep, gradientOf, weight }: NonFiniteDetails): string {
  const parts = [`optimiser step ${optimizerStep}: ${finding}`];
  if (gradientOf !== undefined)
    parts.push(`the first parameter whose gradient is not finite is "${gradientOf}"`);
  if (weight !== undefined) parts.push(`the weight "${weight}" is itself not finite`);
  return parts.join("; ");
}

/** One pass without branches: about a millisecond for a million values. */
export function allFinite(values: ArrayLike<number>): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    sum += value - value; // 0 for every finite number, NaN for all others
  }
  return sum === 0;
}
