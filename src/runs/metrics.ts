// The numbers of a run, one JSON object a line in metrics.jsonl. Names are paths ("reward/accuracy"); everything that
// depends on the clock stands under "time/", so that two runs of one seed can be compared without it.
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { DataError } from "../core/errors.ts";
import { writeFileAtomic } from "./files.ts";

/** `step` counts within `stage` (train, sft, pretrain). A number that could not be measured is left out, or NaN. */
export interface MetricsRecord {
  readonly step: number;
  readonly [name: string]: number | string;
}

/** One line without its newline: step first, then names in code-unit order, "time/" last. NaN and infinities are null. */
export function metricsLine(record: MetricsRecord): string {
  const rank = (name: string): string =>
    (name === "step" ? "0" : name.startsWith("time/") ? "2" : "1") + name;
  const names = Object.keys(record).sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, record[name]])));
}

export function appendMetrics(path: string, record: MetricsRecord): void {
  appendFileSync(path, `${metricsLine(record)}\n`);
}

/**
 * Every whole line of a metrics file, null read back as NaN; none when there is no file. A last line without its
 * newline is a write that was cut off, and is left out.
 * @throws DataError when a whole line is not a record
 */
export function readMetrics(path: string): MetricsRecord[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return lines.map((line, i) => {
    const value = parseJson(line);
    if (typeof value !== "object" || value === null || !("step" in value) || typeof value.step !== "number")
      throw new DataError(
        `${path} line ${i + 1}: must be a JSON object with a number "step", received ${line.slice(0, 60)}`,
      );
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, item === null ? NaN : (item as number | string)]),
    ) as MetricsRecord;
  });
}

/** Drops the records of steps after `lastStep` and a cut last line: what a resumed run does before it takes these steps again. */
export function truncateMetrics(path: string, lastStep: number): void {
  if (!existsSync(path)) return;
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  const kept = lines.filter((line) => {
    const value = parseJson(line) as { readonly step?: unknown } | null | undefined;
    return typeof value?.step === "number" && value.step <= lastStep;
  });
  writeFileAtomic(path, kept.map((line) => `${line}\n`).join(""));
}

/** The record without what the clock decides. */
export function withoutTimings(record: MetricsRecord): MetricsRecord {
  return Object.fromEntries(
    Object.entries(record).filter(([name]) => !name.startsWith("time/")),
  ) as MetricsRecord;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
