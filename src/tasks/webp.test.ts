// The files and their pixels are Pillow's (libwebp 1.6).
import assert from "node:assert/strict";
import { test } from "node:test";
import jpeg from "jpeg-js";
import { decodeImage } from "./media.ts";
import { decodeWebp, isWebp } from "./webp.ts";

const bytesOf = (base64: string): Buffer => Buffer.from(base64, "base64");
/** 3×2, lossless, the colours that the tests name. */
const CLEAR = bytesOf(
  "UklGRkwAAABXRUJQVlA4TD8AAAAvAkAAEC9AmG209yZ3/jKnQSRAAtX/o1xklUiABKrd/9tcIkG2zeZ0f4I7LYD+Y2K2baMeAhIyJc9sENH/mAQA",
);
/** 16×16, lossy. */
const LOSSY = bytesOf(
  "UklGRkYAAABXRUJQVlA4IDoAAACwAQCdASoQABAAAoBCJbACdAEOtPOgAP76kdFv0p4vwkmtldW/2r97OSq498OPef8HEB/Yn7jsgAAA",
);
/** 4×4, two pictures. */
const MOVING = bytesOf(
  "UklGRogAAABXRUJQVlA4WAoAAAACAAAAAwAAAwAAQU5JTQYAAAAAAAAAAABBTk1GLAAAAAAAAAAAAAMAAAMAAAAAAAJWUDhMFAAAAC8DwAAAB1CBVAggAAqa/seIiP4HQU5NRigAAAAAAAAAAAADAAADAAAAAAAAVlA4TA8AAAAvA8AAAAeQRc7+ByKi/wEA",
);

test("lossless: the pixels that went in, transparency laid on white", () => {
  assert.deepEqual([...decodeWebp(CLEAR, 6).data.subarray(16, 24)], [0, 100, 255, 51, 9, 9, 9, 0]);
  const { width, height, data } = decodeImage(CLEAR, "test");
  assert.deepEqual([width, height], [3, 2]);
  assert.deepEqual(
    [...data],
    [10, 20, 30, 200, 100, 0, 0, 0, 0, 255, 255, 255, 204, 224, 255, 255, 255, 255],
  );
});

test("lossy: pixel for pixel what Pillow reads", () => {
  const { data } = decodeImage(LOSSY, "test");
  const pixel = (at: number): number[] => [...data.subarray(3 * at, 3 * at + 3)];
  assert.deepEqual([0, 15, 120, 240, 255].map(pixel), [
    [7, 2, 117],
    [177, 12, 127],
    [93, 78, 129],
    [3, 164, 137],
    [173, 178, 131],
  ]);
});

test("decoding leaves no class of browsers behind", () => {
  decodeImage(LOSSY, "test");
  assert.equal("ImageData" in globalThis, false);
});

test("what is too large, moves or is damaged is refused by name", () => {
  const refused = (bytes: Uint8Array, message: RegExp, maxPixels = 1000): void =>
    assert.throws(() => decodeImage(bytes, "a.webp", maxPixels), message);
  refused(LOSSY, /^DataError: image a\.webp: is 16×16, 256 pixels, more than the 255 that are read/, 255);
  refused(CLEAR, /a\.webp: is 3×2, 6 pixels, more than the 5/, 5);
  refused(MOVING, /a\.webp: is damaged \(it moves; save one of its pictures\)/);
  refused(LOSSY.subarray(0, 60), /a\.webp: is damaged \(it ends in the middle\)/);
  const broken = Buffer.from(CLEAR);
  broken.fill(0xff, 30, 60);
  refused(broken, /a\.webp: is damaged \(libwebp cannot read it\)/);
  const strange = Buffer.from(CLEAR);
  strange.write("VP9 ", 12);
  refused(strange, /a\.webp: is damaged \(its first chunk is "VP9 "\)/);
  assert.equal(isWebp(bytesOf("UklGRg==")), false);
});

test("an MPO, JPEGs behind each other, is its first picture", () => {
  const of = (grey: number): Buffer =>
    jpeg.encode({ width: 8, height: 8, data: new Uint8Array(256).fill(grey) }, 95).data;
  const { width, height, data } = decodeImage(Buffer.concat([of(40), of(200)]), "test");
  assert.deepEqual([width, height], [8, 8]);
  assert.ok(data.every((value) => Math.abs(value - 40) <= 1));
});
