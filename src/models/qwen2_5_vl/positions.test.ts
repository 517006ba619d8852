import assert from "node:assert/strict";
import { test } from "node:test";
import { DataError } from "../../core/errors.ts";
import { MropeState, mropePositions } from "./positions.ts";

const config = { imageTokenId: 9, vision: { spatialMergeSize: 2 } };

function rows(positions: Int32Array): number[][] {
  const n = positions.length / 3;
  return [0, 1, 2].map((axis) => [...positions.subarray(axis * n, (axis + 1) * n)]);
}

test("text counts alike on all axes", () => {
  assert.deepEqual(rows(mropePositions([5, 6, 7], [], config)), [
    [0, 1, 2],
    [0, 1, 2],
    [0, 1, 2],
  ]);
});

test("an image holds time, spreads over height and width, and the text goes on after its largest position", () => {
  // grid 4x6 patches: 2x3 cells, base 2: heights 2..3, widths 2..4, so the next text position is 5.
  const tokens = [1, 2, 9, 9, 9, 9, 9, 9, 3, 4];
  assert.deepEqual(rows(mropePositions(tokens, [[1, 4, 6]], config)), [
    [0, 1, 2, 2, 2, 2, 2, 2, 5, 6],
    [0, 1, 2, 2, 2, 3, 3, 3, 5, 6],
    [0, 1, 2, 3, 4, 2, 3, 4, 5, 6],
  ]);
});

test("a tall image advances by its height; two images may touch", () => {
  // 8x2 patches: 4x1 cells at base 0 -> next 4; then 2x4 patches: 1x2 cells at base 4 -> next 6.
  assert.deepEqual(
    rows(
      mropePositions(
        [9, 9, 9, 9, 9, 9, 1],
        [
          [1, 8, 2],
          [1, 2, 4],
        ],
        config,
      ),
    ),
    [
      [0, 0, 0, 0, 4, 4, 6],
      [0, 1, 2, 3, 4, 4, 6],
      [0, 0, 0, 0, 4, 5, 6],
    ],
  );
});

test("appending stretch by stretch equals the whole, from any cut", () => {
  const tokens = [1, 9, 9, 9, 9, 2, 3, 9, 9, 4];
  const whole = rows(
    mropePositions(
      tokens,
      [
        [1, 4, 4],
        [1, 2, 4],
      ],
      config,
    ),
  );
  const state = new MropeState(2);
  const parts = [state.appendText(1), state.appendImage([1, 4, 4]), state.appendText(2)];
  const branch = state.clone();
  parts.push(state.appendImage([1, 2, 4]), state.appendText(1));
  const joined = [0, 1, 2].map((axis) => parts.flatMap((part) => rows(part)[axis] ?? []));
  assert.deepEqual(joined, whole);
  assert.equal(state.next, 8);
  assert.equal(branch.next, 5); // 1 text + max(2, 2) + 2 text
  assert.deepEqual(
    rows(branch.append([9, 9, 4], [[1, 2, 4]], 9)),
    whole.map((axis) => axis.slice(7)),
  );
});

test("placeholders and grids must match one for one", () => {
  const bad: [number[], [number, number, number][], RegExp][] = [
    [[1, 9], [], /only 0 image grids/],
    [[9, 9, 9, 1], [[1, 4, 4]], /takes 4 placeholder tokens, but only 3/],
    [[1], [[1, 2, 2]], /1 image grids were given.*placeholders for 0/],
    [[9, 9], [[1, 2, 2]], /only 1 image grids/],
    [[9], [[1, 3, 2]], /multiples of the merge size 2/],
    [[9, 9], [[2, 2, 2]], /1 temporal patch, got 2/],
  ];
  for (const [tokens, grids, message] of bad)
    assert.throws(
      () => mropePositions(tokens, grids, config),
      (error) => error instanceof DataError && message.test(error.message),
    );
});
