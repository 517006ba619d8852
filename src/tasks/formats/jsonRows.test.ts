// What is read around damage: literal files, then rows damaged at random, compared with the rows that were written.
import assert from "node:assert/strict";
import { test } from "node:test";
import { DataError } from "../../core/errors.ts";
import { randomStream } from "../../core/random.ts";
import { assertLinear } from "../../core/testGrowth.ts";
import { FileBytes } from "./fileBytes.ts";
import { JsonRowFile } from "./jsonRowFile.ts";
import { testFolder, writeTo } from "./testFiles.ts";

const folder = testFolder();
const open = (text: string | Uint8Array): JsonRowFile =>
  JsonRowFile.open(FileBytes.open(writeTo(folder, "rows.json", text)));

/** Every row: its id, or where it is malformed. */
function idsOf(file: JsonRowFile): string {
  return Array.from({ length: file.count }, (_, row) => {
    const fault = file.faults.find((f) => f.row === row);
    return fault === undefined ? String((file.read(row) as { id?: string }).id) : `!${fault.offset}`;
  }).join(" ");
}

/** Damage between rows. */
const between = (file: JsonRowFile): string[] =>
  file.faults.filter((f) => f.row === undefined).map(({ offset, reason }) => `${offset} ${reason}`);

const A = '{"id": "a", "q": "x"}';
const B = '{"id": "b", "q": "y"}';
const C = '{"id": "c", "q": "z"}';

const cases: readonly (readonly [name: string, text: string, ids: string, between: readonly string[]])[] = [
  ["an array on one line", `[${A}, ${B}, ${C}]`, "a b c", []],
  ["without spaces", `[${A},${B},${C}]`, "a b c", []],
  ["with a byte order mark", `\ufeff [${A}]\n`, "a", []],
  ["JSON Lines", `${A}\n${B}\r\n\n  \n${C}`, "a b c", []],
  ["an empty array", "[ ]", "", []],
  ["a lost closing quote", `[${A}, {"id": "b", "q": "y}, ${C}]`, "a !48 c", []],
  ["a lost opening quote", `[${A}, {"id": b", "q": "y"}, ${C}]`, "a !31 c", []],
  ["a lost colon", `[${A}, {"id" "b", "q": "y"}, ${C}]`, "a !30 c", []],
  ["a lost closing brace", `[${A}, {"id": "b", "q": "y", ${C}]`, "a !46 c", []],
  ["a value cut off, and the next row behind it", `[${A}, {"id": "b", "q": "yy ${C}]`, "a !47 c", []],
  ["an unescaped quote", `[${A}, {"id": "b", "q": "y"y"}, ${C}]`, "a !44 c", []],
  ["NaN", `[${A}, {"id": "b", "q": NaN}, ${C}]`, "a !41 c", []],
  ["a comma after the last field", `[${A}, {"id": "b", "q": "y",}, ${C}]`, "a !45 c", []],
  ["single quotes", `[${A}, {'id': 'b'}, ${C}]`, "a !25 c", []],
  ["the first row damaged", `[{"id": "a" "q": "x"}, ${B}, ${C}]`, "!12 b c", []],
  ["two damaged rows together", `[${A}, {"id": b}, {"id": c}, ${C}]`, "a !31 !42 c", []],
  ["a row that is no object", `[${A}, 5, ${C}]`, "a undefined c", []],
  ["a lost comma between rows", `[${A} ${B}, ${C}]`, "a b c", ["23 has no ',' before this row"]],
  ["a comma too many", `[${A},, ${B}]`, "a b", ["23 has ',' where a row must stand"]],
  [
    "a bracket too many",
    `[[${A}, ${B}]]`,
    "a b",
    ["1 has '[' where a row must stand", "47 goes on after the array's end; one file holds one array"],
  ],
  [
    "a bracket between rows",
    `[${A}], ${B}]`,
    "a b",
    ["23 goes on after the array's end; one file holds one array"],
  ],
  ["the first row's key damaged", `[{"i"d": "a", "q": {"r": 1}}, ${B}, ${C}]`, "!5 b c", []],
  ["a comma before the first row", `[,${A}]`, "a", ["1 has ',' where a row must stand"]],
  ["a comma after the last row", `[${A}, ${B},]`, "a b", ["46 has a comma after the last row; take it out"]],
  ["a brace too many", `[${A}}, ${B}]`, "a b", ["22 has no ',' before this row"]],
  [
    "a lost bracket at the end",
    `[${A}, ${B}`,
    "a b",
    ["45 ends without the array's ']': it is cut off, or the bracket is missing"],
  ],
  ["a download that broke", `[${A}, ${B}, {"id": "c", "q": "z`, "a b !66", []],
  ["a second array", `[${A}]\n[${B}]`, "a b", ["24 goes on after the array's end; one file holds one array"]],
  ["a damaged line", `${A}\n{"id": "b, "q": "y"}\n${C}`, "a !34 c", []],
  ["a line with two rows", `${A}\n${B} ${B}\n${C}`, "a !44 c", []],
  ["a line cut off", `${A}\n{"id": "b"\n${C}`, "a !32 c", []],
];
for (const [name, text, ids, faults] of cases)
  test(name, () => {
    const file = open(text);
    assert.equal(idsOf(file), ids);
    assert.deepEqual(between(file), faults);
  });

test("with line breaks in the file, a row is known by its indentation: nested objects are no rows", () => {
  const rows = ["a", "b", "c"].map((id) => ({ id, q: "x", more: [{ id: "n1" }, { id: "n2" }] }));
  for (const indent of [1, 2, 4, "\t"]) {
    const text = JSON.stringify(rows, null, indent);
    for (const [from, to] of [
      ['"q": "x"', '"q": "x'], // the string ends with the line
      ['"q": "x",', '"q": "x"'],
      ['"id": "n1"', '"id": n1'],
      ['"n2"', '"n2'],
    ] as const) {
      const file = open(text.replace(from, to));
      assert.match(idsOf(file), /^!\d+ b c$/, `${JSON.stringify(indent)} ${from}`);
      assert.deepEqual(between(file), []);
    }
  }
});

test("a malformed row is reported with its number and byte, and reading it says why", () => {
  const file = open(`[${A}, {"id": "b", "q": NaN}, ${C}]`);
  assert.deepEqual(file.faults, [{ row: 1, offset: 41, reason: "has 'N' where a value must stand" }]);
  assert.throws(() => file.read(1), {
    name: "DataError",
    message: `${file.path}: row 1 at byte 24 has 'N' where a value must stand (byte 41)`,
  });
  assert.deepEqual([file.offsetOf(0), file.offsetOf(2)], [1, 47]);
  assert.throws(() => file.read(3), RangeError);
});

test("a row in another encoding is refused, others are read", () => {
  const latin = Buffer.from(`[${A}, {"id": "b", "q": "caf\u00e9"}, ${C}]`, "latin1");
  const file = open(latin);
  assert.throws(() => file.read(1), /row 1 at byte 24 is not UTF-8/);
  assert.deepEqual(file.read(2), { id: "c", q: "z" });
});

test("what a file must be is said of every other kind", () => {
  const refused = (content: string | Uint8Array, why: RegExp): void =>
    assert.throws(
      () => open(content),
      (error) => error instanceof DataError && why.test(error.message),
    );
  refused("", /begins with nothing: it is empty/);
  refused(Buffer.from([0x1f, 0x8b, 8, 0]), /a gzip header: unpack it first/);
  refused(Buffer.from("\ufeff[]", "utf16le"), /the mark of UTF-16: write it again in UTF-8/);
  refused(
    "id,question\n1,what",
    /must be a JSON array of rows, JSON Lines or parquet, but it begins with "id,question/,
  );
  refused(
    JSON.stringify({ data: [{ id: "a" }] }, null, 2),
    /none of its rows is JSON; the first ends where .* an object that holds the rows/,
  );
  assert.throws(() => FileBytes.open(folder), /must be a file, but it is a directory/);
  assert.throws(() => FileBytes.open(`${folder}/none.json`), /cannot be read \(there is no such file\)/);
});

/** The row; empty when the damage made it another encoding. */
function textOf(file: JsonRowFile, row: number): string {
  try {
    return JSON.stringify(file.read(row));
  } catch (error) {
    assert.match((error as Error).message, /is not UTF-8/);
    return "";
  }
}

/** Rows as the prepared layout has them, with texts that look like structure. */
const original = Array.from({ length: 12 }, (_, i) => ({
  prompt: [
    { content: `Look, "${i}": [{"a": 1}, {"b": \\ }]\nAnswer é ${"x".repeat((7 * i) % 30)}`, role: "user" },
  ],
  data_source: "vstar",
  extra_info: { index: i, question: `{"q": ${i}}` },
  mm_hint: { hint_path: `images/${i}.jpg`, hint_type: "image" },
}));
const texts = {
  "on one line": JSON.stringify(original),
  "as Python writes it": JSON.stringify(original, null, 1)
    .replace(/,\n\s*/g, ", ")
    .replace(/\n\s*/g, ""),
  "with line breaks": JSON.stringify(original, null, 4),
  "line by line": original.map((row) => JSON.stringify(row)).join("\n"),
};
for (const [name, text] of Object.entries(texts))
  test(`1,500 files damaged in one byte, ${name}: only the rows around the damage are lost`, () => {
    const bytes = Buffer.from(text);
    const whole = open(bytes);
    const starts = original.map((_, row) => whole.offsetOf(row));
    const random = randomStream("damage", name);
    let lost = 0;
    for (let i = 0; i < 1500; i++) {
      const at = 1 + random.below(bytes.length - 2);
      const put = random.pick(["", '"', "\\", "{", "}", "[", "]", ",", ":", "\n", "\0", "x"]);
      const mutant = Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(put),
        bytes.subarray(at + random.below(2)),
      ]);
      const hit = starts.findLastIndex((start) => start <= at);
      const file = open(mutant);
      const read = new Set<string>();
      for (let row = 0; row < file.count; row++)
        if (!file.faults.some((f) => f.row === row)) read.add(textOf(file, row));
      const missing = original.flatMap((row, r) => (read.has(JSON.stringify(row)) ? [] : [r]));
      lost += missing.length;
      assert.ok(
        missing.every((r) => Math.abs(r - hit) <= 1),
        `row ${hit} damaged at byte ${at} with ${JSON.stringify(put)}, but rows ${missing.join()} are lost`,
      );
      for (const { offset } of file.faults) assert.ok(offset >= 0 && offset <= mutant.length);
      file.close();
    }
    assert.ok(lost > 500 && lost < 1600, `${lost} rows lost of 1,500 damaged`);
  });

test("1,000 files of nothing but punctuation end, with every fault inside them", () => {
  const random = randomStream("noise");
  for (let i = 0; i < 1000; i++) {
    const pieces = ["{", "}", "[", "]", ",", ":", '"', '"id"', '{"id":', "1", "\n", " ", "\\", "é", "\0"];
    const text = `[{"id": 1}, ${Array.from({ length: random.below(60) }, () => random.pick(pieces)).join("")}`;
    const file = open(text);
    assert.deepEqual(file.read(0), { id: 1 });
    for (const { row, offset } of file.faults) {
      assert.ok(offset >= 0 && offset <= Buffer.byteLength(text));
      assert.ok(row === undefined || row < file.count);
    }
    for (let row = 0; row < file.count; row++) if (!file.faults.some((f) => f.row === row)) file.read(row);
    file.close();
  }
});

test("a file of whole rows is opened in linear time", () => {
  assertLinear("rows", 400_000, (rows) => {
    const file = open(`[${'{"id": 1}, '.repeat(rows - 1)}{"id": 2}]`);
    assert.equal(file.count, rows);
    assert.deepEqual(file.read(rows - 1), { id: 2 });
    file.close();
  });
});

test("a file of damage only is read through in linear time", () => {
  assertLinear("damage", 400_000, (rows) => {
    const file = open(`[{"id": 1}, ${'{"id": '.repeat(rows)}`);
    assert.deepEqual(file.read(0), { id: 1 });
    assert.ok(file.faultCount > 300);
    file.close();
  });
});
