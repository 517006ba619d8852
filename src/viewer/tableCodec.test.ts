import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeTables, encodeTable, groupOfRow, joinTables, type TableRow } from "./tableCodec.ts";

const row = (changes: Partial<TableRow>): TableRow => ({
  reward: 1.1,
  advantage: -0.5,
  tokens: 70_000,
  calls: 2,
  effective: 1,
  errors: 0,
  turns: 3,
  member: 0,
  accuracy: 1,
  end: "answered",
  fate: "trained",
  ...changes,
});
const group = { task: "t-1", kind: "look", question: "Wäs? 中", spread: 0.25, fate: "trained" };

test("figures come back from bytes, whatever the numbers of rows are", () => {
  const first = encodeTable(
    "train-000001",
    [
      { ...group, rows: [row({}), row({ member: 1, accuracy: 0, fate: "rankCut", advantage: 0.25 })] },
      {
        ...group,
        task: "t-2",
        spread: null,
        rows: [row({ accuracy: undefined, reward: NaN, end: "noAction", fate: "" })],
      },
    ],
    2,
  );
  const second = encodeTable("empty", [], 0);
  const third = encodeTable("one", [{ ...group, rows: [row({ calls: 99_999 })] }], 1);
  const tables = decodeTables(joinTables([first, second, third]).buffer as ArrayBuffer);
  assert.deepEqual(
    tables.map(({ set, length, stored }) => [set, length, stored]),
    [
      ["train-000001", 3, 2],
      ["empty", 0, 0],
      ["one", 1, 1],
    ],
  );
  const [table] = tables;
  assert.ok(table !== undefined);
  assert.deepEqual([...table.accuracy], [1, 0, 2]);
  assert.deepEqual([...table.tokens], [70_000, 70_000, 70_000]);
  assert.deepEqual([...table.advantage], [-0.5, 0.25, -0.5]);
  assert.ok(Number.isNaN(table.reward[2]));
  assert.deepEqual(
    [...table.end].map((i) => table.ends[i]),
    ["answered", "answered", "noAction"],
  );
  assert.deepEqual(
    [...table.fate].map((i) => table.fates[i]),
    ["trained", "rankCut", ""],
  );
  assert.deepEqual(table.groups, [
    { ...group, start: 0, count: 2 },
    { ...group, task: "t-2", spread: null, start: 2, count: 1 },
  ]);
  assert.equal(tables[2]?.calls[0], 65_535, "a figure beyond its column stays at the most it can say");
});

test("a trajectory takes 25 bytes besides its group", () => {
  const rows = Array.from({ length: 1000 }, (_, member) => row({ member }));
  const bytes = encodeTable("s", [{ ...group, rows }], 0).length;
  assert.ok(bytes < 25_000 + 400, String(bytes));
});

test("the group of a row is found by its place", () => {
  const groups = [0, 4, 8].map((start) => ({ ...group, start, count: 4 }));
  assert.deepEqual(
    [0, 3, 4, 7, 8, 11].map((at) => groupOfRow({ groups }, at)?.start),
    [0, 0, 4, 4, 8, 8],
  );
  assert.equal(groupOfRow({ groups: [] }, 0), undefined);
});
