// Aggregators out of sums over clusters, and the formulas that most of them are made of.
import type { Additive, Aggregate, Aggregator, Formula, ItemScore, Metric, Sums } from "./aggregate.ts";
import { clustersOf, Table } from "./table.ts";

export interface Parts extends Additive {
  /** The cell of all items where the headline is their plain mean; absent where it is a mean of means. */
  readonly total?: string;
}

/**
 * An aggregator whose numbers depend neither on the order of the scores nor on how items are spread over a run.
 *
 * Items without labels are known to no category, and make up none: neither `tally` nor `formulas` sees them. They enter the
 * cell `total`. Where there is none, each is a wrong one more of what the headline counts: value · count / (count + unlabelled).
 * Of We-Math these are groups, since one row that cannot be read leaves its group incomplete; where two rows of a group cannot,
 * that is lower than it need be.
 */
export function additive(clusterOf: Aggregator["clusterOf"], { total, ...own }: Parts): Aggregator {
  const parts = withUnlabelled(own, total);
  return {
    clusterOf,
    additive: parts,
    aggregate: (scores) => {
      const sums = new Table(parts, clustersOf(clusterOf, scores)).totals();
      const { headline, metrics } = parts.formulas(sums);
      const metricOf = (formula: Formula): Metric => ({
        name: formula.name,
        value: formula.value(sums),
        count: formula.count(sums),
      });
      return { headline: metricOf(headline), metrics: metrics.map(metricOf) } satisfies Aggregate;
    },
  };
}

const UNLABELLED = "unlabelled items";

export const isUnlabelled = ({ labels }: Pick<ItemScore["item"], "labels">): boolean =>
  Object.keys(labels).length === 0;

function withUnlabelled({ tally, formulas }: Additive, total?: string): Additive {
  return {
    tally: (cluster, add) => {
      const labelled = cluster.filter(({ item }) => !isUnlabelled(item));
      if (labelled.length > 0) tally(labelled, add);
      for (const { item, score } of cluster) if (isUnlabelled(item)) add(total ?? UNLABELLED, score, 1);
    },
    formulas: (sums) => {
      const cells = sums.cells.filter((cell) => cell !== UNLABELLED);
      const { headline, metrics } = formulas({ ...sums, cells });
      if (cells.length === sums.cells.length) return { headline, metrics };
      return {
        headline: countingUnlabelled(headline),
        metrics: metrics.map((formula) => (formula.overAll ? countingUnlabelled(formula) : formula)),
      };
    },
  };
}

function countingUnlabelled(formula: Formula): Formula {
  const count = (sums: Sums): number => formula.count(sums) + sums.count(UNLABELLED);
  return {
    ...formula,
    plain: false,
    value: (sums) => {
      if (sums.count(UNLABELLED) === 0) return formula.value(sums);
      return ((formula.value(sums) ?? 0) * formula.count(sums)) / count(sums);
    },
    count,
  };
}

/** Sum by count of one cell. */
export function share(name: string, cell: string): Formula {
  return {
    name,
    cells: [cell],
    plain: true,
    value: (sums) => ratio(sums.sum(cell), sums.count(cell)),
    count: (sums) => sums.count(cell),
  };
}

/** Plain mean of the parts about which something can be said; null when there is none. */
export function meanOf(name: string, parts: readonly Formula[]): Formula {
  return {
    name,
    cells: parts.flatMap(({ cells }) => cells),
    plain: false,
    value: (sums) => {
      const values = parts.map((part) => part.value(sums)).filter((value) => value !== null);
      return ratio(
        values.reduce((sum, value) => sum + value, 0),
        values.length,
      );
    },
    count: (sums) => parts.reduce((sum, part) => sum + part.count(sums), 0),
  };
}

export const ratio = (sum: number, count: number): number | null => (count === 0 ? null : sum / count);

/** What follows `prefix` in the cells that begin with it: first those of `order`, then the others by code point. */
export function present(sums: Sums, prefix: string, order: readonly string[] = []): readonly string[] {
  const found = sums.cells.flatMap((cell) => (cell.startsWith(prefix) ? [cell.slice(prefix.length)] : []));
  const known = order.filter((value) => found.includes(value));
  return [...known, ...found.filter((value) => !known.includes(value))];
}

/** A label's value; "(none)" where an item has none, so that it is seen and counted. */
export const labelOf = ({ item }: ItemScore, label: string): string => item.labels[label] ?? "(none)";

export interface AccuracyOptions {
  readonly headline?: string;
  /** Values in the order of a report; others follow by code point. */
  readonly order?: readonly string[];
  readonly clusterOf?: Aggregator["clusterOf"];
}

/** Plain accuracy over all items, and for each value of each of the labels. */
export function accuracyBy(
  labels: readonly string[],
  { headline = "accuracy", order = [], clusterOf = (item) => item.id }: AccuracyOptions = {},
): Aggregator {
  return additive(clusterOf, {
    total: "all",
    tally: (cluster, add) => {
      for (const score of cluster) {
        add("all", score.score, 1);
        for (const label of labels) add(`${label} ${labelOf(score, label)}`, score.score, 1);
      }
    },
    formulas: (sums) => ({
      headline: share(headline, "all"),
      metrics: labels.flatMap((label) =>
        present(sums, `${label} `, order).map((value) => share(value, `${label} ${value}`)),
      ),
    }),
  });
}
