// The oracle of quoting is Python's csv module, which reads fields as pandas does.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, openSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { randomStream } from "../../core/random.ts";
import { FileBytes } from "./fileBytes.ts";
import { EmbeddedMedia } from "./rowFile.ts";
import { jpegOf, testFolder, writeTo } from "./testFiles.ts";
import { TsvFields, unquoted } from "./tsvFields.ts";
import { TsvRowFile } from "./tsvRowFile.ts";

const folder = testFolder();

function open(path: string): TsvRowFile {
  return TsvRowFile.open(FileBytes.open(path), ["index", "question", "A"], ["image"]);
}

const bytesOf = (value: unknown): Uint8Array => {
  assert.ok(value instanceof EmbeddedMedia);
  return (value.load() as { bytes: Uint8Array }).bytes;
};

test("60 MB are walked through with one block in memory, and rows read by number", () => {
  const path = join(folder, "large.tsv");
  const picture = Buffer.from(jpegOf(64, 48));
  // Base64 of the picture again and again: some 300 KB a row.
  const image = Buffer.alloc(300_000, picture).toString("base64");
  const file = openSync(path, "w");
  writeSync(file, "index\tquestion\tA\timage\n");
  for (let row = 0; row < 150; row++) writeSync(file, `${row}\t"line\none"\tred\t${image}\n`);
  closeSync(file);
  const before = process.resourceUsage().maxRSS;
  const rows = open(path);
  const grownMB = (process.resourceUsage().maxRSS - before) / 1024;
  assert.equal(rows.count, 150);
  assert.ok(grownMB < 16, `the walk took ${grownMB} MB`);
  const { index, image: last } = rows.read(149) as Record<string, unknown>;
  assert.equal(index, "149");
  assert.deepEqual(Buffer.from(bytesOf(last)).subarray(0, picture.length), picture);
  rows.close();
});

test("quoting, line ends and empty lines are those of Python's csv module", () => {
  const random = randomStream("tsv");
  const pieces = ['"', '"', '""', "\t", "\t", "\n", "\r\n", "\r", "a", "é", " ", "bc"];
  const texts = Array.from({ length: 600 }, () =>
    Array.from({ length: 1 + random.below(24) }, () => random.pick(pieces)).join(""),
  );
  const script =
    "import csv, io, json, sys\n" +
    "read = lambda text: [row for row in csv.reader(io.StringIO(text, newline=''), delimiter='\\t') if row]\n" +
    "print(json.dumps([read(text) for text in json.load(sys.stdin)]))";
  const { stdout, stderr, status } = spawnSync("python3", ["-c", script], {
    input: JSON.stringify(texts),
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  const expected = JSON.parse(stdout) as string[][][];
  texts.forEach((text, i) => {
    const file = FileBytes.open(writeTo(folder, "fuzz.tsv", text));
    const fields = TsvFields.index(file, 100);
    const rows = Array.from({ length: fields.count }, (_, line) =>
      Array.from({ length: fields.fieldCountOf(line) }, (_f, number) => {
        const { start, end } = fields.field(line, number);
        return unquoted(file.read(start, end - start)).toString("utf8");
      }),
    );
    file.close();
    assert.deepEqual(rows, expected[i], JSON.stringify(text));
  });
});

test("a quoted field may reach over blocks, its doubled quotes at their border", () => {
  // A block is 2^20 bytes; the pair of quotes lies at every place around its end.
  for (const shift of [-2, -1, 0, 1]) {
    const start = 'index\tquestion\n1\t"';
    const filler = "x".repeat(2 ** 20 - start.length + shift);
    const rows = open(writeTo(folder, "border.tsv", `${start}${filler}"" and\tmore"\n2\tlast`));
    assert.deepEqual(rows.read(0), { index: "1", question: `${filler}" and\tmore` });
    assert.deepEqual(rows.read(1), { index: "2", question: "last" });
    rows.close();
  }
});

test("pictures are loaded when asked for; a short field of media stays text", () => {
  const picture = jpegOf(8, 8);
  const base64 = Buffer.from(picture).toString("base64");
  const wrapped = (base64.match(/.{1,60}/g) as string[]).join("\n");
  const content = `\ufeffindex\tnote\timage\n7\tx\t${base64}\n8\tx\t7\n9\tx\t"${wrapped}"\n10\tx\t${"!".repeat(99)}\n`;
  const rows = open(writeTo(folder, "pictures.tsv", content));
  const read = (row: number): Record<string, unknown> => rows.read(row) as Record<string, unknown>;
  assert.deepEqual(Object.keys(read(0)), ["index", "image"]);
  assert.deepEqual(Buffer.from(bytesOf(read(0)["image"])), Buffer.from(picture));
  assert.deepEqual(read(1), { index: "8", image: "7" });
  assert.deepEqual(Buffer.from(bytesOf(read(2)["image"])), Buffer.from(picture));
  assert.throws(
    () => bytesOf(read(3)["image"]),
    /pictures\.tsv: row 3 at byte \d+, column image: is not base64/,
  );
  rows.close();
});

test("rows of another length, and one that is cut off, are told of; the others can be read", () => {
  const path = writeTo(folder, "faulty.tsv", 'index\tquestion\n1\n2\tb\tc\n3\tgood\n4\t"cut');
  const rows = open(path);
  assert.equal(rows.faultCount, 3);
  assert.deepEqual(
    rows.faults.map(({ row, offset }) => [row, offset]),
    [
      [0, 15],
      [1, 17],
      [3, 30],
    ],
  );
  assert.throws(
    () => rows.read(0),
    /faulty\.tsv: row 0 at byte 15 has 1 fields instead of the 2 of the header/,
  );
  assert.throws(() => rows.read(1), /has 3 fields instead of the 2/);
  assert.deepEqual(rows.read(2), { index: "3", question: "good" });
  assert.throws(
    () => rows.read(3),
    /row 3 at byte 30 ends inside the quoted field that begins at byte 32: is the f/,
  );
  assert.throws(() => rows.read(4), RangeError);
  truncateSync(path, 20);
  assert.throws(() => rows.read(2), /column index: is no longer there|column question: is no longer there/);
  rows.close();
});

test("what is no such file is said", () => {
  assert.throws(
    () => open(writeTo(folder, "empty.tsv", "")),
    /empty\.tsv: is empty; a TSV begins with its header/,
  );
  assert.throws(
    () => open(writeTo(folder, "other.tsv", "a\tb\n1\t2\n")),
    /other\.tsv: has none of the columns index, question, A, image; it has a, b/,
  );
});
