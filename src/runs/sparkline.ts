// Curves in a terminal: one line a metric, with a row of block characters from its lowest to its highest value.
import { formatCount } from "./format.ts";
import { renderTable } from "./table.ts";

const blocks = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;

/**
 * `width` characters at most, each the mean of its share of the values; a share without a finite value is a space. A
 * flat series stands in the middle.
 */
export function sparkline(values: readonly number[], width: number): string {
  const cells = Math.min(width, values.length);
  const means = Array.from({ length: cells }, (_, cell) => {
    const from = Math.floor((cell * values.length) / cells);
    const to = Math.floor(((cell + 1) * values.length) / cells);
    const finite = values.slice(from, to).filter(Number.isFinite);
    return finite.length === 0 ? NaN : finite.reduce((sum, value) => sum + value, 0) / finite.length;
  });
  const shown = means.filter(Number.isFinite);
  const low = Math.min(...shown);
  const high = Math.max(...shown);
  return means
    .map((value) => {
      if (!Number.isFinite(value)) return " ";
      const share = high > low ? (value - low) / (high - low) : 0.5;
      return blocks[Math.min(blocks.length - 1, Math.floor(share * blocks.length))];
    })
    .join("");
}

export interface SparklineRow {
  readonly title: string;
  readonly values: readonly number[];
}

/** A table: title, first value, curve, last value, lowest and highest. */
export function sparklineTable(rows: readonly SparklineRow[], width = 32): string {
  const shown = (value: number | undefined): string => (value === undefined ? "–" : formatCount(value));
  return renderTable(
    [
      "",
      { title: "first", align: "right" },
      "curve",
      { title: "last", align: "right" },
      { title: "min", align: "right" },
      { title: "max", align: "right" },
    ],
    rows.map(({ title, values }) => {
      const finite = values.filter(Number.isFinite);
      const [low, high] = finite.length === 0 ? [] : [Math.min(...finite), Math.max(...finite)];
      return [
        title,
        shown(finite[0]),
        sparkline(values, width),
        shown(finite.at(-1)),
        shown(low),
        shown(high),
      ];
    }),
  );
}
