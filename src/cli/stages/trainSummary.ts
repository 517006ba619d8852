// What a whole RL run adds up to: counts over all steps, and how the curves went, for the terminal and summary.json.
import type { Reporter } from "../../core/reporter.ts";
import type { EvaluationReport } from "../../learning/evaluate.ts";
import { compareReports, formatReport } from "../../learning/formatReport.ts";
import { renderCurves } from "../../runs/chart.ts";
import type { ResolvedConfig } from "../../runs/config.ts";
import { panelsOf } from "../../runs/curves.ts";
import type { MetricsRecord } from "../../runs/metrics.ts";
import type { RunDirectory } from "../../runs/runDirectory.ts";
import { sparklineTable } from "../../runs/sparkline.ts";
import { renderTable } from "../../runs/table.ts";
import type { trackerRecord } from "../../runs/trackers/trackers.ts";
import type { PythonTool } from "./pythonTool.ts";
import { reproducibilityOf } from "./reproducibility.ts";
import type { HeldOutPoint, Judged } from "./trainEvaluations.ts";
import { engineRecord } from "./trainingEngine.ts";

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

export interface TrainOutcome {
  readonly init: string | undefined;
  readonly python: PythonTool["record"];
  readonly judge: Judged | undefined;
  readonly before: EvaluationReport;
  readonly after: EvaluationReport;
  /** All evaluations, the first and the last included. */
  readonly heldOut: readonly HeldOutPoint[];
  readonly trainingSeconds: number;
  /** Times the run was continued. */
  readonly resumed: number | undefined;
  readonly tracked: ReturnType<typeof trackerRecord>;
}

/** The run is over: curves, summary.json, and the story for the terminal. */
export function finishTraining(
  config: ResolvedConfig,
  run: RunDirectory,
  reporter: Reporter,
  outcome: TrainOutcome,
): void {
  const { init, python, judge, before, after, heldOut, trainingSeconds, resumed, tracked } = outcome;
  const records = run.readMetrics();
  const counts = totalCounts(records);
  run.writeFile("curves.svg", renderCurves(panelsOf([{ label: run.name, runs: [records] }]), { smooth: 5 }));
  run.writeSummary({
    stage: "train",
    name: run.name,
    seed: config.seed,
    steps: config.train.steps,
    trainingSeconds,
    resumed,
    init,
    engine: engineRecord(config),
    ...reproducibilityOf(config, "train"),
    python,
    ...(judge !== undefined && { judge }),
    before: { overall: before.overall, kinds: before.kinds },
    after: { overall: after.overall, kinds: after.kinds },
    difference: compareReports(before, after),
    heldOut,
    counts,
    ...tracked,
  });
  reporter.print(formatReport(before, after));
  reporter.print(formatRunSummary(records, counts, trainingSeconds));
  reporter.info(`curves:  ${run.filePath("curves.svg")}\nsummary: ${run.filePath("summary.json")}`);
}

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
