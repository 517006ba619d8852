import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { byteLines } from "./byteLines.ts";

const root = mkdtempSync(join(tmpdir(), "pyvision-lines-"));
after(() => rmSync(root, { recursive: true }));
const linesOf = (data: string): unknown[] => {
  const path = join(root, "lines.txt");
  writeFileSync(path, data);
  return [...byteLines(path)].map(({ text, number, start, whole }) => [text, number, start, whole]);
};

test("lines with their bytes, empty ones too; the last may lack its newline", () => {
  assert.deepEqual(linesOf("é\n\nb"), [
    ["é", 1, 0, true],
    ["", 2, 3, true],
    ["b", 3, 4, false],
  ]);
  assert.deepEqual(linesOf("a\n"), [["a", 1, 0, true]]);
  assert.deepEqual(linesOf(""), []);
});

test("lines across the blocks in which a file is read", () => {
  const long = "x".repeat(1_500_000);
  assert.deepEqual(linesOf(`a\n${long}\nb\n${long}`), [
    ["a", 1, 0, true],
    [long, 2, 2, true],
    ["b", 3, 1_500_003, true],
    [long, 4, 1_500_005, false],
  ]);
});
