// The rewards of one group on an axis: a dot a member, filled when right, hollow when wrong, grey when undecided, a cross
// when it was broken. Equal rewards are stacked. The band is the mean and one standard deviation to each side: the
// spread that groups are ranked by.
import type { SetTable, TableGroup } from "../../src/viewer/tableCodec.ts";

export interface RewardsProps {
  readonly table: SetTable;
  readonly group: TableGroup;
  readonly extent: readonly [low: number, high: number];
  /** Row of the trajectory that is open. */
  readonly current?: number;
  readonly hrefOf?: (row: number) => string;
  readonly height?: number;
}

const ruined = new Set([
  "turnTokenLimit",
  "contextLimit",
  "imageLimit",
  "noAction",
  "sandboxFailure",
  "imageMismatch",
  "noSampledTokens",
]);

/** Lowest and highest reward of a set, from 0 where that is near; what the strips of the set share as axis. */
export function rewardExtent({ reward }: SetTable): [number, number] {
  let low = 0;
  let high = 0;
  for (const value of reward) {
    if (Number.isNaN(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return high > low ? [low, high] : [low, low + 1];
}

const width = 240;
const edge = 8;

export function rewardX(value: number, [low, high]: readonly [number, number]): number {
  return edge + ((value - low) / (high - low)) * (width - 2 * edge);
}

export function Rewards({ table, group, extent, current, hrefOf, height = 30 }: RewardsProps) {
  const rows = Array.from({ length: group.count }, (_, i) => group.start + i);
  const stacked = new Map<string, number>();
  const countAt = new Map<string, number>();
  for (const row of rows) {
    const slot = (table.reward[row] as number).toFixed(3);
    countAt.set(slot, (countAt.get(slot) ?? 0) + 1);
  }
  const judged = rows
    .map((row) => table.reward[row] as number)
    .filter((_, i) => table.accuracy[rows[i] as number] !== 2);
  const mean = judged.reduce((sum, value) => sum + value, 0) / judged.length;
  const spread = group.spread ?? 0;
  const middle = height / 2;
  const dots = rows.map((row) => {
    const reward = table.reward[row] as number;
    const slot = reward.toFixed(3);
    const nth = stacked.get(slot) ?? 0;
    stacked.set(slot, nth + 1);
    const among = countAt.get(slot) as number;
    const gap = Math.min(6, (height - 9) / Math.max(1, among - 1));
    const x = rewardX(Number.isNaN(reward) ? extent[0] : reward, extent);
    const y = middle + (nth - (among - 1) / 2) * gap;
    return { row, x, y };
  });
  return (
    <svg
      class="rewards"
      viewBox={`0 0 ${width} ${height}`}
      height={height}
      preserveAspectRatio="xMidYMid meet"
      aria-hidden="true"
    >
      <line class="rewards-axis" x1={edge} x2={width - edge} y1={middle} y2={middle} />
      {judged.length > 0 && spread > 0 && (
        <>
          <rect
            class="rewards-band"
            x={Math.max(0, rewardX(mean - spread, extent))}
            width={
              Math.min(width, rewardX(mean + spread, extent)) - Math.max(0, rewardX(mean - spread, extent))
            }
            y={3}
            height={height - 6}
            rx={4}
          />
          <line
            class="rewards-mean"
            x1={rewardX(mean, extent)}
            x2={rewardX(mean, extent)}
            y1={3}
            y2={height - 3}
          />
        </>
      )}
      {dots.map(({ row, x, y }) => {
        const mark = <Mark table={table} row={row} x={x} y={y} current={row === current} />;
        return hrefOf === undefined ? (
          mark
        ) : (
          <a key={row} href={hrefOf(row)} tabIndex={-1}>
            <circle cx={x} cy={y} r={7} fill="transparent" />
            {mark}
          </a>
        );
      })}
    </svg>
  );
}

function Mark({
  table,
  row,
  x,
  y,
  current,
}: {
  table: SetTable;
  row: number;
  x: number;
  y: number;
  current: boolean;
}) {
  const accuracy = table.accuracy[row];
  const kind = accuracy === 1 ? "right" : accuracy === 0 ? "wrong" : "undecided";
  const broken = ruined.has(table.fates[table.fate[row] as number] ?? "");
  return (
    <g class={`mark mark-${kind}${current ? " mark-current" : ""}`}>
      {current && <circle cx={x} cy={y} r={7} class="mark-ring" />}
      {broken ? (
        <path d={`M${x - 3},${y - 3}l6,6m0,-6l-6,6`} class="mark-cross" />
      ) : (
        <circle cx={x} cy={y} r={3.6} />
      )}
      <title>{`member ${table.member[row]}: reward ${(table.reward[row] as number).toFixed(3)}, ${kind}`}</title>
    </g>
  );
}
