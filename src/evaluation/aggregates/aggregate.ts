// How a benchmark's authors make numbers of scores: pure functions over scored items.
import type { Interval } from "../../learning/statistics.ts";
import type { BenchmarkItem } from "../../tasks/benchmarks/item.ts";

/** One answer to one item. */
export interface ItemScore {
  readonly item: Pick<BenchmarkItem, "id" | "questionType" | "labels">;
  /** In [0, 1]. */
  readonly score: number;
}

export interface Metric {
  readonly name: string;
  /** In [0, 1]; null where nothing can be said (a share of nothing). */
  readonly value: number | null;
  /** Items it is over. */
  readonly count: number;
  /** 95%. */
  readonly interval?: Interval;
}

export interface Aggregate {
  /** The number that papers print. */
  readonly headline: Metric;
  /** All others, in the authors' order. */
  readonly metrics: readonly Metric[];
}

export interface Aggregator {
  /** Every score counts, a missing answer as 0: nothing is dropped. */
  aggregate(scores: readonly ItemScore[]): Aggregate;
  /** Items that stand or fall together (a question in four rotations, ten variants of a seed): intervals draw these. */
  clusterOf(item: ItemScore["item"]): string;
}
