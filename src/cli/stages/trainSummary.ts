// What a whole RL run adds up to: counts over all steps, and how the curves went, for the terminal and summary.json.
import type { MetricsRecord } from "../../runs/metrics.ts";
import { sparklineTable } from "../../runs/sparkline.ts";
import { renderTable } from "../../runs/table.ts";

const COUNTED = ["end/", "groups/dropped/", "trajectories/dropped/"] as const;
const COUNTED_NAMES = [
  "groups/prompts_drawn",
  "groups/surviving",
  "groups/begun",
  "groups/trained",
  "groups/rank_cut",
  "groups/cap_hit",
];
const CURVES = [
  "accuracy/mean",
  "reward/mean",
  "tool_calls/mean",
  "tool_calls/correct_mean",
  "response/tokens_mean",
  "response/visual_tokens_mean",
  "train/entropy",
  "train/grad_norm",
] as const;

/** Sums of every counting metric over the run. */
export function totalCounts(records: readonly MetricsRecord[]): Readonly<Record<string, number>> {
  const totals: Record<string, number> = {};
  for (const record of records)
    for (const [name, value] of Object.entries(record)) {
      const counted = COUNTED_NAMES.includes(name) || COUNTED.some((prefix) => name.startsWith(prefix));
      if (counted && typeof value === "number") totals[name] = (totals[name] ?? 0) + value;
    }
  return Object.fromEntries(Object.entries(totals).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function formatRunSummary(
  records: readonly MetricsRecord[],
  counts: Readonly<Record<string, number>>,
  trainingSeconds: number,
): string {
  const rows = CURVES.map((name) => ({
    title: name,
    values: records.flatMap((record) => (typeof record[name] === "number" ? [record[name]] : [])),
  }));
  const table = renderTable(["over all steps", "count"], Object.entries(counts));
  return [`${records.length} RL steps in ${trainingSeconds.toFixed(0)} s`, sparklineTable(rows), table].join(
    "\n\n",
  );
}
