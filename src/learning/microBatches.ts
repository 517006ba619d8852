// Cuts a minibatch into micro-batches that fit in memory. Sequences of like length go together, because a micro-batch
// costs rows × its longest row. Losses are sums, and the mean is in the masks (see minibatch.ts), so the cut changes a
// step's result by no more than the rounding of another order of addition.
import type { Datum } from "../core/datum.ts";

/**
 * `fewest` fills each micro-batch to the budget. `leastPadding` cuts where lengths jump, which makes more of them but
 * computes fewer tokens.
 */
export const groupings = ["fewest", "leastPadding"] as const;
export type Grouping = (typeof groupings)[number];

export interface MicroBatches {
  /** Positions in the input, each exactly once; longest sequences first, so that running out of memory shows at once. */
  readonly batches: readonly (readonly number[])[];
  /** Padded tokens as a share of all tokens computed, in [0, 1). */
  readonly paddingShare: number;
}

/** What starting one more micro-batch costs, in tokens (measured on the mini policy: 60 to 80). */
const START_COST = 64;

/** Consecutive runs of the sequences by length with rows × longest <= tokenBudget. A longer sequence goes alone. */
export function microBatchesByLength(
  data: readonly Pick<Datum, "tokens">[],
  tokenBudget: number,
  grouping: Grouping,
): MicroBatches {
  const lengthOf = (i: number): number => (data[i] as Datum).tokens.length;
  const order = data.map((_, i) => i).sort((left, right) => lengthOf(right) - lengthOf(left));
  const lengths = order.map(lengthOf);
  const sizes = grouping === "fewest" ? fewest(lengths, tokenBudget) : leastPadding(lengths, tokenBudget);
  const batches: number[][] = [];
  let at = 0;
  let computed = 0;
  for (const size of sizes) {
    computed += size * (lengths[at] as number);
    batches.push(order.slice(at, (at += size)));
  }
  const real = lengths.reduce((n, length) => n + length, 0);
  return { batches, paddingShare: computed === 0 ? 0 : 1 - real / computed };
}

/** Sizes of the parts, greedily. @param lengths falling */
function fewest(lengths: readonly number[], budget: number): number[] {
  const sizes: number[] = [];
  for (let at = 0; at < lengths.length;) {
    const size = largestPart(lengths, at, budget);
    sizes.push(size);
    at += size;
  }
  return sizes;
}

/** Sizes of the parts with the least rows × longest + START_COST in all: a shortest path over the cuts. */
function leastPadding(lengths: readonly number[], budget: number): number[] {
  const n = lengths.length;
  /** Of the sequences from here to the end: least cost, and the size of the first part that gives it. */
  const cost = new Float64Array(n + 1);
  const first = new Int32Array(n);
  for (let at = n - 1; at >= 0; at--) {
    cost[at] = Infinity;
    for (let size = largestPart(lengths, at, budget); size >= 1; size--) {
      const total = START_COST + size * (lengths[at] as number) + (cost[at + size] as number);
      if (total >= (cost[at] as number)) continue;
      cost[at] = total;
      first[at] = size;
    }
  }
  const sizes: number[] = [];
  for (let at = 0; at < n; at += sizes.at(-1) as number) sizes.push(first[at] as number);
  return sizes;
}

function largestPart(lengths: readonly number[], at: number, budget: number): number {
  return Math.min(lengths.length - at, Math.max(1, Math.floor(budget / (lengths[at] as number))));
}
