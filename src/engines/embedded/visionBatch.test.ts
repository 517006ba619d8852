// The biases of a batch against windowIndex and imageSeqlens, which follow Transformers: both ways of saying which
// patches see each other must give the same partition.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PatchGrid } from "../../core/trajectory.ts";
import { parseConfig } from "../../models/qwen2_5_vl/config.ts";
import { viewImage } from "../../models/qwen2_5_vl/imageProcessor.ts";
import { hashImage, smallConfigJson } from "../../models/qwen2_5_vl/testFixtures.ts";
import { imageSeqlens, windowIndex } from "../../models/qwen2_5_vl/windows.ts";
import { BLOCKED, visionBatch } from "./visionBatch.ts";

const small = parseConfig(smallConfigJson());
const limits = { minPixels: 784, maxPixels: 1_000_000 };
/** Grids whose windows come out even and uneven, in height, in width and in both. */
const GRIDS: Readonly<Record<string, readonly PatchGrid[]>> = {
  "one cell": [[1, 2, 2]],
  "even windows": [[1, 8, 8]],
  "a last column of windows that is narrow": [[1, 8, 10]],
  "a last row of windows that is low": [[1, 6, 8]],
  "a narrow column and a low row": [[1, 6, 10]],
  "images of different sizes": [
    [1, 6, 10],
    [1, 2, 2],
    [1, 10, 2],
    [1, 4, 12],
  ],
};

/** For each patch in the processor's order the number of its stretch between bounds, after `order` put them there. */
function stretches(bounds: Int32Array, order: (place: number) => number): number[] {
  const numbers: number[] = [];
  for (let stretch = 0; stretch + 1 < bounds.length; stretch++)
    for (let place = bounds[stretch] as number; place < (bounds[stretch + 1] as number); place++)
      numbers[order(place)] = stretch;
  return numbers;
}

/** The bias by hand: 0 between patches of one stretch, BLOCKED elsewhere; a padding row sees itself. */
function biasOf(numbersOfImages: readonly (readonly number[])[], longest: number): Float32Array {
  const bias = new Float32Array(numbersOfImages.length * longest * longest).fill(BLOCKED);
  numbersOfImages.forEach((numbers, b) => {
    for (let from = 0; from < longest; from++)
      for (let to = 0; to < longest; to++) {
        const padding = from >= numbers.length || to >= numbers.length;
        if (padding ? from === to : numbers[from] === numbers[to])
          bias[(b * longest + from) * longest + to] = 0;
      }
  });
  return bias;
}

for (const windowSize of [56, 112])
  for (const [name, grids] of Object.entries(GRIDS))
    test(`windows of ${windowSize} px and images partition the patches as in Transformers: ${name}`, () => {
      const config = { ...small, vision: { ...small.vision, windowSize } };
      const images = grids.map(([, h, w], i) => viewImage(hashImage(14 * w, 14 * h, i), limits));
      assert.deepEqual(
        images.map((image) => image.grid),
        grids,
      );
      const lengths = grids.map(([, h, w]) => h * w);
      const longest = Math.max(...lengths);
      const { feeds, featureRows } = visionBatch(images, config);
      const byWindow = grids.map((grid) => {
        const { index, cuWindowSeqlens } = windowIndex([grid], config.vision);
        return stretches(cuWindowSeqlens, (place) => 4 * (index[place >> 2] as number) + (place & 3));
      });
      const byImage = grids.map((grid) => stretches(imageSeqlens([grid]), (place) => place));
      assert.deepEqual(feeds["windowBias"]?.data, biasOf(byWindow, longest));
      assert.deepEqual(feeds["imageBias"]?.data, biasOf(byImage, longest));
      // A row of features per merge cell, image after image, padding left out.
      assert.equal(featureRows.length, lengths.reduce((sum, length) => sum + length, 0) / 4);
      assert.deepEqual(
        featureRows,
        lengths.flatMap((length, b) => Array.from({ length: length / 4 }, (_, i) => (b * longest) / 4 + i)),
      );
    });

test("by hand: 1 x 3 cells in windows of 2 x 2 cells, beside an image of one cell", () => {
  const images = [viewImage(hashImage(84, 28, 1), limits), viewImage(hashImage(28, 28, 2), limits)];
  const { feeds } = visionBatch(images, small);
  const drawn = (feed: string): string[] => {
    const values = [...(feeds[feed]?.data as Float32Array)]
      .map((value) => (value === 0 ? "x" : "."))
      .join("");
    return Array.from({ length: 24 }, (_, row) => values.slice(12 * row, 12 * row + 12));
  };
  const times = (n: number, row: string): string[] => Array.from({ length: n }, () => row);
  const [wide, narrow, whole, single] = [
    "xxxxxxxx....",
    "........xxxx",
    "xxxxxxxxxxxx",
    "xxxx........",
  ] as const;
  const alone = Array.from({ length: 8 }, (_, i) => `${".".repeat(4 + i)}x${".".repeat(7 - i)}`);
  const second = [...times(4, single), ...alone];
  assert.deepEqual(drawn("windowBias"), [...times(8, wide), ...times(4, narrow), ...second]);
  assert.deepEqual(drawn("imageBias"), [...times(12, whole), ...second]);
});
