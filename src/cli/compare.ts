// `pyvision compare NAME=RUN[,RUN…]…`: runs that belong together (one a seed) under one name, names side by side: curves
// as a picture (mean and 95% band over seeds), a table of what came out, and how each name differs from the first.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { InvalidArgumentError, type Command } from "commander";
import { ConfigError } from "../core/errors.ts";
import { renderCurves } from "../runs/chart.ts";
import { panelsOf, type PanelSpec, trainingPanels } from "../runs/curves.ts";
import { createReporter } from "../runs/progress.ts";
import { openRun } from "../runs/runDirectory.ts";
import { markdownTable, renderTable } from "../runs/table.ts";
import { comparisonRows, type Series } from "./compareRows.ts";

const PANELS: readonly PanelSpec[] = [
  ...trainingPanels,
  { metric: "tool_calls/correct_mean", title: "Tool calls of right answers", unit: "calls", fromZero: true },
  { metric: "tool_calls/none_share", title: "Trajectories without a call", fromZero: true },
  { metric: "advantage/correct_negative_share", title: "Right answers, negative advantage", fromZero: true },
  { metric: "response/visual_tokens_mean", title: "Visual tokens per trajectory", fromZero: true },
];
export function registerCompare(program: Command): void {
  program
    .command("compare")
    .summary("curves and final figures of several runs side by side")
    .description(
      "Compare RL runs. Runs listed under one name are seeds: their mean is drawn with a 95% band.",
    )
    .argument("<name=run[,run...]...>", "e.g. reward=runs/a,runs/b none=runs/c,runs/d")
    .option("--out <file>", "where the curves go", "compare.svg")
    .option("--markdown <file>", "where the table goes as Markdown, besides the terminal")
    .option("--smooth <steps>", "width of the moving mean, 0 for none", parseSmooth, 7)
    .action((args: readonly string[], options: CompareOptions) => {
      const reporter = createReporter();
      const series = args.map(parseSeries);
      const curves = series.map(({ label, runs }) => ({ label, runs: runs.map((run) => run.readMetrics()) }));
      const head = [
        "mean over seeds ± 95% (Student)",
        ...series.map((s) => `${s.label} (n=${s.runs.length})`),
      ];
      const rows = comparisonRows(series);
      writeTo(options.out, renderCurves(panelsOf(curves, PANELS), { smooth: options.smooth }));
      if (options.markdown !== undefined) writeTo(options.markdown, markdownTable(head, rows));
      reporter.print(renderTable(head, rows));
      reporter.info(`curves: ${options.out}`);
    });
}

interface CompareOptions {
  readonly out: string;
  readonly markdown?: string;
  readonly smooth: number;
}

function writeTo(path: string, data: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, data);
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
