// From the records of runs to the curves of a chart: one run a curve, or several seeds as their mean with a band.
import { metricInfo } from "../learning/metrics.ts";
import type { Curve, CurvePoint, Panel } from "./chart.ts";
import type { MetricsRecord } from "./metrics.ts";

/** Runs that are drawn under one name: one run, or one a seed. */
export interface RunSeries {
  readonly label: string;
  readonly runs: readonly (readonly MetricsRecord[])[];
}

export interface PanelSpec {
  readonly metric: string;
  readonly title: string;
  /** By default that of the metric. */
  readonly unit?: string;
  readonly fromZero?: boolean;
}

/** What the method's paper plots: what should rise together, then what should fall. */
export const trainingPanels: readonly PanelSpec[] = [
  { metric: "accuracy/mean", title: "Accuracy", fromZero: true },
  { metric: "tool_calls/mean", title: "Tool calls per trajectory", unit: "calls", fromZero: true },
  { metric: "response/tokens_mean", title: "Response length", fromZero: true },
  { metric: "reward/mean", title: "Reward", unit: "", fromZero: true },
  { metric: "train/entropy", title: "Entropy", fromZero: true },
  { metric: "train/grad_norm", title: "Gradient norm", fromZero: true },
];

/** One panel a spec, in order; a panel whose metric no run has stays empty. */
export function panelsOf(
  series: readonly RunSeries[],
  specs: readonly PanelSpec[] = trainingPanels,
): Panel[] {
  return specs.map(({ metric, title, unit, fromZero }) => {
    const shown = unit ?? shownUnit(metric);
    return {
      title,
      ...(shown !== undefined && shown !== "" && { unit: shown }),
      ...(fromZero !== undefined && { fromZero }),
      curves: series.map(({ label, runs }): Curve => ({
        label,
        points: meanCurve(runs.map((r) => metricPoints(r, metric))),
      })),
    };
  });
}

/** The metric by step; steps that lack it are left out, NaN is kept as a gap. */
export function metricPoints(records: readonly MetricsRecord[], metric: string): CurvePoint[] {
  return records.flatMap((record) => {
    const value = record[metric];
    return typeof value === "number" ? [{ x: record.step, y: value }] : [];
  });
}

/**
 * Mean over runs at each step, with the 95% interval of that mean (Student's t) where two runs or more have the step.
 * One run comes back as it is.
 */
export function meanCurve(runs: readonly (readonly CurvePoint[])[]): CurvePoint[] {
  if (runs.length <= 1) return [...(runs[0] ?? [])];
  const byStep = new Map<number, number[]>();
  for (const { x, y } of runs.flat()) if (Number.isFinite(y)) byStep.set(x, [...(byStep.get(x) ?? []), y]);
  return [...byStep]
    .sort(([left], [right]) => left - right)
    .map(([x, values]) => {
      const n = values.length;
      const y = values.reduce((sum, value) => sum + value, 0) / n;
      if (n < 2) return { x, y };
      const variance = values.reduce((sum, value) => sum + (value - y) ** 2, 0) / (n - 1);
      const half = studentT95(n - 1) * Math.sqrt(variance / n);
      return { x, y, low: y - half, high: y + half };
    });
}

/** Two-sided 95% quantile for 1 to 10 degrees of freedom; beyond, its Cornish-Fisher series, good to 0.0005. */
export function studentT95(degrees: number): number {
  const table = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];
  return table[degrees - 1] ?? 1.95996 + 2.37227 / degrees + 2.82249 / degrees ** 2 + 2.5558 / degrees ** 3;
}

function shownUnit(metric: string): string | undefined {
  const unit = metricInfo(metric)?.unit;
  if (unit === "share") return "%";
  return unit === "1" || unit === "count" ? undefined : unit;
}
