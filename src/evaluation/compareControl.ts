// The same items asked once more with something taken away, beside the real run: what the pictures and the tool were worth, in
// pairs, since both runs answered the same questions.
import type { PairedDifference } from "../learning/statistics.ts";
import type { Aggregator } from "./aggregates/aggregate.ts";
import { pairedHeadlines } from "./aggregates/intervals.ts";
import type { ItemRecord } from "./itemRecord.ts";
import { scoreOf } from "./summary.ts";

export const CONTROLS = ["no-image", "no-tool"] as const;
export type Control = (typeof CONTROLS)[number];

export interface ControlResult {
  readonly control: Control;
  /** The headline of each over the answers that both have, in [0, 1]; null when nothing can be said. */
  readonly with: number | null;
  readonly without: number | null;
  /** with - without, 95% by clusters of items; null for fewer than two. */
  readonly difference: PairedDifference | null;
}

/** @param seed of the drawn clusters */
export function compareControl(
  control: Control,
  real: readonly ItemRecord[],
  changed: readonly ItemRecord[],
  aggregator: Aggregator,
  seed: number,
): ControlResult {
  const keyOf = ({ position, repeat }: ItemRecord): string => `${position}/${repeat}`;
  const [answered, answeredToo] = [real, changed].map((records) => new Set(records.map(keyOf)));
  const inBoth = (key: string): boolean => answered?.has(key) === true && answeredToo?.has(key) === true;
  const repeats = [...new Set(real.map(({ repeat }) => repeat))];
  const byRepeat = (records: readonly ItemRecord[]) =>
    repeats.map((repeat) =>
      records.filter((record) => record.repeat === repeat && inBoth(keyOf(record))).map(scoreOf),
    );
  const paired = pairedHeadlines(aggregator, byRepeat(real), byRepeat(changed), seed);
  return { control, with: paired.real, without: paired.changed, difference: paired.difference };
}
