// How many to take of each bin: all bins get one cap, the largest with which the rules hold, so that the rare lengths stay
// whole and the frequent ones give way (water filling).

export interface CapOptions {
  /** Largest share of one bin, above 0 and up to 1. With fewer than 1 / maxShare bins (or dialogues): equal parts. */
  readonly maxShare: number;
  /** Sum at most. */
  readonly dialogues?: number;
}

/** @returns the size of each bin after the cut, in order; what an even cut leaves of `dialogues` goes to the first bins */
export function capOf(counts: readonly number[], { maxShare, dialogues }: CapOptions): number[] {
  const filled = counts.filter((n) => n > 0).length;
  if (filled === 0) return counts.map(() => 0);
  const share = Math.max(maxShare, 1 / Math.min(filled, dialogues ?? filled));
  const sumAt = (cap: number): number => counts.reduce((sum, n) => sum + Math.min(n, cap), 0);
  // min(n, cap) / sum(cap) grows with cap where it is more than its part, so the largest cap that holds is found by halving.
  const holds = (cap: number): boolean =>
    Math.min(cap, Math.max(...counts)) <= share * sumAt(cap) + 1e-9 && sumAt(cap) <= (dialogues ?? Infinity);
  let low = 0;
  let high = Math.max(...counts);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (holds(middle)) low = middle;
    else high = middle - 1;
  }
  const sizes = counts.map((n) => Math.min(n, low));
  const open = counts.flatMap((n, i) => (n > low ? [i] : []));
  const left = Math.min((dialogues ?? 0) - sumAt(low), open.length);
  if (left > 0 && low + 1 <= share * (sumAt(low) + left) + 1e-9)
    for (const i of open.slice(0, left)) sizes[i] = low + 1;
  return sizes;
}
