// `pyvision compare NAME=RUN[,RUN…]…`: runs that belong together (one a seed) under one name, names side by side: curves
// as a picture (mean and 95% band over seeds) and a table of what came out.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { InvalidArgumentError, type Command } from "commander";
import { ConfigError } from "../core/errors.ts";
import { mean } from "../learning/statistics.ts";
import { renderCurves } from "../runs/chart.ts";
import { panelsOf, studentT95, type PanelSpec, trainingPanels } from "../runs/curves.ts";
import type { MetricsRecord } from "../runs/metrics.ts";
import { createReporter } from "../runs/progress.ts";
import { openRun, type RunDirectory } from "../runs/runDirectory.ts";
import { renderTable } from "../runs/table.ts";

const PANELS: readonly PanelSpec[] = [
  ...trainingPanels,
  { metric: "tool_calls/correct_mean", title: "Tool calls of right answers", unit: "calls", fromZero: true },
  { metric: "tool_calls/none_share", title: "Trajectories without a call", fromZero: true },
  { metric: "advantage/correct_negative_share", title: "Right answers, negative advantage", fromZero: true },
];
const LAST_STEPS = 10;

/** The metrics of the table: means over the last steps of each run. */
const FINAL = [
  "accuracy/mean",
  "tool_calls/mean",
  "tool_calls/correct_mean",
  "tool_calls/none_share",
  "response/tokens_mean",
  "train/entropy",
  "train/grad_norm",
  "advantage/correct_negative_share",
] as const;

interface Series {
  readonly label: string;
  readonly runs: readonly RunDirectory[];
}

export function registerCompare(program: Command): void {
  program
    .command("compare")
    .summary("curves and final figures of several runs side by side")
    .description(
      "Compare RL runs. Runs listed under one name are seeds: their mean is drawn with a 95% band.",
    )
    .argument("<name=run[,run...]...>", "e.g. reward=runs/a,runs/b none=runs/c,runs/d")
    .option("--out <file>", "where the curves go", "compare.svg")
    .option("--smooth <steps>", "width of the moving mean, 0 for none", parseSmooth, 7)
    .action((args: readonly string[], options: { readonly out: string; readonly smooth: number }) => {
      const reporter = createReporter();
      const series = args.map(parseSeries);
      const records = series.map(({ label, runs }) => ({
        label,
        runs: runs.map((run) => run.readMetrics()),
      }));
      const heldOutRows = (["accuracy", "toolCalls"] as const).flatMap((field) =>
        (["before", "after"] as const).map((when) => [
          `held-out ${field === "accuracy" ? "accuracy" : "tool calls"} ${when}`,
          ...series.map(({ runs }) => withInterval(runs.map((run) => heldOut(run, when, field)))),
        ]),
      );
      const trainingRows = FINAL.map((metric) => [
        `${metric}, last ${LAST_STEPS} steps`,
        ...records.map(({ runs }) => withInterval(runs.map((run) => meanOfLast(run, metric)))),
      ]);
      mkdirSync(dirname(options.out), { recursive: true });
      writeFileSync(options.out, renderCurves(panelsOf(records, PANELS), { smooth: options.smooth }));
      reporter.print(
        renderTable(
          ["mean over seeds ± 95% (Student)", ...series.map((s) => `${s.label} (n=${s.runs.length})`)],
          [...heldOutRows, ...trainingRows],
        ),
      );
      reporter.info(`curves: ${options.out}`);
    });
}

function parseSmooth(text: string): number {
  const steps = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(steps))
    throw new InvalidArgumentError("Must be a whole number of steps, 0 or more.");
  return steps;
}

/** Only the first "=" separates; a path may hold others. */
function parseSeries(arg: string): Series {
  const at = arg.indexOf("=");
  if (at <= 0 || at === arg.length - 1)
    throw new ConfigError(
      `compare: each argument must be NAME=RUN[,RUN...], got ${JSON.stringify(arg)}; e.g. reward=runs/a,runs/b`,
    );
  const paths = arg.slice(at + 1).split(",");
  return { label: arg.slice(0, at), runs: paths.map((path) => openRun(path)) };
}

function heldOut(run: RunDirectory, when: "before" | "after", field: "accuracy" | "toolCalls"): number {
  const summary = run.readSummary() as Record<string, { overall?: Record<string, unknown> }> | undefined;
  const value = summary?.[when]?.overall?.[field];
  if (typeof value !== "number")
    throw new ConfigError(
      `compare: ${run.path} has no summary.json with ${when}.overall.${field}; only runs whose RL stage has finished can be compared`,
    );
  return value;
}

/** Over the last steps that have the metric; NaN where none has. */
function meanOfLast(records: readonly MetricsRecord[], metric: string): number {
  const values = records.slice(-LAST_STEPS).map((record) => record[metric]);
  return mean(values.filter((value) => typeof value === "number")) ?? NaN;
}

/** Mean and the half width of its 95% interval over seeds; a dash where a seed has no value. */
function withInterval(values: readonly number[]): string {
  const centre = mean(values) ?? NaN;
  if (Number.isNaN(centre)) return "–";
  if (values.length < 2) return centre.toFixed(3);
  const variance = values.reduce((s, v) => s + (v - centre) ** 2, 0) / (values.length - 1);
  const half = studentT95(values.length - 1) * Math.sqrt(variance / values.length);
  return `${centre.toFixed(3)} ± ${half.toFixed(3)}`;
}
