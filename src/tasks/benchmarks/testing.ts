// For the tests of loaders.
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { DataError } from "../../core/errors.ts";
import type { BenchmarkFiles, BenchmarkItem, BenchmarkLoader } from "./item.ts";

/**
 * Parquet files in the layout of the Hub: written by `datasets` 5.2, rows in the fields that the authors' have.
 * @returns the folder
 */
export function placeFixture(name: string, folder: string, path: string): string {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  copyFileSync(fileURLToPath(new URL(`fixtures/${name}.parquet`, import.meta.url)), join(folder, path));
  return folder;
}

/** All items, which must be the same whenever they are asked for, and differ in their ids. */
export function itemsOf(files: BenchmarkFiles): readonly BenchmarkItem[] {
  const items = Array.from({ length: files.count }, (_, i) => files.at(i));
  for (const i of items.keys()) assert.deepEqual(files.at(items.length - 1 - i), items.at(-1 - i));
  assert.equal(new Set(items.map(({ id }) => id)).size, items.length);
  for (const { id } of items) assert.match(id, /^[A-Za-z0-9._-]+$/);
  for (const index of [-1, files.count, 0.5]) assert.throws(() => files.at(index), RangeError);
  return items;
}

/** Sizes and first pixels of an item's pictures: "4x3 200,200,200". */
export function seen({ images }: BenchmarkItem): readonly string[] {
  return images.map(({ width, height, data }) => `${width}x${height} ${data.subarray(0, 3).join()}`);
}

/** What a loader says of a folder that it cannot open. */
export function refused(loader: BenchmarkLoader, path: string, why: RegExp, split?: string): void {
  throwsData(() => loader.open(path, split), why);
}

export function throwsData(act: () => unknown, why: RegExp): void {
  assert.throws(act, (error) => {
    assert.ok(error instanceof DataError, String(error));
    assert.match(error.message, why);
    return true;
  });
}
