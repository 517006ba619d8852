// Two evaluations side by side as a text table for the terminal and for logs: accuracy by kind with 95% intervals and the
// paired difference over the tasks both have, then the means and end reasons.
import type { EvaluationReport, EvaluationSlice } from "./evaluate.ts";
import { endReasonTypes } from "./filters.ts";
import { pairedDifference } from "./statistics.ts";
import type { PairedDifference } from "./statistics.ts";

/** Difference of accuracy over the tasks judged in both, of one kind or of all; undefined when there are none. */
export function compareReports(
  before: EvaluationReport,
  after: EvaluationReport,
  kind?: string,
): PairedDifference | undefined {
  const shared = Object.entries(before.tasks).filter(
    ([id, task]) => Object.hasOwn(after.tasks, id) && (kind === undefined || task.kind === kind),
  );
  return pairedDifference(
    shared.map(([, task]) => task.accuracy),
    shared.map(([id]) => (after.tasks[id] as { accuracy: number }).accuracy),
  );
}

/** Lines joined by newlines, without a final one. */
export function formatReport(before: EvaluationReport, after: EvaluationReport): string {
  const kinds = [...new Set([...Object.keys(before.kinds), ...Object.keys(after.kinds)])].sort();
  const accuracyRow = (name: string, kind?: string): string[] => [
    name,
    accuracyCell(kind === undefined ? before.overall : before.kinds[kind]),
    accuracyCell(kind === undefined ? after.overall : after.kinds[kind]),
    differenceCell(compareReports(before, after, kind)),
  ];
  const number = (
    name: string,
    value: (slice: EvaluationSlice) => number | undefined,
    digits: number,
  ): string[] => {
    const [left, right] = [value(before.overall), value(after.overall)];
    const change = left === undefined || right === undefined ? "" : signed(right - left, digits);
    return [name, left?.toFixed(digits) ?? "–", right?.toFixed(digits) ?? "–", change];
  };
  const percent = (value: number | undefined): number | undefined =>
    value === undefined ? undefined : 100 * value;
  const endReasons = endReasonTypes.filter(
    (type) => before.overall.endReasons[type] + after.overall.endReasons[type] > 0,
  );
  return table([
    ["accuracy in % [95% interval]", "before", "after", "paired difference in points"],
    accuracyRow("all tasks"),
    ...kinds.map((kind) => accuracyRow(`  ${kind}`, kind)),
    ...relativeRows(before, after, kinds),
    ["per trajectory", "", "", ""],
    number("  tool calls", (s) => s.toolCalls, 2),
    number("  tool calls with new output", (s) => s.effectiveToolCalls, 2),
    number("  turns", (s) => s.turns, 2),
    number("  sampled tokens", (s) => s.sampledTokens, 1),
    visualTokensRow(before.overall, after.overall),
    number("    in the prompt", (s) => s.promptVisualTokens, 1),
    number("    shown by code", (s) => s.observedVisualTokens, 1),
    number("cells that raised, %", (s) => percent(s.pythonErrorRate), 1),
    number("could not be judged", (s) => s.trajectories - s.judged, 0),
    ["end reasons", "", "", ""],
    ...endReasons.map((type) => number(`  ${type}`, (s) => s.endReasons[type], 0)),
  ]);
}

/** One row for each kind that is answered by numbers; none when there is no such kind. */
function relativeRows(
  before: EvaluationReport,
  after: EvaluationReport,
  kinds: readonly string[],
): string[][] {
  const of = (report: EvaluationReport, kind: string): number | undefined =>
    report.kinds[kind]?.meanRelativeAccuracy;
  const numeric = kinds.filter((kind) => of(before, kind) !== undefined || of(after, kind) !== undefined);
  if (numeric.length === 0) return [];
  const row = (kind: string): string[] => {
    const [left, right] = [of(before, kind), of(after, kind)];
    const change = left === undefined || right === undefined ? "" : signed(100 * (right - left), 1);
    const cell = (share: number | undefined): string => (share === undefined ? "–" : points(share));
    return [`  ${kind}`, cell(left), cell(right), change];
  };
  return [["mean relative accuracy in %", "", "", ""], ...numeric.map(row)];
}

function visualTokensRow(before: EvaluationSlice, after: EvaluationSlice): string[] {
  const cell = ({ visualTokens, visualTokensInterval: interval }: EvaluationSlice): string =>
    interval === undefined
      ? visualTokens.toFixed(1)
      : `${visualTokens.toFixed(1)} [${interval.low.toFixed(1)}, ${interval.high.toFixed(1)}]`;
  return ["  visual tokens", cell(before), cell(after), signed(after.visualTokens - before.visualTokens, 1)];
}

function accuracyCell(slice: EvaluationSlice | undefined): string {
  if (slice?.accuracy === undefined || slice.interval === undefined) return "–";
  const { accuracy, interval, judged } = slice;
  return `${points(accuracy)} [${points(interval.low)}, ${points(interval.high)}] n=${judged}`;
}

function differenceCell(paired: PairedDifference | undefined): string {
  if (paired === undefined) return "–";
  const { difference, low, high, pairs } = paired;
  return `${signed(100 * difference, 1)} [${signed(100 * low, 1)}, ${signed(100 * high, 1)}] n=${pairs}`;
}

const points = (share: number): string => (100 * share).toFixed(1);

function signed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  return Number(text) > 0 ? `+${text}` : Number(text) === 0 ? text.replace("-", "") : text;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  const [head, ...body] = rows.map(line) as [string, ...string[]];
  return [head, "-".repeat(Math.max(head.length, ...body.map((text) => text.length))), ...body].join("\n");
}
