// Cuts a minibatch into micro-batches that fit in memory. Sequences of like length go together, because a micro-batch
// costs rows × its longest row. The result of a step does not depend on the cut: losses are sums, and the mean is in
// the masks (see minibatch.ts).
import type { Datum } from "../core/datum.ts";

export interface MicroBatches {
  /** Positions in the input, each exactly once; longest sequences first, so that running out of memory shows at once. */
  readonly batches: readonly (readonly number[])[];
  /** Padded tokens as a share of all tokens computed, in [0, 1). */
  readonly paddingShare: number;
}

/** Greedy by length: a micro-batch grows while rows × longest <= tokenBudget. A longer sequence goes alone. */
export function microBatchesByLength(data: readonly Datum[], tokenBudget: number): MicroBatches {
  const lengthOf = (i: number): number => (data[i] as Datum).tokens.length;
  const order = data.map((_, i) => i).sort((left, right) => lengthOf(right) - lengthOf(left));
  const batches: number[][] = [];
  let longest = 0;
  let computed = 0;
  for (const i of order) {
    const current = batches.at(-1);
    if (current !== undefined && (current.length + 1) * longest <= tokenBudget) current.push(i);
    else {
      batches.push([i]);
      longest = lengthOf(i);
    }
    computed += longest;
  }
  const real = data.reduce((n, datum) => n + datum.tokens.length, 0);
  return { batches, paddingShare: computed === 0 ? 0 : 1 - real / computed };
}
