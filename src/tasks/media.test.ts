import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { deflateSync } from "node:zlib";
import { encode } from "fast-png";
import jpeg from "jpeg-js";
import { DataError } from "../core/errors.ts";
import { decodeImage, loadImage } from "./media.ts";

/** A PNG put together by hand: `rows` are the raw scanlines, each without its filter byte. */
function png(
  size: [number, number],
  depth: number,
  colourType: number,
  rows: number[][],
  chunks: [string, number[]][],
) {
  const header = [...u32(size[0]), ...u32(size[1]), depth, colourType, 0, 0, 0];
  const data = [...deflateSync(Uint8Array.from(rows.flatMap((row) => [0, ...row])))];
  const parts: [string, number[]][] = [["IHDR", header], ...chunks, ["IDAT", data], ["IEND", []]];
  const body = parts.flatMap(([type, bytes]) => {
    const named = [...Buffer.from(type, "latin1"), ...bytes];
    return [...u32(bytes.length), ...named, ...u32(crc32(named))];
  });
  return Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, ...body]);
}

function u32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

function crc32(bytes: readonly number[]): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

const pixels = (bytes: Uint8Array): number[] => [...decodeImage(bytes, "test").data];

test("RGB is taken as it is", () => {
  const image = decodeImage(png([2, 1], 8, 2, [[1, 2, 3, 250, 251, 252]], []), "test");
  assert.deepEqual(image, { width: 2, height: 1, data: Uint8Array.from([1, 2, 3, 250, 251, 252]) });
});

test("alpha is laid on white: 255 + (v - 255) a / 255", () => {
  // a = 51 is one fifth: 0 -> 204, 100 -> 255 - 31 = 224, 255 -> 255; a = 0 is white.
  assert.deepEqual(
    pixels(png([2, 1], 8, 6, [[0, 100, 255, 51, 9, 9, 9, 0]], [])),
    [204, 224, 255, 255, 255, 255],
  );
  assert.deepEqual(pixels(png([2, 1], 8, 4, [[0, 51, 7, 255]], [])), [204, 204, 204, 7, 7, 7]);
});

test("one bit grey: rows are padded to whole bytes", () => {
  const rows = [[0b10100000], [0b01000000]];
  const [on, off] = [[255, 255, 255], [0, 0, 0]]; // prettier-ignore
  assert.deepEqual(pixels(png([3, 2], 1, 0, rows, [])), [on, off, on, off, on, off].flat());
});

test("four bit grey spans 0 to 255", () => {
  assert.deepEqual(pixels(png([3, 1], 4, 0, [[0x0f, 0x80]], [])), [0, 0, 0, 255, 255, 255, 136, 136, 136]);
});

test("16 bit samples are scaled, not cut", () => {
  // 0x0180 = 384; 384 * 255 / 65535 = 1.49 -> 1; 0x01ff = 511 -> 1.99 -> 2 (its high byte is 1)
  const row = [0x01, 0x80, 0x01, 0xff, 0xff, 0xff];
  assert.deepEqual(pixels(png([1, 1], 16, 2, [row], [])), [1, 2, 255]);
});

test("a palette of two bits, one colour half transparent", () => {
  const palette: [string, number[]][] = [
    ["PLTE", [10, 20, 30, 0, 0, 0]],
    ["tRNS", [255, 51]],
  ];
  assert.deepEqual(
    pixels(png([3, 1], 2, 3, [[0b00010000]], palette)),
    [10, 20, 30, 204, 204, 204, 10, 20, 30],
  );
});

test("the colour declared transparent is white, its neighbours are not", () => {
  const rgb: [string, number[]][] = [["tRNS", [0, 1, 0, 2, 0, 3]]];
  assert.deepEqual(
    pixels(png([3, 1], 8, 2, [[1, 2, 3, 1, 2, 4, 0, 0, 0]], rgb)),
    [255, 255, 255, 1, 2, 4, 0, 0, 0],
  );
  assert.deepEqual(pixels(png([2, 1], 8, 0, [[7, 8]], [["tRNS", [0, 7]]])), [255, 255, 255, 8, 8, 8]);
});

test("JPEG: a grey one comes back as three equal channels, dimensions kept", () => {
  const data = new Uint8Array(16 * 8 * 4).fill(128);
  const image = decodeImage(jpeg.encode({ width: 16, height: 8, data }, 95).data, "test");
  assert.deepEqual([image.width, image.height, image.data.length], [16, 8, 16 * 8 * 3]);
  assert.ok(image.data.every((value) => Math.abs(value - 128) <= 1));
});

test("files: kind is told by content; missing, foreign and cut ones are DataErrors that say so", async () => {
  const dir = mkdtempSync(join(tmpdir(), "media-"));
  after(() => rmSync(dir, { recursive: true }));
  const good = encode({ width: 1, height: 1, data: Uint8Array.from([5, 6, 7]), channels: 3 });
  writeFileSync(join(dir, "png-named.jpg"), good);
  writeFileSync(join(dir, "text.png"), "hello");
  writeFileSync(join(dir, "cut.png"), good.subarray(0, 40));
  assert.deepEqual([...(await loadImage(join(dir, "png-named.jpg"))).data], [5, 6, 7]);
  const fails = (name: string, message: RegExp): Promise<void> =>
    assert.rejects(
      loadImage(join(dir, name)),
      (error) => error instanceof DataError && message.test(error.message),
    );
  await fails("missing.png", /missing\.png: cannot be read \(there is no such file\)/);
  await fails("text.png", /text\.png: must be PNG or JPEG/);
  await fails("cut.png", /cut\.png: is damaged \(/);
});
