// Tool use collapses when the policy learns to answer right without looking: calls per right answer fall to zero, and
// with them everything the tool could have taught. It creeps in over many steps, so a rule watches for it.
//
// The rule, over the steps that have `tool_calls/correct_mean` (steps without a right answer have none), with windows of
// five such steps: `level` is the mean of the last window, `peak` the largest mean of any window that ended before it
// began. There is an alarm when at least ten such steps exist, the peak was at least 0.2 calls, and
//   collapsed  the level is at most 0.05 calls, or
//   falling    the level is below half the peak, and the straight line fitted to the last ten values reaches zero
//              within the next twenty.
// Policies that never called the tool have nothing to lose and raise no alarm.
import type { MetricsRecord } from "./metrics.ts";

export const collapseMetric = "tool_calls/correct_mean";

const window = 5;
const leastPeak = 0.2;
const collapsedLevel = 0.05;
const stepsAhead = 20;

export interface CollapseAlarm {
  readonly type: "falling" | "collapsed";
  /** The step that shows it. */
  readonly step: number;
  /** Calls per right answer: mean over the last five steps. */
  readonly level: number;
  /** The largest mean of five steps before, and the last of these steps. */
  readonly peak: number;
  readonly peakStep: number;
}

interface Point {
  readonly step: number;
  readonly calls: number;
}

/** The alarm that the run's last step shows, if any. Records are in the order of their steps. */
export function collapseAlarm(records: readonly MetricsRecord[]): CollapseAlarm | undefined {
  const points = records.flatMap((record): Point[] => {
    const calls = record[collapseMetric];
    return typeof calls === "number" && Number.isFinite(calls) ? [{ step: record.step, calls }] : [];
  });
  if (points.length < 2 * window) return undefined;
  const level = mean(points.slice(-window));
  let peak = 0;
  let peakStep = 0;
  for (let end = window; end <= points.length - window; end++) {
    const before = mean(points.slice(end - window, end));
    if (before > peak) [peak, peakStep] = [before, (points[end - 1] as Point).step];
  }
  if (peak < leastPeak) return undefined;
  const { step } = points.at(-1) as Point;
  const shown = { step, level, peak, peakStep };
  if (level <= collapsedLevel) return { type: "collapsed", ...shown };
  if (level >= peak / 2) return undefined;
  const stepsLeft = stepsToZero(points.slice(-2 * window).map(({ calls }) => calls));
  return stepsLeft <= stepsAhead ? { type: "falling", ...shown } : undefined;
}

/** The alarm when the last step brought it, or made it worse: what a log says once and not every step. */
export function newCollapseAlarm(records: readonly MetricsRecord[]): CollapseAlarm | undefined {
  const now = collapseAlarm(records);
  return now?.type === collapseAlarm(records.slice(0, -1))?.type ? undefined : now;
}

/** For a person. */
export function describeCollapse({ type, level, peak, peakStep }: CollapseAlarm): string {
  const calls = (value: number): string => value.toFixed(2);
  return type === "collapsed"
    ? `tool use has collapsed: ${calls(level)} calls per right answer over the last ${window} steps, after ` +
        `${calls(peak)} around step ${peakStep}`
    : `tool use is on its way to zero: ${calls(level)} calls per right answer over the last ${window} steps, after ` +
        `${calls(peak)} around step ${peakStep}`;
}

function mean(points: readonly Point[]): number {
  return points.reduce((sum, { calls }) => sum + calls, 0) / points.length;
}

/** Steps after the last value at which the least-squares line is at zero; Infinity when it does not fall. */
function stepsToZero(values: readonly number[]): number {
  const n = values.length;
  const centre = (n - 1) / 2;
  const average = values.reduce((sum, value) => sum + value, 0) / n;
  let product = 0;
  let square = 0;
  values.forEach((value, i) => {
    product += (i - centre) * (value - average);
    square += (i - centre) ** 2;
  });
  const slope = product / square;
  if (slope >= 0) return Infinity;
  return centre - average / slope - (n - 1);
}
