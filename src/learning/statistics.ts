// The few statistics the loops and the evaluation need. Empty input yields undefined, never 0 or NaN, so that a metric
// without data is absent from the log and does not drag a curve to zero.

/** z of a two-sided 95% interval of the normal distribution. */
export const z95 = 1.959963984540054;

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export function mean(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Population standard deviation (divides by n, not n - 1). */
export function std(values: readonly number[]): number | undefined {
  const centre = mean(values);
  if (centre === undefined) return undefined;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / values.length);
}

/** 95% Wilson score interval of a proportion: unlike p ± 1.96 se it stays inside [0, 1] and is honest at 0 and 1. */
export function wilson(successes: number, trials: number): Interval | undefined {
  if (trials === 0) return undefined;
  const p = successes / trials;
  const shrink = 1 + z95 ** 2 / trials;
  const centre = (p + z95 ** 2 / (2 * trials)) / shrink;
  const half = (z95 / shrink) * Math.sqrt((p * (1 - p)) / trials + z95 ** 2 / (4 * trials ** 2));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

/** 95% normal interval of a mean, se = sample deviation (n - 1) / sqrt(n); undefined for fewer than two values. */
export function meanInterval(values: readonly number[]): Interval | undefined {
  const [centre, spread] = [mean(values), std(values)];
  if (values.length < 2 || centre === undefined || spread === undefined) return undefined;
  const half = (z95 * spread) / Math.sqrt(values.length - 1);
  return { low: centre - half, high: centre + half };
}

export interface PairedDifference extends Interval {
  /** Mean of after - before. */
  readonly difference: number;
  readonly pairs: number;
}

/**
 * Mean difference of paired values with its 95% normal interval, se = populationStd(after - before) / sqrt(n). For 0/1
 * values this is the usual interval of paired proportions: var = (b + c - (b - c)² / n) / n² with b and c the
 * discordant pairs.
 */
export function pairedDifference(
  before: readonly number[],
  after: readonly number[],
): PairedDifference | undefined {
  if (before.length !== after.length)
    throw new Error(`internal: pairedDifference of ${before.length} against ${after.length} values`);
  const differences = after.map((value, i) => value - (before[i] as number));
  const difference = mean(differences);
  const spread = std(differences);
  if (difference === undefined || spread === undefined) return undefined;
  const half = (z95 * spread) / Math.sqrt(differences.length);
  return { difference, low: difference - half, high: difference + half, pairs: differences.length };
}
