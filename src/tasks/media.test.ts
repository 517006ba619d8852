import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
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

test("a palette beside colours is a suggestion, and its colours are not those of the picture", () => {
  const suggested: [string, number[]][] = [["PLTE", [9, 9, 9, 7, 7, 7]]];
  assert.deepEqual(pixels(png([2, 1], 8, 2, [[0, 1, 0, 1, 0, 1]], suggested)), [0, 1, 0, 1, 0, 1]);
  assert.deepEqual(pixels(png([1, 1], 8, 6, [[0, 1, 0, 255]], suggested)), [0, 1, 0]);
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

describe("a picture that costs more than it is worth is refused before it is decoded", () => {
  const small = jpeg.encode({ width: 16, height: 16, data: new Uint8Array(16 * 16 * 4).fill(128) }, 50).data;
  /** With another size in its frame header. */
  const jpegSaying = (width: number, height: number, padding = 0): Uint8Array => {
    const sof = small.indexOf(Buffer.from([0xff, 0xc0]));
    const bytes = Buffer.concat([small, Buffer.alloc(padding)]);
    bytes.writeUInt16BE(height, sof + 5);
    bytes.writeUInt16BE(width, sof + 7);
    return bytes;
  };
  const refused = (bytes: Uint8Array, message: RegExp, maxPixels?: number): void => {
    const before = performance.now();
    assert.throws(
      () => decodeImage(bytes, "p", maxPixels),
      (error) => error instanceof DataError && message.test(error.message),
    );
    const took = performance.now() - before;
    assert.ok(took < 30_000, `it took ${took} ms`);
  };

  test("a JPEG whose header says more than is read", () => {
    const bytes = jpegSaying(9900, 9900);
    const message = /^image p: is 9900×9900, 98010000 pixels, more than the 64000000 that are read/;
    refused(bytes, message, 64_000_000);
    refused(jpegSaying(10_001, 10_000), /100010000 pixels, more than the 100000000 that are read/);
  });

  test("a JPEG too short for the size of its header", () => {
    const bytes = jpegSaying(7900, 8000);
    refused(bytes, /is damaged \(its \d+ bytes cannot hold the 7900×8000 pixels of its header\)/);
  });

  test("a PNG whose header says more, or whose pixels inflate to more or less, than is read", () => {
    refused(png([9900, 9900], 8, 2, [[]], []), /9900×9900, 98010000 pixels, more than the 64000000/, 64e6);
    const big = Array<number[]>(1000).fill(Array<number>(1000).fill(0));
    refused(png([56, 56], 8, 2, big, []), /pixel data is longer than the 9464 bytes that its header/);
    // 7 × (1 + 3 × 7) = 154
    refused(png([7, 7], 8, 2, [[1, 2, 3]], []), /pixel data is 4 bytes instead of the 154/);
  });

  test("a PNG that states its size twice", () => {
    const second: [string, number[]] = ["IHDR", [...u32(60_000), ...u32(60_000), 8, 2, 0, 0, 0]];
    refused(png([1, 1], 8, 2, [[1, 2, 3]], [second]), /it must begin with its one IHDR/);
  });

  test("what is packed beside the pixels is left packed", () => {
    // A colour profile of this kind ("p", deflate) that is broken: whoever unpacks it fails.
    const profile: [string, number[]] = ["iCCP", [112, 0, 0, 1, 2, 3]];
    assert.deepEqual(pixels(png([1, 1], 8, 2, [[1, 2, 3]], [profile])), [1, 2, 3]);
  });

  test("interlaced pixels are counted by their passes", () => {
    // 3×3 of 8 bits: passes of 1×1, none, none, 1×1, 2×1, 1×2 and 3×1 pixels; each row has a filter byte.
    const rows = [[1], [3], [7, 9], [2], [8], [4, 5, 6]];
    const bytes = png([3, 3], 8, 0, rows, []);
    bytes[8 + 8 + 12] = 1; // its checksum is not looked at
    assert.deepEqual(pixels(bytes).filter((_, i) => i % 3 === 0), [1, 2, 3, 4, 5, 6, 7, 8, 9]); // prettier-ignore
  });
});
