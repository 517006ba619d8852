// The same items asked once more with something taken away, beside the real run: what the pictures and the tool were worth, in
// pairs, since both runs answered the same questions.
import { pairedDifference, type PairedDifference } from "../learning/statistics.ts";
import type { Aggregator } from "./aggregates/aggregate.ts";
import type { ItemRecord } from "./itemRecord.ts";
import { scoreOf } from "./summary.ts";

export const CONTROLS = ["no-image", "no-tool"] as const;
export type Control = (typeof CONTROLS)[number];

export interface ControlResult {
  readonly control: Control;
  /** Mean score in [0, 1], over all answers. */
  readonly with: number;
  readonly without: number;
  /** Mean over clusters of (real run minus control), 95%; null without items in both. */
  readonly difference: PairedDifference | null;
}

/** Mean scores of clusters of items in pairs: items that stand or fall together count as one. */
export function compareControl(
  control: Control,
  real: readonly ItemRecord[],
  changed: readonly ItemRecord[],
  { clusterOf }: Pick<Aggregator, "clusterOf">,
): ControlResult {
  const other = new Map(changed.map((record) => [`${record.position}/${record.repeat}`, record.score]));
  const clusters = new Map<string, { real: number[]; changed: number[] }>();
  for (const record of real) {
    const score = other.get(`${record.position}/${record.repeat}`);
    if (score === undefined) continue;
    const name = clusterOf(scoreOf(record).item);
    const cluster = clusters.get(name) ?? { real: [], changed: [] };
    cluster.real.push(record.score);
    cluster.changed.push(score);
    clusters.set(name, cluster);
  }
  const pairs = [...clusters.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pair]) => pair);
  return {
    control,
    with: average(real.map(({ score }) => score)),
    without: average(changed.map(({ score }) => score)),
    difference:
      pairedDifference(
        pairs.map((pair) => average(pair.changed)),
        pairs.map((pair) => average(pair.real)),
      ) ?? null,
  };
}

const average = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((total, value) => total + value, 0) / values.length;
