// Learning rate as a pure function of the step number, so that a resumed run needs no scheduler state.
import { ConfigError } from "../core/errors.ts";

export interface ScheduleOptions {
  readonly type: "constant" | "cosine" | "linear";
  /** The rate after warm-up. */
  readonly peak: number;
  /** Steps of linear rise; the step after them is the first at the peak's own shape. 0 is off. */
  readonly warmupSteps: number;
  /** Steps of the whole run; the rate of step totalSteps - 1 is the last used. */
  readonly totalSteps: number;
  /** What cosine and linear fall to, as a fraction of the peak. */
  readonly finalFraction: number;
}

/**
 * The rate for the update numbered `step`, counted from 0: (step + 1) / warmupSteps of the peak while warming up, so
 * that no step is spent at rate 0, then the shape, which reaches its floor at step totalSteps.
 *
 * @throws ConfigError when step is not an integer >= 0.
 */
export function learningRateAt(step: number, options: ScheduleOptions): number {
  const { type, peak, warmupSteps, totalSteps, finalFraction } = options;
  if (!Number.isInteger(step) || step < 0)
    throw new ConfigError(`schedule: step must be an integer >= 0, received ${step}`);
  if (step < warmupSteps) return (peak * (step + 1)) / warmupSteps;
  if (type === "constant") return peak;
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
  const fall = type === "linear" ? 1 - progress : (1 + Math.cos(Math.PI * progress)) / 2;
  return peak * (finalFraction + (1 - finalFraction) * fall);
}
