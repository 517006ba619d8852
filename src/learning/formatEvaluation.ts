// One evaluation as a text table, for a model that is measured as it is. Two side by side are formatReport.ts.
import type { Trajectory } from "../core/trajectory.ts";
import type { EvaluationReport, EvaluationSlice } from "./evaluate.ts";
import { endReasonTypes } from "./filters.ts";
import { sumOf } from "./trajectoryStats.ts";

/** What a model server was asked for, over all turns it wrote. */
export interface ServedTotals {
  readonly turns: number;
  /** Requests, those that were asked again included. */
  readonly requests: number;
  /** As the server counts; absent when it did not for some turn. */
  readonly promptTokens?: number;
  readonly replyTokens?: number;
  /** Summed over turns, which may have been asked for at the same time. */
  readonly seconds: number;
}

/** Undefined when no server wrote a turn. */
export function servedTotals(trajectories: readonly Pick<Trajectory, "turns">[]): ServedTotals | undefined {
  const served = trajectories.flatMap(({ turns }) => turns.flatMap((turn) => turn.served ?? []));
  if (served.length === 0) return undefined;
  const counted = served.every((s) => s.promptTokens !== undefined && s.replyTokens !== undefined);
  return {
    turns: served.length,
    requests: sumOf(served, (s) => s.attempts),
    ...(counted && {
      promptTokens: sumOf(served, (s) => s.promptTokens ?? 0),
      replyTokens: sumOf(served, (s) => s.replyTokens ?? 0),
    }),
    seconds: sumOf(served, (s) => s.seconds),
  };
}

/** Lines joined by newlines, without a final one. */
export function formatEvaluation({ overall, kinds }: EvaluationReport, served?: ServedTotals): string {
  const rows: [name: string, value: string][] = [
    ["accuracy in % [95% interval]", accuracyCell(overall)],
    ...Object.entries(kinds).map(([kind, slice]): [string, string] => [`  ${kind}`, accuracyCell(slice)]),
  ];
  const relative = Object.entries(kinds).filter(([, slice]) => slice.meanRelativeAccuracy !== undefined);
  if (relative.length > 0) rows.push(["mean relative accuracy in %", ""]);
  for (const [kind, slice] of relative) rows.push([`  ${kind}`, points(slice.meanRelativeAccuracy ?? 0)]);
  rows.push(
    ["per trajectory", ""],
    ["  tool calls", overall.toolCalls.toFixed(2)],
    ["  tool calls with new output", overall.effectiveToolCalls.toFixed(2)],
    ["  turns", overall.turns.toFixed(2)],
    ["  sampled tokens", overall.sampledTokens.toFixed(1)],
    ["  visual tokens", overall.visualTokens.toFixed(1)],
    ["    in the prompt", overall.promptVisualTokens.toFixed(1)],
    ["    shown by code", overall.observedVisualTokens.toFixed(1)],
    ["cells that raised, %", overall.pythonErrorRate === undefined ? "–" : points(overall.pythonErrorRate)],
    ["could not be judged", String(overall.trajectories - overall.judged)],
    ["end reasons", ""],
  );
  for (const type of endReasonTypes)
    if (overall.endReasons[type] > 0) rows.push([`  ${type}`, String(overall.endReasons[type])]);
  if (served !== undefined) rows.push(...servedRows(served));
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`.trimEnd()).join("\n");
}

function servedRows({
  turns,
  requests,
  promptTokens,
  replyTokens,
  seconds,
}: ServedTotals): [string, string][] {
  const count = (tokens: number | undefined): string => tokens?.toLocaleString("en") ?? "not told";
  return [
    ["by the server", ""],
    ["  turns", String(turns)],
    ["  requests asked again", String(requests - turns)],
    ["  prompt tokens", count(promptTokens)],
    ["  reply tokens", count(replyTokens)],
    ["  seconds a turn", (seconds / turns).toFixed(2)],
  ];
}

function accuracyCell({ accuracy, interval, judged }: EvaluationSlice): string {
  return accuracy === undefined || interval === undefined
    ? "–"
    : `${points(accuracy)} [${points(interval.low)}, ${points(interval.high)}] n=${judged}`;
}

const points = (share: number): string => (100 * share).toFixed(1);
