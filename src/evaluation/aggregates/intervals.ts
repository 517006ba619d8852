// 95% intervals of aggregates, and what several answers to each item say together: avg@k and pass@k.
import { randomStream } from "../../core/random.ts";
import { type Interval, mean, type PairedDifference, wilson, z95 } from "../../learning/statistics.ts";
import { studentT95 } from "../../runs/curves.ts";
import type { Aggregate, Aggregator, Formula, ItemScore, Metric, Sums } from "./aggregate.ts";
import { clustersOf, Table } from "./table.ts";

export const DRAWS = 1000;

/**
 * The aggregate with an interval for each number: Wilson's where it is a share of right answers to items that stand alone,
 * else percentiles of `DRAWS` draws of clusters with replacement, wider where clusters are few. Where every draw would be all right or all wrong, Wilson's
 * over the clusters, which are the trials then. None where fewer than two clusters bear on a number.
 * @param seed the same seed and scores give the same intervals, in whatever order the scores come
 */
export function withIntervals(aggregator: Aggregator, scores: readonly ItemScore[], seed: number): Aggregate {
  return repeated(aggregator, [scores], seed);
}

/**
 * avg@k: each number as the mean of its k values. Drawn clusters bring all their repeats, so that answers to one item do not
 * pass for answers to k.
 * @param scoresByRepeat one score of every item in each
 * @param seed for intervals; none without
 * @throws RangeError unless all repeats are of the same items
 */
export function repeated(
  aggregator: Aggregator,
  scoresByRepeat: readonly (readonly ItemScore[])[],
  seed?: number,
): Aggregate {
  const tables = tablesOf(aggregator, scoresByRepeat);
  const whole = tables.map((table) => table.totals());
  const { headline, metrics } = aggregator.additive.formulas(whole[0] as Sums);
  const formulas = [headline, ...metrics];
  const drawn =
    seed === undefined
      ? []
      : draw(
          tables,
          seed,
          formulas.map((formula) => (sums: readonly Sums[]) => meanValue(formula, sums)),
        );
  const [first, ...others] = formulas.map((formula, i): Metric => {
    const value = meanValue(formula, whole);
    const interval =
      seed === undefined || value === null ? undefined : intervalOf(formula, value, tables, drawn[i] ?? []);
    return {
      name: formula.name,
      value,
      count: formula.count(whole[0] as Sums),
      ...(interval !== undefined && { interval }),
    };
  });
  return { headline: first as Metric, metrics: others };
}

export interface PairedHeadlines {
  /** The headline of each; null when nothing can be said. */
  readonly real: number | null;
  readonly changed: number | null;
  /** real - changed, 95% by drawing clusters, each with its answers in both. */
  readonly difference: PairedDifference | null;
}

/**
 * The same items answered twice in different ways: how far the headlines are apart.
 * @param real one score of every item for each repeat; `changed` of the same items
 */
export function pairedHeadlines(
  aggregator: Aggregator,
  real: readonly (readonly ItemScore[])[],
  changed: readonly (readonly ItemScore[])[],
  seed: number,
): PairedHeadlines {
  const tables = tablesOf(aggregator, [...real, ...changed]);
  const whole = tables.map((table) => table.totals());
  const { headline } = aggregator.additive.formulas(whole[0] as Sums);
  const headlineOf = (sums: readonly Sums[]): number | null => meanValue(headline, sums);
  const differenceOf = (sums: readonly Sums[]): number | null => {
    const [first, second] = [headlineOf(sums.slice(0, real.length)), headlineOf(sums.slice(real.length))];
    return first === null || second === null ? null : first - second;
  };
  const difference = differenceOf(whole);
  const clusters = clustersOfCells(headline, tables);
  const [drawn] = draw(tables, seed, [differenceOf]) as [number[]];
  return {
    real: headlineOf(whole.slice(0, real.length)),
    changed: headlineOf(whole.slice(real.length)),
    difference:
      difference === null || clusters < 2
        ? null
        : { difference, ...intervalOfDifference(difference, drawn, clusters), pairs: clusters },
  };
}

/** Where all draws are equal they do not tell how sure that is; then what so many clusters could hide of another kind. */
function intervalOfDifference(difference: number, drawn: readonly number[], clusters: number): Interval {
  const hidden = drawn[0] === drawn.at(-1) ? (wilson(0, clusters)?.high ?? 0) : 0;
  const { low, high } = percentiles(drawn, difference, clusters);
  return { low: Math.max(-1, low - hidden), high: Math.min(1, high + hidden) };
}

function tablesOf(
  aggregator: Aggregator,
  scoresByRepeat: readonly (readonly ItemScore[])[],
): readonly Table[] {
  const repeats = scoresByRepeat.map((scores) => clustersOf(aggregator.clusterOf, scores));
  const names = repeats.map((clusters) => JSON.stringify(clusters.flat().map(({ item }) => item.id)));
  if (repeats.length === 0 || new Set(names).size > 1)
    throw new RangeError(
      `repeats must be of the same items, at least one; got ${repeats.length} of ${scoresByRepeat
        .map((scores) => scores.length)
        .join(", ")} items: give a missing answer the score 0`,
    );
  return repeats.map((clusters) => new Table(aggregator.additive, clusters));
}

const meanValue = (formula: Formula, repeats: readonly Sums[]): number | null =>
  mean(repeats.map((sums) => formula.value(sums)).filter((value) => value !== null)) ?? null;

type Statistic = (sums: readonly Sums[]) => number | null;

/** Values of each statistic over the draws, sorted; a draw that says nothing of it is not among them. */
function draw(tables: readonly Table[], seed: number, statistics: readonly Statistic[]): readonly number[][] {
  const values = statistics.map((): number[] => []);
  const clusters = (tables[0] as Table).clusters;
  if (clusters < 2) return values;
  const random = randomStream(seed, "intervals");
  const drawn = new Uint32Array(clusters);
  for (let i = 0; i < DRAWS; i++) {
    for (let j = 0; j < clusters; j++) drawn[j] = random.below(clusters);
    const sums = tables.map((table) => table.totals(drawn));
    for (const [j, statistic] of statistics.entries()) {
      const value = statistic(sums);
      if (value !== null) values[j]?.push(value);
    }
  }
  for (const list of values) list.sort((a, b) => a - b);
  return values;
}

const clustersOfCells = ({ cells }: Formula, [table]: readonly Table[]): number =>
  Math.min(...cells.map((cell) => (table as Table).clustersWith(cell)));

function intervalOf(
  formula: Formula,
  value: number,
  tables: readonly Table[],
  drawn: readonly number[],
): Interval | undefined {
  const [table] = tables as [Table];
  const clusters = clustersOfCells(formula, tables);
  if (clusters < 2) return undefined;
  const trials = Math.min(clusters, formula.count(table.totals()));
  const [cell] = formula.cells as [string];
  const isShare = formula.plain && tables.length === 1 && table.isOfSingleRights(cell);
  if (isShare || value === 0 || value === 1) return wilson(value * trials, trials);
  const { low, high } = percentiles(drawn, value, clusters);
  return { low: Math.max(0, low), high: Math.min(1, high) };
}

/**
 * The middle 95% of the draws, stretched about the value by what few clusters ask for: draws of n have the spread of n, not of
 * n - 1, and Student's t is wider than the normal distribution.
 */
function percentiles(drawn: readonly number[], value: number, clusters: number): Interval {
  const stretch = (studentT95(clusters - 1) / z95) * Math.sqrt(clusters / (clusters - 1));
  const bound = (share: number): number => value + (percentile(drawn, share) - value) * stretch;
  return { low: bound(0.025), high: bound(0.975) };
}

/** Between the two nearest values, linearly. */
function percentile(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)] as number, sorted[Math.ceil(place)] as number];
  return below + (above - below) * (place - Math.floor(place));
}
