// Which trajectories are listed, over the figures of all of them: plain loops over typed arrays, so that a quarter of a
// million are searched between two frames.
import type { SetTable } from "../../src/viewer/tableCodec.ts";

export const flagNames = ["wrong", "noCall", "errors", "negative", "undecided", "broken", "stored"] as const;
export type FlagName = (typeof flagNames)[number];

export const flagText: Readonly<Record<FlagName, { readonly label: string; readonly about: string }>> = {
  wrong: { label: "wrong", about: "the answer is wrong" },
  noCall: { label: "no tool call", about: "no call of the tool ran without error" },
  errors: { label: "Python errors", about: "at least one cell raised" },
  negative: { label: "right, advantage < 0", about: "a right answer that is trained away from" },
  undecided: { label: "undecided", about: "whether the answer is right could not be told" },
  broken: { label: "broken", about: "taken out of its group, or ended without an answer" },
  stored: { label: "stored in full", about: "its turns, pictures and tokens can be opened" },
};

export interface Filter {
  /** All must hold. */
  readonly flags: readonly FlagName[];
  readonly kind?: string;
  /** Name of a set. */
  readonly set?: string;
  readonly fate?: string;
  /** In the question, the task or its kind; case does not matter. */
  readonly text: string;
}

/** One trajectory of a list. */
export interface RowRef {
  readonly table: SetTable;
  readonly row: number;
}

export interface RowList {
  readonly length: number;
  at(index: number): RowRef;
  indexOf(set: string, row: number): number;
}

const brokenEnds = new Set([
  "turnTokenLimit",
  "contextLimit",
  "imageLimit",
  "noAction",
  "sandboxFailure",
  "damaged",
]);
const brokenFates = new Set([...brokenEnds, "turnLimit", "pythonError", "imageMismatch", "noSampledTokens"]);

type Test = (row: number) => boolean;

function flagTest(table: SetTable, flag: FlagName): Test {
  const { accuracy, calls, errors, advantage, end, fate } = table;
  switch (flag) {
    case "wrong":
      return (row) => accuracy[row] === 0;
    case "noCall":
      return (row) => calls[row] === 0;
    case "errors":
      return (row) => (errors[row] as number) > 0;
    case "negative":
      return (row) => accuracy[row] === 1 && (advantage[row] as number) < 0;
    case "undecided":
      return (row) => accuracy[row] === 2;
    case "broken": {
      const ends = table.ends.map((name) => brokenEnds.has(name));
      const fates = table.fates.map((name) => brokenFates.has(name));
      return (row) => ends[end[row] as number] === true || fates[fate[row] as number] === true;
    }
    case "stored":
      return (row) => row < table.stored;
  }
}

/** The rows that pass, in the tables' order. */
export function filteredRows(tables: readonly SetTable[], filter: Filter): RowList {
  const total = tables.reduce((n, table) => n + table.length, 0);
  const rows = new Uint32Array(total);
  const owners = new Uint32Array(total);
  const needle = filter.text.trim().toLowerCase();
  let length = 0;
  tables.forEach((table, owner) => {
    if (filter.set !== undefined && table.set !== filter.set) return;
    const tests = filter.flags.map((flag) => flagTest(table, flag));
    if (filter.fate !== undefined) {
      const wanted = table.fates.indexOf(filter.fate);
      tests.push((row) => table.fate[row] === wanted);
    }
    for (const { task, kind, question, start, count } of table.groups) {
      if (filter.kind !== undefined && kind !== filter.kind) continue;
      if (needle !== "" && !`${question}\n${task}\n${kind}`.toLowerCase().includes(needle)) continue;
      for (let row = start; row < start + count; row++) {
        if (!tests.every((test) => test(row))) continue;
        rows[length] = row;
        owners[length++] = owner;
      }
    }
  });
  return listOf(tables, rows.subarray(0, length), owners.subarray(0, length));
}

export type SortKey = "step" | "reward" | "advantage" | "calls" | "errors" | "turns" | "tokens";

/** Sorted by a figure; equal ones keep their order, rows without the figure come last. */
export function sortedRows(list: RowList, key: SortKey, descending: boolean): RowList {
  if (key === "step" && !descending) return list;
  const keys = new Float64Array(list.length);
  const tables: SetTable[] = [];
  const numbers = new Map<SetTable, number>();
  const rows = new Uint32Array(list.length);
  const owners = new Uint32Array(list.length);
  const order = new Uint32Array(list.length);
  for (let i = 0; i < list.length; i++) {
    const { table, row } = list.at(i);
    let owner = numbers.get(table);
    if (owner === undefined) {
      owner = tables.push(table) - 1;
      numbers.set(table, owner);
    }
    const value = key === "step" ? owner : (table[key][row] as number);
    keys[i] = Number.isNaN(value) ? Infinity : descending ? -value : value;
    order[i] = i;
  }
  order.sort((a, b) => (keys[a] as number) - (keys[b] as number) || a - b);
  order.forEach((from, to) => {
    const { table, row } = list.at(from);
    rows[to] = row;
    owners[to] = numbers.get(table) as number;
  });
  return listOf(tables, rows, owners);
}

/** How many rows each flag alone would leave. */
export function flagCounts(tables: readonly SetTable[]): Record<FlagName, number> {
  const counts = Object.fromEntries(flagNames.map((flag) => [flag, 0])) as Record<FlagName, number>;
  for (const table of tables)
    for (const flag of flagNames) {
      const test = flagTest(table, flag);
      for (let row = 0; row < table.length; row++) if (test(row)) counts[flag]++;
    }
  return counts;
}

function listOf(tables: readonly SetTable[], rows: Uint32Array, owners: Uint32Array): RowList {
  return {
    length: rows.length,
    at: (index) => ({ table: tables[owners[index] as number] as SetTable, row: rows[index] as number }),
    indexOf: (set, row) => {
      const owner = tables.findIndex((table) => table.set === set);
      for (let i = 0; i < rows.length; i++) if (rows[i] === row && owners[i] === owner) return i;
      return -1;
    },
  };
}
