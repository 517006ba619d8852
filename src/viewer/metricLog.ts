// metrics.jsonl for a page: columns instead of records, only the new lines read, and a damaged line costs itself alone.
// A step that comes again (a run that was resumed) replaces what the run had from there on.
import type { MetricsRecord } from "../runs/metrics.ts";
import { openLineFile } from "./lineFile.ts";
import type { MetricColumns, Problem } from "./protocol.ts";

export interface MetricLog {
  /** Changes when records that were given out no longer hold. */
  readonly generation: number;
  readonly records: readonly MetricsRecord[];
  readonly problems: readonly Problem[];
  readonly changedAt: number;
  update(): boolean;
  /** Of the records from `from` on. */
  columns(from: number): MetricColumns;
}

export function openMetricLog(path: string): MetricLog {
  const file = openLineFile(path);
  let records: MetricsRecord[] = [];
  let problems: Problem[] = [];
  let read = 0;
  let rewinds = 0;
  let seen = 0;

  const add = (record: MetricsRecord): void => {
    const last = records.at(-1);
    if (last !== undefined && record.step <= last.step) {
      records = records.filter(({ step }) => step < record.step);
      rewinds++;
    }
    records.push(record);
  };

  return {
    get generation() {
      return file.generation + rewinds;
    },
    get records() {
      return records;
    },
    get problems() {
      return problems;
    },
    get changedAt() {
      return file.changedAt;
    },
    update: () => {
      if (!file.update()) return false;
      if (file.generation !== seen) [records, problems, read, seen] = [[], [], 0, file.generation];
      for (; read < file.count; read++) {
        const record = parseRecord(file.line(read));
        if (record !== undefined) add(record);
        else
          problems.push({
            file: "metrics.jsonl",
            message: `line ${read + 1} is not a record with a step, so that step is missing from the curves`,
          });
      }
      return true;
    },
    columns: (from) => {
      const chosen = records.slice(from);
      const names = new Set(chosen.flatMap((record) => Object.keys(record)));
      names.delete("step");
      const valueOf = (record: MetricsRecord, name: string): number | null => {
        const value = record[name];
        return typeof value === "number" && Number.isFinite(value) ? value : null;
      };
      return {
        steps: chosen.map(({ step }) => step),
        columns: Object.fromEntries(
          [...names].sort().map((name) => [name, chosen.map((record) => valueOf(record, name))]),
        ),
      };
    },
  };
}

function parseRecord(line: string): MetricsRecord | undefined {
  try {
    const value = JSON.parse(line) as MetricsRecord | null;
    return typeof value === "object" && typeof value?.step === "number" ? value : undefined;
  } catch {
    return undefined;
  }
}
