// The page's own logic that needs no document: filters, sorting, numbers for people.
import assert from "node:assert/strict";
import { test } from "node:test";
import { filteredRows, flagCounts, sortedRows, type RowList } from "../../web/data/filters.ts";
import { advantageText, count, plain, withUnit } from "../../web/data/format.ts";
import { decodeTables, encodeTable, joinTables, type TableRow } from "./tableCodec.ts";

const row = (member: number, changes: Partial<TableRow>): TableRow => ({
  reward: 1,
  advantage: 0.5,
  tokens: 10,
  calls: 1,
  effective: 1,
  errors: 0,
  turns: 2,
  member,
  accuracy: 1,
  end: "answered",
  fate: "trained",
  ...changes,
});
const bead = { task: "t-1", kind: "look", question: "Which BEAD?", spread: 0.5, fate: "trained" };
const cup = { task: "t-2", kind: "count", question: "How many cups?", spread: 0, fate: "allWrong" };
const tables = decodeTables(
  joinTables([
    encodeTable(
      "train-000001",
      [
        { ...bead, rows: [row(0, {}), row(1, { accuracy: 0, advantage: -0.5, reward: 0, errors: 2 })] },
        {
          ...cup,
          rows: [
            row(0, { accuracy: 0, calls: 0, fate: "allWrong", reward: 0 }),
            row(1, { accuracy: undefined, fate: "undecided" }),
          ],
        },
      ],
      2,
    ),
    encodeTable(
      "train-000002",
      [
        {
          ...bead,
          rows: [
            row(0, { advantage: -0.1, reward: 1.3 }),
            row(1, { end: "noAction", fate: "noAction", accuracy: 0, reward: NaN }),
          ],
        },
      ],
      1,
    ),
  ]).buffer as ArrayBuffer,
);
const all = { flags: [], text: "" } as const;
const named = (list: RowList): string[] =>
  Array.from({ length: list.length }, (_, i) => list.at(i)).map(
    ({ table, row: at }) => `${table.set.slice(-1)}:${at}`,
  );
const found = (filter: Partial<Parameters<typeof filteredRows>[1]>): string[] =>
  named(filteredRows(tables, { ...all, ...filter }));

test("every flag finds its own", () => {
  assert.deepEqual(found({}), ["1:0", "1:1", "1:2", "1:3", "2:0", "2:1"]);
  assert.deepEqual(found({ flags: ["wrong"] }), ["1:1", "1:2", "2:1"]);
  assert.deepEqual(found({ flags: ["noCall"] }), ["1:2"]);
  assert.deepEqual(found({ flags: ["errors"] }), ["1:1"]);
  assert.deepEqual(found({ flags: ["negative"] }), ["2:0"]);
  assert.deepEqual(found({ flags: ["undecided"] }), ["1:3"]);
  assert.deepEqual(found({ flags: ["broken"] }), ["2:1"]);
  assert.deepEqual(found({ flags: ["stored"] }), ["1:0", "1:1", "2:0"]);
  assert.deepEqual(found({ flags: ["wrong", "stored"] }), ["1:1"]);
  assert.deepEqual(flagCounts(tables), {
    wrong: 3,
    noCall: 1,
    errors: 1,
    negative: 1,
    undecided: 1,
    broken: 1,
    stored: 3,
  });
});

test("kind, step, fate and words narrow it further", () => {
  assert.deepEqual(found({ kind: "count" }), ["1:2", "1:3"]);
  assert.deepEqual(found({ set: "train-000002" }), ["2:0", "2:1"]);
  assert.deepEqual(found({ fate: "allWrong" }), ["1:2"]);
  assert.deepEqual(found({ fate: "never" }), []);
  assert.deepEqual(found({ text: " bead" }), ["1:0", "1:1", "2:0", "2:1"]);
  assert.deepEqual(found({ text: "T-2" }), ["1:2", "1:3"]);
  assert.deepEqual(found({ text: "cups", flags: ["wrong"] }), ["1:2"]);
});

test("sorting keeps equals in order and puts what has no figure last, either way", () => {
  const list = filteredRows(tables, all);
  assert.deepEqual(named(sortedRows(list, "reward", true)), ["2:0", "1:0", "1:3", "1:1", "1:2", "2:1"]);
  assert.deepEqual(named(sortedRows(list, "reward", false)), ["1:1", "1:2", "1:0", "1:3", "2:0", "2:1"]);
  assert.deepEqual(named(sortedRows(list, "step", true)), ["2:0", "2:1", "1:0", "1:1", "1:2", "1:3"]);
  assert.equal(sortedRows(list, "errors", true).indexOf("train-000001", 1), 0);
  assert.equal(list.indexOf("train-000002", 7), -1);
});

test("numbers have the digits that count, their unit, and a true minus", () => {
  assert.equal(withUnit(0.65625, "share"), "65.6%");
  assert.equal(withUnit(0.0123, "share"), "1.23%");
  assert.equal(withUnit(1234.5, "tokens"), "1\u202f235\u202ftok");
  assert.equal(withUnit(null, "nats"), "–");
  assert.equal(withUnit(NaN, "share"), "–");
  assert.deepEqual([0, 12, 0.00015, -0.5, 3.14159, 250_000.5].map(plain), [
    "0",
    "12",
    "1.5e−4",
    "−0.500",
    "3.14",
    "250K",
  ]);
  assert.deepEqual([0.6, -0.0754, 0.0001, NaN].map(advantageText), ["+0.600", "−0.075", "0.000", "–"]);
  assert.deepEqual(
    [count(1, "group"), count(2, "trajectory"), count(0, "call")],
    ["1 group", "2 trajectories", "0 calls"],
  );
});
