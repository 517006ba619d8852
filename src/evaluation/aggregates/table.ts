// Scores as sums of clusters and cells.
import type { Additive, Aggregator, ItemScore, Sums } from "./aggregate.ts";

/** Clusters by name and items by id, so that sums are the same to the last bit whatever came in first. */
export function clustersOf(
  clusterOf: Aggregator["clusterOf"],
  scores: readonly ItemScore[],
): readonly (readonly ItemScore[])[] {
  const clusters = new Map<string, ItemScore[]>();
  for (const score of scores) {
    const name = clusterOf(score.item);
    const cluster = clusters.get(name);
    if (cluster === undefined) clusters.set(name, [score]);
    else cluster.push(score);
  }
  return [...clusters]
    .sort(([a], [b]) => byCodePoint(a, b))
    .map(([, cluster]) => cluster.sort((a, b) => byCodePoint(a.item.id, b.item.id)));
}

const byCodePoint = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** What each cluster brings to each cell, to be added up for any draw of clusters. E is entries: one cell of one cluster. */
export class Table {
  readonly clusters: number;
  readonly #cells: readonly string[];
  readonly #places: ReadonlyMap<string, number>;
  /** Entries of cluster i are those from starts[i] to starts[i + 1]. */
  readonly #starts: readonly number[];
  readonly #places_E: Uint32Array;
  readonly #sums_E: Float64Array;
  readonly #counts_E: Float64Array;
  readonly #clustersWith = new Map<string, number>();
  readonly #notSingleRights = new Set<string>();

  constructor({ tally }: Additive, clusters: readonly (readonly ItemScore[])[]) {
    const names: string[] = [];
    const [sums, counts, starts]: [number[], number[], number[]] = [[], [], [0]];
    for (const cluster of clusters) {
      const brought = new Map<string, { sum: number; count: number }>();
      tally(cluster, (cell, sum, count) => {
        const held = brought.get(cell) ?? { sum: 0, count: 0 };
        brought.set(cell, { sum: held.sum + sum, count: held.count + count });
      });
      for (const [cell, { sum, count }] of brought) {
        names.push(cell);
        sums.push(sum);
        counts.push(count);
        this.#clustersWith.set(cell, this.clustersWith(cell) + 1);
        if (count !== 1 || (sum !== 0 && sum !== 1)) this.#notSingleRights.add(cell);
      }
      starts.push(names.length);
    }
    this.clusters = clusters.length;
    this.#cells = [...new Set(names)].sort(byCodePoint);
    this.#places = new Map(this.#cells.map((cell, i) => [cell, i]));
    this.#starts = starts;
    this.#places_E = Uint32Array.from(names, (name) => this.#places.get(name) as number);
    this.#sums_E = Float64Array.from(sums);
    this.#counts_E = Float64Array.from(counts);
  }

  /** @param drawn places of clusters, as often as they were drawn; all of them once without it */
  totals(drawn: Iterable<number> = Array.from({ length: this.clusters }, (_, i) => i)): Sums {
    const sums = new Float64Array(this.#cells.length);
    const counts = new Float64Array(this.#cells.length);
    for (const cluster of drawn) {
      const end = this.#starts[cluster + 1] as number;
      for (let entry = this.#starts[cluster] as number; entry < end; entry++) {
        const place = this.#places_E[entry] as number;
        sums[place] = (sums[place] as number) + (this.#sums_E[entry] as number);
        counts[place] = (counts[place] as number) + (this.#counts_E[entry] as number);
      }
    }
    const read = (values: Float64Array, cell: string): number => values[this.#places.get(cell) ?? -1] ?? 0;
    return { cells: this.#cells, sum: (cell) => read(sums, cell), count: (cell) => read(counts, cell) };
  }

  /** Clusters that bring something to the cell. */
  clustersWith(cell: string): number {
    return this.#clustersWith.get(cell) ?? 0;
  }

  /** Whether the cell is of one 0 or 1 of each cluster. */
  isOfSingleRights(cell: string): boolean {
    return !this.#notSingleRights.has(cell);
  }
}
