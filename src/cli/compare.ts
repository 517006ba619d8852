// `pyvision compare NAME=RUN[,RUN…]…`: runs that belong together (one a seed) under one name, names side by side: curves
// as a picture (mean and 95% band over seeds) and a table of what came out.
import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { ConfigError } from "../core/errors.ts";
import { mean } from "../learning/statistics.ts";
import { renderCurves } from "../runs/chart.ts";
import { panelsOf, studentT95, type PanelSpec, trainingPanels } from "../runs/curves.ts";
import { createReporter } from "../runs/progress.ts";
import { openRun, type RunDirectory } from "../runs/runDirectory.ts";
import { renderTable } from "../runs/table.ts";

const PANELS: readonly PanelSpec[] = [
  ...trainingPanels,
  { metric: "tool_calls/correct_mean", title: "Tool calls of right answers", unit: "calls", fromZero: true },
  { metric: "tool_calls/none_share", title: "Trajectories without a call", fromZero: true },
  { metric: "advantage/correct_negative_share", title: "Right, negative advantage", fromZero: true },
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
    .option("--smooth <steps>", "width of the moving mean", "7")
    .action((args: readonly string[], options: { readonly out: string; readonly smooth: string }) => {
      const reporter = createReporter();
      const series = args.map(parseSeries);
      const records = series.map(({ label, runs }) => ({
        label,
        runs: runs.map((run) => run.readMetrics()),
      }));
      writeFileSync(options.out, renderCurves(panelsOf(records, PANELS), { smooth: Number(options.smooth) }));
      const rows = FINAL.map((metric) => [
        `${metric}, last ${LAST_STEPS} steps`,
        ...records.map(({ runs }) =>
          withInterval(
            runs.map(
              (run) =>
                mean(
                  run.slice(-LAST_STEPS).flatMap((r) => (typeof r[metric] === "number" ? [r[metric]] : [])),
                ) ?? NaN,
            ),
          ),
        ),
      ]);
      for (const when of ["before", "after"] as const)
        for (const [what, field] of [
          ["accuracy", "accuracy"],
          ["tool calls", "toolCalls"],
        ] as const)
          rows.unshift([
            `held-out ${what} ${when}`,
            ...series.map(({ runs }) => withInterval(runs.map((run) => heldOut(run, when, field)))),
          ]);
      reporter.print(
        renderTable(
          ["mean over seeds ± 95% (Student)", ...series.map((s) => `${s.label} (n=${s.runs.length})`)],
          rows,
        ),
      );
      reporter.info(`curves: ${options.out}`);
    });
}

function parseSeries(arg: string): Series {
  const [label, paths] = arg.split("=", 2);
  if (label === undefined || label === "" || paths === undefined || paths === "")
    throw new ConfigError(`compare: each argument must be NAME=RUN[,RUN...], got ${JSON.stringify(arg)}`);
  return { label, runs: paths.split(",").map((path) => openRun(path)) };
}

function heldOut(run: RunDirectory, when: "before" | "after", field: "accuracy" | "toolCalls"): number {
  const summary = run.readSummary() as Record<string, { overall?: Record<string, unknown> }> | undefined;
  const value = summary?.[when]?.overall?.[field];
  if (typeof value !== "number")
    throw new ConfigError(`compare: ${run.path} has no finished summary.json with ${when}.${field}`);
  return value;
}

/** Mean and the half width of its 95% interval over seeds. */
function withInterval(values: readonly number[]): string {
  const centre = mean(values) ?? NaN;
  if (values.length < 2) return centre.toFixed(3);
  const variance = values.reduce((s, v) => s + (v - centre) ** 2, 0) / (values.length - 1);
  const half = studentT95(values.length - 1) * Math.sqrt(variance / values.length);
  return `${centre.toFixed(3)} ± ${half.toFixed(3)}`;
}
