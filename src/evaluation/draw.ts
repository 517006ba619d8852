// Which items are asked when not all are: clusters (a question with its rotations, a problem with its parts) in an order that
// the seed gives, whole, until the limit is reached. So everybody with the seed asks the same, a smaller limit asks a part
// of what a larger one does, and measures over clusters mean what they mean over all items.
import { randomStream } from "../core/random.ts";

/**
 * @param clusters of each item, by position
 * @param limit items at most; the first cluster is taken even where it is larger
 * @returns positions in their own order
 */
export function drawItems(clusters: readonly string[], limit: number, seed: number): readonly number[] {
  const positions = new Map<string, number[]>();
  clusters.forEach((cluster, position) => {
    const held = positions.get(cluster);
    if (held === undefined) positions.set(cluster, [position]);
    else held.push(position);
  });
  const drawn: number[] = [];
  for (const cluster of randomStream(seed, "items").shuffle([...positions.values()])) {
    if (drawn.length > 0 && drawn.length + cluster.length > limit) break;
    drawn.push(...cluster);
  }
  return drawn.sort((a, b) => a - b);
}
