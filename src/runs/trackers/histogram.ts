// Values as counts in bins, as TensorBoard's HistogramProto and W&B's np_histogram take them.

export interface Histogram {
  readonly min: number;
  readonly max: number;
  readonly count: number;
  readonly sum: number;
  readonly sumOfSquares: number;
  /** Bin i reaches from edges[i] to edges[i + 1]; edges[0] is min and the last one max. */
  readonly edges: readonly number[];
  readonly counts: readonly number[];
}

const BINS = 30;
/** Whole numbers that span no more than this get a bin each. */
const WHOLE_SPAN = 64;

/** @param values at least one, all finite; the mean of a bin's borders stands for whole numbers (2 lies in 1.5 to 2.5) */
export function histogramOf(values: readonly number[]): Histogram {
  let [min, max, sum, sumOfSquares] = [Infinity, -Infinity, 0, 0];
  for (const value of values) {
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
    sumOfSquares += value * value;
  }
  const isWhole = max - min <= WHOLE_SPAN && values.every(Number.isInteger);
  const bins = min === max ? 1 : isWhole ? max - min + 1 : BINS;
  const inner = Array.from({ length: bins - 1 }, (_, i) =>
    isWhole ? min + i + 0.5 : min + ((max - min) * (i + 1)) / bins,
  );
  const edges = [min, ...inner, max];
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) {
    const next = inner.findIndex((edge) => value < edge);
    const bin = next === -1 ? bins - 1 : next;
    counts[bin] = (counts[bin] as number) + 1;
  }
  return { min, max, count: values.length, sum, sumOfSquares, edges, counts };
}
