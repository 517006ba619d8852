import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openLineFile, type LineFile } from "./lineFile.ts";

const root = mkdtempSync(join(tmpdir(), "pyvision-lines-"));
after(() => rmSync(root, { recursive: true, force: true }));

const linesOf = (file: LineFile): string[] => Array.from({ length: file.count }, (_, i) => file.line(i));

test("lines are found as they are appended, a cut last line only when it is whole", () => {
  const path = join(root, "growing");
  const file = openLineFile(path);
  assert.equal(file.update(), false);
  assert.equal(file.count, 0);
  writeFileSync(path, "one\ntwo\nthr");
  assert.equal(file.update(), true);
  assert.deepEqual(linesOf(file), ["one", "two"]);
  assert.equal(file.update(), false);
  appendFileSync(path, "ee");
  assert.equal(file.update(), false, "no whole line came");
  appendFileSync(path, "\n\nfünf\n");
  assert.equal(file.update(), true);
  assert.deepEqual(linesOf(file), ["one", "two", "three", "", "fünf"]);
  assert.equal(file.generation, 0);
});

test("only the first bytes of a line, on wish", () => {
  const path = join(root, "long");
  writeFileSync(path, `${"x".repeat(3_000_000)}\nend\n`);
  const file = openLineFile(path);
  file.update();
  assert.equal(file.line(0, 5), "xxxxx");
  assert.equal(file.line(0).length, 3_000_000);
  assert.equal(file.line(1, 50), "end");
  assert.throws(() => file.line(2), RangeError);
});

test("a file that was cut, replaced or removed is read from its beginning, as a new generation", () => {
  const path = join(root, "replaced");
  writeFileSync(path, "a\nb\nc\n");
  const file = openLineFile(path);
  file.update();
  truncateSync(path, 2);
  assert.equal(file.update(), true);
  assert.deepEqual([linesOf(file), file.generation], [["a"], 1]);
  writeFileSync(`${path}.new`, "x\ny\nz\nlonger than before\n");
  renameSync(`${path}.new`, path);
  file.update();
  assert.deepEqual([linesOf(file), file.generation], [["x", "y", "z", "longer than before"], 2]);
  rmSync(path);
  assert.equal(file.update(), true);
  assert.deepEqual([file.count, file.generation], [0, 3]);
});
