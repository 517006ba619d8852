// A draw from a short list by relative weights, which need not sum to 1.
import type { Random } from "../../core/random.ts";

/** Items without a weight are never drawn. @throws RangeError when no weight is above 0. */
export function drawWeighted<T extends string>(
  items: readonly T[],
  weights: Readonly<Partial<Record<T, number>>>,
  random: Random,
): T {
  const weighted = items
    .map((item) => [item, weights[item] ?? 0] as const)
    .filter(([, weight]) => weight > 0);
  let rest = random.next() * weighted.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [item, weight] of weighted) {
    if (rest < weight) return item;
    rest -= weight;
  }
  const last = weighted.at(-1);
  if (last === undefined) throw new RangeError(`no weight above 0 among ${JSON.stringify(weights)}`);
  return last[0];
}
