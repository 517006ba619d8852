// The files of fixtures/ were written by others: `datasets` 5.2 (image), pyarrow 26 (list-v1, list-v2, odd and one a codec), and
// hyparquet-writer 0.17 made to cut pages within rows (spanning; pyarrow reads it alike). What they hold is written out here.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { DataError } from "../../core/errors.ts";
import { randomStream } from "../../core/random.ts";
import { decodeImage } from "../media.ts";
import { FileBytes } from "./fileBytes.ts";
import { ParquetRowFile } from "./parquetRowFile.ts";
import { EmbeddedMedia } from "./rowFile.ts";
import { MEDIA_FIELDS, TEXT_FIELDS } from "./taskRow.ts";
import { testFolder, writeTo } from "./testFiles.ts";

const folder = testFolder();
const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}.parquet`, import.meta.url));
const open = (path: string): ParquetRowFile =>
  ParquetRowFile.open(FileBytes.open(path), TEXT_FIELDS, MEDIA_FIELDS);

/** A row with its media loaded, each as width x height and first pixel. */
function loaded(file: ParquetRowFile, row: number): Record<string, unknown> {
  const fields = Object.entries(file.read(row) as Record<string, unknown>);
  return Object.fromEntries(
    fields.map(([name, value]) => [name, value instanceof EmbeddedMedia ? pictures(value.load()) : value]),
  );
}

function pictures(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(pictures);
  const { bytes, path } = value as { readonly bytes: Uint8Array; readonly path: string | null };
  const { width, height, data } = decodeImage(bytes, "p");
  return `${path} ${width}x${height} ${data.subarray(0, 3).join()}`;
}

test("an Image column of Hugging Face datasets, three row groups", () => {
  const file = open(fixture("image"));
  assert.equal(file.count, 7);
  for (const row of [6, 0, 3, 2])
    assert.deepEqual(loaded(file, row), {
      id: String(row),
      question: `What colour is picture ${row}? é`,
      answer: row % 2 === 1 ? "red" : "4",
      ability: "visual_search",
      data_source: "vstar",
      image: `${row}.png 8x6 ${10 * row},${20 * row},${30 * row}`,
    });
});

const prepared = (i: number): unknown => ({
  prompt: [
    { role: "system", content: "S" },
    { role: "user", content: `${"<image>".repeat(1 + (i % 3))}\nQuestion ${i}` },
  ],
  data_source: "geo",
  ability: "math",
  images: Array.from({ length: 1 + (i % 3) }, (_, k) => {
    const n = 10 * i + k;
    return `null ${4 + k}x5 ${(10 * n) % 256},${(20 * n) % 256},${(30 * n) % 256}`;
  }),
  reward_model: { style: "rule", ground_truth: String(i) },
  extra_info: {
    index: BigInt(i),
    question: `${"<image>".repeat(1 + (i % 3))}Question ${i}`,
    answer: String(i),
    split: "train",
  },
});

for (const [name, rows] of [
  ["list-v1", 40],
  ["list-v2", 40],
  ["gzip", 6],
  ["brotli", 6],
  ["lz4", 6],
  ["none", 6],
] as const)
  test(`lists of images, nested records, many pages (${name}): forwards, backwards and at random`, () => {
    const file = open(fixture(name));
    assert.equal(file.count, rows);
    const forwards = Array.from({ length: rows }, (_, i) => i);
    for (const row of [...forwards, ...forwards.toReversed(), ...randomStream(name).shuffle(forwards)])
      assert.deepEqual(loaded(file, row), prepared(row));
  });

test("nulls: of bytes, of an image, of an answer; integers and large strings", () => {
  const file = open(fixture("odd"));
  const image = (row: number): unknown => (file.read(row) as { image: EmbeddedMedia }).image.load();
  assert.deepEqual(image(0), { bytes: null, path: "a.png" });
  assert.equal(image(1) ?? null, null);
  assert.deepEqual(
    { ...(file.read(2) as object), image: undefined },
    { id: 3n, question: "c", answer: null, image: undefined },
  );
});

test("rows that go on over several pages", () => {
  const file = open(fixture("spanning"));
  for (const row of [11, 0, 5, 3, 2, 1, 10, 4, 6, 7, 8, 9]) {
    const { id, images } = file.read(row) as { readonly id: string; readonly images: EmbeddedMedia };
    assert.equal(id, String(row));
    const expected = Array.from({ length: 1 + (row % 4) }, (_, k) => new Uint8Array(50).fill(10 * row + k));
    assert.deepEqual(images.load(), expected);
  }
});

test("a row's image costs its page, not its row group", () => {
  const bytes = FileBytes.open(fixture("list-v1"));
  const file = ParquetRowFile.open(bytes, ["data_source"], ["images"]);
  file.read(0);
  (file.read(0) as { images: EmbeddedMedia }).images.load(); // finds the pages
  let read = 0;
  const original = bytes.read.bind(bytes);
  bytes.read = (start, length) => {
    read += length;
    return original(start, length);
  };
  (file.read(39) as { images: EmbeddedMedia }).images.load();
  assert.ok(read > 0 && read < 1200, `${read} bytes read of ${bytes.size}: one page of bytes, one of paths`);
});

test("what cannot be read says file, row and column", () => {
  const whole = readFileSync(fixture("image"));
  const refused = (content: Uint8Array, why: RegExp): void =>
    assert.throws(
      () => open(writeTo(folder, "a.parquet", content)),
      (error) => error instanceof DataError && why.test(error.message),
    );
  refused(whole.subarray(0, 3000), /is no readable parquet file \(its end is missing: cut off\?\)/);
  refused(Buffer.from("PAR1PAR1"), /is no readable parquet file/);
  assert.throws(
    () => ParquetRowFile.open(FileBytes.open(fixture("image")), ["text"], []),
    /has none of the columns text; it has id, question, answer, ability, data_source, image/,
  );
  const damaged = Buffer.from(whole).fill(0xee, 4, 200);
  const file = open(writeTo(folder, "b.parquet", damaged));
  assert.throws(() => file.read(0), /b\.parquet: row 0, column id: cannot be read \(/);
  assert.equal((file.read(6) as { id: string }).id, "6", "other row groups are read");
  assert.throws(() => file.read(7), RangeError);
});

test("1,200 files damaged at random give rows or a DataError", () => {
  const random = randomStream("parquet");
  let failed = 0;
  let readable = 0;
  for (const name of ["image", "list-v1", "list-v2", "spanning", "gzip", "lz4"])
    for (let i = 0; i < 200; i++) {
      const bytes = Buffer.from(readFileSync(fixture(name)));
      for (let k = 0; k <= random.below(4); k++) {
        // Half of the damage goes into the footer, which is a fifth of the file.
        const from = random.below(2) === 0 ? bytes.length - 1500 : 0;
        bytes[from + random.below(bytes.length - from)] = random.below(256);
      }
      try {
        const file = open(writeTo(folder, "c.parquet", bytes));
        for (const row of [0, file.count - 1, file.count >> 1].filter((r) => r >= 0 && r < 1e6))
          for (const value of Object.values(file.read(row) as object))
            if (value instanceof EmbeddedMedia) value.load();
        readable++;
        file.close();
      } catch (error) {
        assert.ok(error instanceof DataError, `${name} ${i}: ${String(error)}`);
        failed++;
      }
    }
  assert.ok(failed > 100 && readable > 100, `${failed} failed, ${readable} were read`);
});
