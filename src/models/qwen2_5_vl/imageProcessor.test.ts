import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { DataError } from "../../core/errors.ts";
import { preprocess, referenceLimits, smartResize, viewImage, visualTokens } from "./imageProcessor.ts";
import { resizeBicubic } from "./resize.ts";
import { hashImage } from "./testFixtures.ts";

const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex").slice(0, 16);

test("bicubic resampling equals Pillow 11.3, shrinking and growing", () => {
  const shrunk = [19, 214, 146, 103, 89, 169, 188, 112, 44, 20, 215, 147, 104, 90, 170, 189, 113, 45];
  assert.deepEqual([...resizeBicubic(hashImage(5, 4, 1), 3, 2).data], shrunk);
  const goldens: [number, number, number, number, string][] = [
    [3, 2, 7, 5, "cc128d02b89188e6"],
    [40, 30, 28, 28, "f8b6d179a20c37ae"],
    [1280, 960, 112, 84, "4da8623827bd1a25"],
    [17, 90, 56, 84, "aa717b90f86ebb33"], // wider and lower: horizontal pass first
  ];
  for (const [w, h, outW, outH, hash] of goldens)
    assert.equal(
      digest(resizeBicubic(hashImage(w, h, 1), outW, outH).data),
      hash,
      `${w}x${h} to ${outW}x${outH}`,
    );
});

test("smart resize gives Transformers' sizes", () => {
  const cases: [number, number, number, number, [number, number]][] = [
    [70, 98, 3136, 1e6, [56, 112]], // 2.5 and 3.5 both round to the even neighbour
    [42, 126, 3136, 1e6, [56, 112]], // 1.5 -> 2, 4.5 -> 4
    [960, 1280, 3136, 112 * 84, [84, 112]],
    [10, 1000, 3136, 1e6, [28, 560]], // 10 / 28 rounds to 0, so the lower limit takes over
    [1, 1, 3136, 1e6, [56, 56]],
    [1000, 5, 3136, 20000, [812, 28]], // ratio of exactly 200 passes
    [1080, 1920, 3136, 2e6, [1036, 1876]],
  ];
  for (const [height, width, minPixels, maxPixels, [h, w]] of cases)
    assert.deepEqual(smartResize(height, width, { minPixels, maxPixels }), { height: h, width: w });
});

test("what cannot be shown is refused", () => {
  const limits = { minPixels: 3136, maxPixels: 1e6 };
  assert.throws(
    () => smartResize(1001, 5, limits),
    (e) => e instanceof DataError && /5x1001.*aspect ratio exceeds 200/.test(e.message),
  );
  assert.throws(() => smartResize(0, 5, limits), /at least 1/);
  assert.throws(
    () => viewImage({ width: 2, height: 2, data: new Uint8Array(11) }, limits),
    /12 bytes of RGB, got 11/,
  );
});

test("a view knows its grid and its tokens", () => {
  const view = viewImage(hashImage(1280, 960, 1), { minPixels: 3136, maxPixels: 112 * 84 });
  assert.deepEqual(view.grid, [1, 6, 8]);
  assert.equal(view.tokenCount, 12);
  assert.equal(digest(view.pixels.data), "4da8623827bd1a25");
});

test("patches have numpy's values in Transformers' order", () => {
  // Golden: the image processor's steps in numpy (rescale, normalise, reshape, transpose) on a 56x28 picture.
  const view = { pixels: hashImage(56, 28, 7), grid: [1, 2, 4], tokenCount: 2 } as const;
  const patches = preprocess(view);
  assert.equal(patches.length, 8 * 1176);
  const at = (patch: number, value: number): number => patches[patch * 1176 + value] ?? NaN;
  assert.equal(at(0, 0), Math.fround(-1.7922625541687012));
  assert.equal(at(0, 1), Math.fround(-1.0477428436279297)); // next column
  assert.equal(at(0, 14), Math.fround(-0.887160062789917)); // next row
  assert.equal(at(0, 196), at(0, 0)); // second frame
  assert.equal(at(0, 392), Math.fround(1.0543556213378906)); // next channel
  assert.equal(at(1, 0), Math.fround(1.2296117544174194)); // right neighbour in the merge cell
  assert.equal(at(2, 0), Math.fround(-0.15723876655101776)); // below, same cell
  assert.equal(at(4, 0), Math.fround(0.5288873314857483)); // first patch of the second cell
  assert.equal(digest(new Uint8Array(patches.buffer)), "1c8e06a6f8325673");
});

test("visual tokens of the 7B processor: one for every 28 x 28 pixels of what is shown", () => {
  assert.deepEqual(referenceLimits, { minPixels: 3136, maxPixels: 2_000_000 });
  for (const [width, height, tokens] of [
    [640, 480, 23 * 17], // 640 / 28 = 22.9, 480 / 28 = 17.1
    [1280, 720, 46 * 26], // 45.7, 25.7
    [1920, 1080, 67 * 37], // 69 * 39 cells are 2,109,744 pixels; both sides / 1.0182, floored: 67.3, 37.9
    [3840, 2160, 67 * 37], // / 2.0365: the same
    [28, 28, 4], // 784 pixels are too few: both sides times 2
    [100, 10, 7], // 1,000 pixels: times 1.7709, up to 7 x 1 cells
    [56, 56, 4], // exactly the least
  ] as const) {
    assert.equal(visualTokens(width, height, referenceLimits), tokens, `${width} x ${height}`);
    const image = { width, height, data: new Uint8Array(width * height * 3) };
    const { grid, tokenCount } = viewImage(image, referenceLimits);
    assert.deepEqual([tokenCount, (grid[0] * grid[1] * grid[2]) / 4], [tokens, tokens]);
  }
  assert.throws(() => visualTokens(2010, 10, referenceLimits), /aspect ratio exceeds 200/);
});
