// What came of a teacher's episodes, for people (a table) and for programs (report.json).
import type { SynthRecord } from "../../learning/synthRecord.ts";
import type { Selected } from "../../learning/synthSelect.ts";
import { renderTable } from "../../runs/table.ts";

export interface SynthReport {
  readonly episodes: number;
  readonly tasks: number;
  /** Of the episodes: right, wrong, and such as nobody could decide or that were never played to an end. */
  readonly right: number;
  readonly wrong: number;
  readonly undecided: number;
  readonly dialogues: number;
  /** Pictures of the dialogues, and the model's turns in them. */
  readonly images: number;
  readonly turns: number;
  readonly byTurns: Selected<SynthRecord>["turns"];
  readonly byKind: readonly {
    readonly kind: string;
    readonly episodes: number;
    readonly right: number;
    readonly dialogues: number;
  }[];
  readonly dropped: Selected<SynthRecord>["dropped"];
}

export function synthReport(
  records: readonly SynthRecord[],
  { chosen, dropped, turns }: Selected<SynthRecord>,
): SynthReport {
  const kinds = [...new Set(records.map(({ kind }) => kind))].filter((kind) => kind !== "").sort();
  const count = (list: readonly SynthRecord[], holds: (record: SynthRecord) => boolean): number =>
    list.filter(holds).length;
  const sum = (value: (record: SynthRecord) => number): number => chosen.reduce((n, r) => n + value(r), 0);
  return {
    episodes: records.length,
    tasks: new Set(records.map(({ position }) => position)).size,
    right: count(records, ({ accuracy }) => accuracy === 1),
    wrong: count(records, ({ accuracy }) => accuracy === 0),
    undecided: count(records, ({ accuracy }) => accuracy === undefined),
    dialogues: chosen.length,
    images: sum(({ images }) => images),
    turns: sum((record) => record.turns),
    byTurns: turns,
    byKind: kinds.map((kind) => ({
      kind,
      episodes: count(records, (record) => record.kind === kind),
      right: count(records, (record) => record.kind === kind && record.accuracy === 1),
      dialogues: count(chosen, (record) => record.kind === kind),
    })),
    dropped,
  };
}

export function formatSynthReport(report: SynthReport): string {
  const { episodes, tasks, right, wrong, undecided, dialogues, images } = report;
  const head =
    `${episodes} episodes of ${tasks} tasks: ${right} right, ${wrong} wrong, ${undecided} undecided; ` +
    `${dialogues} dialogues with ${images} pictures`;
  const byTurns = renderTable(
    [{ title: "turns", align: "left" }, "passed", "written"],
    report.byTurns.map(({ turns, passed, chosen }) => [turns, passed, chosen]),
  );
  const byKind = renderTable(
    ["kind", "episodes", "right", "written"],
    report.byKind.map(({ kind, ...counts }) => [kind, counts.episodes, counts.right, counts.dialogues]),
  );
  const dropped = renderTable(
    ["not written", "episodes"],
    report.dropped.map(([reason, count]) => [reason, count]),
  );
  const tables = [byKind, ...(report.byTurns.length > 0 ? [byTurns] : [])];
  return [head, ...tables, ...(report.dropped.length > 0 ? [dropped] : [])].join("\n\n");
}
