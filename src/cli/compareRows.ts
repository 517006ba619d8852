// The rows of `pyvision compare`: each quantity as mean over seeds with its 95% interval, then what separates every name
// from the first. Runs of the same seeds are compared in pairs, since they were asked the same held-out tasks.
import { ConfigError } from "../core/errors.ts";
import { mean } from "../learning/statistics.ts";
import { studentT95 } from "../runs/curves.ts";
import type { MetricsRecord } from "../runs/metrics.ts";
import type { RunDirectory } from "../runs/runDirectory.ts";

/** Runs under one name, one a seed. */
export interface Series {
  readonly label: string;
  readonly runs: readonly RunDirectory[];
}

const LAST_STEPS = 10;

/** The metrics of the table: means over the last steps of each run. */
const FINAL = [
  "accuracy/mean",
  "tool_calls/mean",
  "tool_calls/correct_mean",
  "tool_calls/none_share",
  "response/tokens_mean",
  "response/visual_tokens_mean",
  "train/entropy",
  "train/grad_norm",
  "advantage/correct_negative_share",
] as const;

type Field = "accuracy" | "toolCalls" | "visualTokens";
type When = "before" | "after";
const TITLES: Readonly<Record<Field, string>> = {
  accuracy: "accuracy",
  toolCalls: "tool calls",
  visualTokens: "visual tokens",
};

/** Title first, then a cell for each series. @throws ConfigError for a run whose RL stage has not finished. */
export function comparisonRows(series: readonly Series[]): string[][] {
  const heldOutRows = (Object.keys(TITLES) as Field[]).flatMap((field) =>
    (["before", "after"] as const).map((when) => [
      `held-out ${TITLES[field]} ${when}`,
      ...series.map(({ runs }) => withInterval(runs.map((run) => heldOut(run, when, field)))),
    ]),
  );
  const trainingRows = FINAL.map((metric) => [
    `${metric}, last ${LAST_STEPS} steps`,
    ...series.map(({ runs }) => withInterval(runs.map((run) => meanOfLast(run.readMetrics(), metric)))),
  ]);
  return [...heldOutRows, ...againstFirst(series), ...trainingRows];
}

/** Difference of accuracy and ratio of visual tokens after training. None for a single name. */
function againstFirst([first, ...others]: readonly Series[]): string[][] {
  if (first === undefined || others.length === 0) return [];
  const row = (
    title: string,
    field: Field,
    relation: (value: number, reference: number) => number,
  ): string[] => [
    `${title} ${first.label}`,
    "",
    ...others.map((other) => {
      const reference = bySeed(first, field);
      const values = bySeed(other, field);
      const paired =
        reference.size === values.size && [...values.keys()].every((seed) => reference.has(seed));
      if (paired && reference.size === first.runs.length && values.size === other.runs.length)
        return withInterval(
          [...values].map(([seed, value]) => relation(value, reference.get(seed) as number)),
        );
      const means = [other, first].map(
        ({ runs }) => mean(runs.map((run) => heldOut(run, "after", field))) ?? NaN,
      );
      return `${withInterval([relation(means[0] as number, means[1] as number)])} (not paired)`;
    }),
  ];
  return [
    row("held-out accuracy after, minus", "accuracy", (value, reference) => value - reference),
    row("held-out visual tokens after, divided by", "visualTokens", (value, reference) => value / reference),
  ];
}

function bySeed({ runs }: Series, field: Field): Map<unknown, number> {
  return new Map(
    runs.flatMap((run) => {
      const { seed } = run.readSummary() as { readonly seed?: unknown };
      return seed === undefined ? [] : [[seed, heldOut(run, "after", field)] as const];
    }),
  );
}

/** NaN for visual tokens, which summaries of older runs lack. */
function heldOut(run: RunDirectory, when: When, field: Field): number {
  const summary = run.readSummary() as Record<string, { overall?: Record<string, unknown> }> | undefined;
  const value = summary?.[when]?.overall?.[field];
  if (typeof value === "number") return value;
  if (field === "visualTokens" && summary?.[when]?.overall !== undefined) return NaN;
  throw new ConfigError(
    `compare: ${run.path} has no summary.json with ${when}.overall.${field}; only runs whose RL stage has finished can be compared`,
  );
}

/** Over the last steps that have the metric; NaN where none has. */
function meanOfLast(records: readonly MetricsRecord[], metric: string): number {
  const values = records.slice(-LAST_STEPS).map((record) => record[metric]);
  return mean(values.filter((value) => typeof value === "number")) ?? NaN;
}

/** Mean and the half width of its 95% interval over seeds; a dash where a seed has no value. */
function withInterval(values: readonly number[]): string {
  const centre = mean(values) ?? NaN;
  if (!Number.isFinite(centre)) return "–";
  if (values.length < 2) return centre.toFixed(3);
  const variance = values.reduce((s, v) => s + (v - centre) ** 2, 0) / (values.length - 1);
  const half = studentT95(values.length - 1) * Math.sqrt(variance / values.length);
  return `${centre.toFixed(3)} ± ${half.toFixed(3)}`;
}
