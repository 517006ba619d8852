// A report for people: the machine, a table of figures, and the bars with what was reached.
import { formatBytes } from "../src/runs/format.ts";
import { type Cell, type Column, renderTable } from "../src/runs/table.ts";
import type { BenchReport } from "./report.ts";

/** Lines without a newline at the end. */
export function formatReport(name: string, report: BenchReport): string {
  const { machine, peer = "stand-in", facts, rows, bars, notes } = report;
  const about = [
    `${name}: ${machine.cpu}, ${machine.cores} cores, ${formatBytes(machine.memoryBytes)}, ${machine.system}, ` +
      `Node ${machine.node}, load ${machine.loadAtStart} at the start and ${machine.loadAtEnd} at the end`,
    ...Object.entries(facts).map(([what, text]) => `${what}: ${text}`),
  ];
  const hasPeer = rows.some(({ peer }) => peer !== undefined);
  const right = (title: string): Column => ({ title, align: "right" });
  const columns = ["figure", right("ours"), ...(hasPeer ? [right(peer), right("better by")] : []), "unit"];
  const cells = rows.map((row): Cell[] => [
    row.name,
    figure(row.value),
    ...(hasPeer ? [figure(row.peer), row.ratio === undefined ? "–" : `${figure(row.ratio)}x`] : []),
    row.unit,
  ]);
  const verdicts = bars.map((bar): Cell[] => [
    bar.name,
    bar.bar,
    `${figure(bar.value)} ${bar.unit}`,
    bar.met ? "met" : "MISSED",
  ]);
  return [
    about.join("\n"),
    renderTable(columns, cells),
    ...(bars.length > 0 ? [renderTable(["bar", "rule", right("measured"), "verdict"], verdicts)] : []),
    ...(notes.length > 0 ? [notes.map((note) => `note: ${note}`).join("\n")] : []),
  ].join("\n\n");
}

/** Three significant digits, and all the digits before the point. */
export function figure(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return "–";
  const digits = Math.max(0, 3 - Math.max(1, Math.floor(Math.log10(Math.abs(value) || 1)) + 1));
  return Math.abs(value) < 0.1 && value !== 0 ? value.toPrecision(2) : value.toFixed(Math.min(2, digits));
}
