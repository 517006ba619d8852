// Files for the tests of this folder, in a folder of their own that the process removes.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after } from "node:test";
import { encode as encodePng } from "fast-png";
import jpeg from "jpeg-js";

/** A fresh folder, gone when the test file ends. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "pyvision-formats-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** @returns the path */
export function writeTo(folder: string, name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

/** One colour. */
export function png(width: number, height: number, [red, green, blue]: readonly number[]): Uint8Array {
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => [red, green, blue][i % 3] ?? 0);
  return encodePng({ width, height, data, channels: 3, depth: 8 });
}

export function jpegOf(width: number, height: number): Uint8Array {
  const data = Buffer.alloc(4 * width * height, 200);
  return jpeg.encode({ width, height, data }, 80).data;
}
