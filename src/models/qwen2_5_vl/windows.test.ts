import assert from "node:assert/strict";
import { test } from "node:test";
import { DataError } from "../../core/errors.ts";
import { imageSeqlens, visionPatchPositions, windowIndex } from "./windows.ts";

const twoByTwo = { windowSize: 56, patchSize: 14, spatialMergeSize: 2 }; // windows of 2x2 cells

test("patches come merge cell by merge cell", () => {
  const { rows, cols } = visionPatchPositions([
    [1, 4, 4],
    [1, 2, 2],
  ]);
  assert.deepEqual([...rows], [0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3, 0, 0, 1, 1]);
  assert.deepEqual([...cols], [0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 0, 1]);
});

test("cells are grouped by window; windows at the edge are smaller", () => {
  // 3 rows x 5 columns of cells in windows of 2x2:
  //  0  1 |  2  3 |  4
  //  5  6 |  7  8 |  9
  // ------+-------+---
  // 10 11 | 12 13 | 14
  const { index, inverse, cuWindowSeqlens } = windowIndex([[1, 6, 10]], twoByTwo);
  assert.deepEqual([...index], [0, 1, 5, 6, 2, 3, 7, 8, 4, 9, 10, 11, 12, 13, 14]);
  // window sizes in cells 4 4 2 2 2 1, four patches each
  assert.deepEqual([...cuWindowSeqlens], [0, 16, 32, 40, 48, 56, 60]);
  assert.deepEqual(
    [...index].map((cell, i) => inverse[cell] === i),
    Array(15).fill(true),
  );
});

test("a second image continues the numbering; a grid that divides evenly has no empty windows", () => {
  const { index, cuWindowSeqlens } = windowIndex(
    [
      [1, 4, 4],
      [1, 2, 6],
    ],
    twoByTwo,
  );
  assert.deepEqual([...index], [0, 1, 2, 3, 4, 5, 6]);
  assert.deepEqual([...cuWindowSeqlens], [0, 16, 24, 28]);
});

test("the published window of 112 pixels holds 4x4 cells", () => {
  const { index, cuWindowSeqlens } = windowIndex([[1, 8, 10]], { ...twoByTwo, windowSize: 112 });
  assert.deepEqual([...index], [0, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12, 13, 15, 16, 17, 18, 4, 9, 14, 19]);
  assert.deepEqual([...cuWindowSeqlens], [0, 64, 80]);
});

test("whole-image attention ends at every frame", () => {
  assert.deepEqual(
    [
      ...imageSeqlens([
        [1, 4, 4],
        [2, 2, 2],
      ]),
    ],
    [0, 16, 20, 24],
  );
});

test("grids and windows that do not fit are refused", () => {
  assert.throws(() => visionPatchPositions([[1, 3, 4]]), DataError);
  assert.throws(() => windowIndex([[1, 4, 4]], { ...twoByTwo, windowSize: 20 }), /at least .* = 28, got 20/);
});
