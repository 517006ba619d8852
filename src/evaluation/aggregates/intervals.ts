// 95% intervals of aggregates, and what several answers to each item say together: avg@k and pass@k.
import { randomStream } from "../../core/random.ts";
import { type Interval, mean, wilson } from "../../learning/statistics.ts";
import type { Aggregate, Aggregator, Formula, ItemScore, Metric, Sums } from "./aggregate.ts";
import { clustersOf, Table } from "./table.ts";

export const DRAWS = 1000;

/**
 * The aggregate with an interval for each number: Wilson's where it is a share of right answers to items that stand alone,
 * else percentiles of `DRAWS` draws of clusters with replacement. Where every draw would be all right or all wrong, Wilson's
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
  const repeats = scoresByRepeat.map((scores) => clustersOf(aggregator.clusterOf, scores));
  const names = repeats.map((clusters) => JSON.stringify(clusters.flat().map(({ item }) => item.id)));
  if (repeats.length === 0 || new Set(names).size > 1)
    throw new RangeError(
      `repeats must be of the same items, at least one; got ${repeats.length} of ${scoresByRepeat
        .map((scores) => scores.length)
        .join(", ")} items: give a missing answer the score 0`,
    );
  const tables = repeats.map((clusters) => new Table(aggregator.additive, clusters));
  const whole = tables.map((table) => table.totals());
  const { headline, metrics } = aggregator.additive.formulas(whole[0] as Sums);
  const formulas = [headline, ...metrics];
  const drawn = seed === undefined ? [] : draw(tables, formulas, seed);
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

const meanValue = (formula: Formula, repeats: readonly Sums[]): number | null =>
  mean(repeats.map((sums) => formula.value(sums)).filter((value) => value !== null)) ?? null;

/** Values of each formula over the draws, sorted; a draw that says nothing of a formula is not among them. */
function draw(tables: readonly Table[], formulas: readonly Formula[], seed: number): readonly number[][] {
  const values = formulas.map((): number[] => []);
  const clusters = (tables[0] as Table).clusters;
  if (clusters < 2) return values;
  const random = randomStream(seed, "intervals");
  const drawn = new Uint32Array(clusters);
  for (let i = 0; i < DRAWS; i++) {
    for (let j = 0; j < clusters; j++) drawn[j] = random.below(clusters);
    const sums = tables.map((table) => table.totals(drawn));
    for (const [j, formula] of formulas.entries()) {
      const value = meanValue(formula, sums);
      if (value !== null) values[j]?.push(value);
    }
  }
  for (const list of values) list.sort((a, b) => a - b);
  return values;
}

function intervalOf(
  formula: Formula,
  value: number,
  tables: readonly Table[],
  drawn: readonly number[],
): Interval | undefined {
  const [table] = tables as [Table];
  const clusters = Math.min(...formula.cells.map((cell) => table.clustersWith(cell)));
  if (clusters < 2) return undefined;
  const trials = Math.min(clusters, formula.count(table.totals()));
  const [cell] = formula.cells as [string];
  const isShare = formula.plain && tables.length === 1 && table.isOfSingleRights(cell);
  if (isShare || value === 0 || value === 1) return wilson(value * trials, trials);
  return { low: percentile(drawn, 0.025), high: percentile(drawn, 0.975) };
}

/** Between the two nearest values, linearly. */
function percentile(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)] as number, sorted[Math.ceil(place)] as number];
  return below + (above - below) * (place - Math.floor(place));
}
