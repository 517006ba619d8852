// Decoded by another program's decoder (jpeg-js) everywhere; clip.runtime.test.ts has FFmpeg decode the same files.
import assert from "node:assert/strict";
import { test } from "node:test";
import jpeg from "jpeg-js";
import type { RgbImage } from "../../core/image.ts";
import { randomStream } from "../../core/random.ts";
import { encodeJpeg } from "./jpeg.ts";

/** Largest and mean difference after decoding. */
function loss(image: RgbImage, quality: number): { readonly most: number; readonly mean: number } {
  const decoded = jpeg.decode(encodeJpeg(image, quality), { useTArray: true, formatAsRGBA: false });
  assert.deepEqual([decoded.width, decoded.height], [image.width, image.height]);
  const differences = Array.from(image.data, (value, i) => Math.abs(value - (decoded.data[i] as number)));
  return {
    most: Math.max(...differences),
    mean: differences.reduce((a, b) => a + b, 0) / differences.length,
  };
}

function picture(
  width: number,
  height: number,
  pixel: (x: number, y: number, c: number) => number,
): RgbImage {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const at = Math.floor(i / 3);
    return pixel(at % width, Math.floor(at / width), i % 3);
  });
  return { width, height, data };
}

test("plain colours come back within two levels", () => {
  for (const colour of [
    [0, 0, 0],
    [255, 255, 255],
    [228, 28, 28],
    [28, 28, 228],
    [128, 128, 128],
  ])
    assert.ok(
      loss(
        picture(20, 11, (_x, _y, c) => colour[c] as number),
        95,
      ).most <= 2,
      String(colour),
    );
});

test("slopes come back within a few levels, better with more quality", () => {
  const slope = picture(64, 48, (x, y, c) => (c === 0 ? 4 * x : c === 1 ? 5 * y : 255 - 2 * x - 2 * y));
  const [low, middle, high] = [40, 80, 98].map((quality) => loss(slope, quality).mean) as [
    number,
    number,
    number,
  ];
  assert.ok(low > middle && middle > high && high < 1, `${low} ${middle} ${high}`);
});

test("any size and any noise, at the extremes of contrast and quality", () => {
  const random = randomStream("jpeg test");
  for (let i = 0; i < 60; i++) {
    const [width, height] = [1 + random.below(40), 1 + random.below(40)];
    const noise = picture(width, height, () => (random.next() < 0.5 ? 0 : 255));
    assert.ok(loss(noise, 100).most <= 8, `${width}x${height}`);
    loss(noise, 1 + random.below(100)); // decodes to its size
  }
});

test("a wrong component order or table would show: each corner keeps its colour", () => {
  const corners = picture(32, 32, (x, y, c) => (x < 16 ? (y < 16 ? [250, 10, 10] : [10, 250, 10]) : y < 16 ? [10, 10, 250] : [250, 250, 10])[c] as number); // prettier-ignore
  assert.ok(loss(corners, 90).most <= 6);
});

test("an impossible size is refused", () => {
  assert.throws(
    () => encodeJpeg({ width: 0, height: 4, data: new Uint8Array() }, 90),
    /DataError.*got 0 x 4/s,
  );
  assert.throws(() => encodeJpeg({ width: 4, height: 70_000, data: new Uint8Array() }, 90), /got 4 x 70000/);
});
