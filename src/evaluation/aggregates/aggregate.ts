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
  /**
   * Every score counts, a missing answer as 0: nothing is dropped. An item without any label, which is one whose row cannot be
   * read, belongs to no category: it counts in the headline alone (additive.ts).
   */
  aggregate(scores: readonly ItemScore[]): Aggregate;
  /** Items that stand or fall together (a question in four rotations, ten variants of a seed): intervals draw these. */
  clusterOf(item: ItemScore["item"]): string;
  /** What `aggregate` is computed from, and computed again from whenever clusters are drawn. */
  readonly additive: Additive;
}

/** Every aggregate here is made of sums over clusters: whoever draws clusters adds up theirs again. */
export interface Additive {
  /** What one cluster brings to each cell. Cells are named as the formulas read them. */
  tally(cluster: readonly ItemScore[], add: Add): void;
  /** Which numbers are reported, given the cells that all items together bring. */
  formulas(sums: Sums): { readonly headline: Formula; readonly metrics: readonly Formula[] };
}

export type Add = (cell: string, sum: number, count: number) => void;

export interface Sums {
  /** In code-point order. */
  readonly cells: readonly string[];
  /** 0 for a cell that does not exist. */
  sum(cell: string): number;
  count(cell: string): number;
}

export interface Formula {
  readonly name: string;
  /** The cells it is made of. */
  readonly cells: readonly string[];
  /** The plain mean of its only cell. */
  readonly plain: boolean;
  /** Over all items, as the headline is: those without labels count in it as wrong. */
  readonly overAll?: true;
  value(sums: Sums): number | null;
  count(sums: Sums): number;
}
