import assert from "node:assert/strict";
import { test } from "node:test";
import { capOf } from "./synthBalance.ts";

test("off: everything stays", () => {
  assert.deepEqual(capOf([7, 0, 3], { maxShare: 1 }), [7, 0, 3]);
  assert.deepEqual(capOf([], { maxShare: 1 }), []);
  assert.deepEqual(capOf([0, 0], { maxShare: 0.5 }), [0, 0]);
});

test("a number of dialogues is taken evenly, rare lengths whole; what cannot be shared evenly goes to the first", () => {
  assert.deepEqual(capOf([100, 10, 2], { maxShare: 1, dialogues: 22 }), [10, 10, 2]);
  assert.deepEqual(capOf([100, 10, 2], { maxShare: 1, dialogues: 24 }), [12, 10, 2]);
  assert.deepEqual(capOf([5, 5, 5], { maxShare: 1, dialogues: 7 }), [3, 2, 2]);
  assert.deepEqual(capOf([5, 5], { maxShare: 1, dialogues: 1 }), [1, 0]);
  assert.deepEqual(capOf([5, 5], { maxShare: 1, dialogues: 99 }), [5, 5]);
});

test("no length is more than its share: of 90, 6 and 4 at a half the first keeps as many as the others have", () => {
  assert.deepEqual(capOf([90, 6, 4], { maxShare: 0.5 }), [10, 6, 4]);
  // 0.4 of 20 is 8: 8 + 6 + 4 = 18 and 8 / 18 > 0.4; 6 + 6 + 4 = 16 and 6 / 16 <= 0.4.
  assert.deepEqual(capOf([90, 6, 4], { maxShare: 0.4 }), [6, 6, 4]);
});

test("too few lengths for the share: equal parts", () => {
  assert.deepEqual(capOf([90], { maxShare: 0.3 }), [90]);
  assert.deepEqual(capOf([90, 7], { maxShare: 0.3 }), [7, 7]);
});

test("both rules hold together, whatever the counts", () => {
  for (const counts of [
    [31, 17, 5, 1],
    [1, 1, 40],
    [9, 9, 9, 9],
    [2, 50, 3, 50],
  ])
    for (const maxShare of [0.3, 0.5, 0.8])
      for (const dialogues of [3, 10, 29]) {
        const sizes = capOf(counts, { maxShare, dialogues });
        const sum = sizes.reduce((a, b) => a + b, 0);
        assert.ok(sum <= dialogues && sum > 0);
        const bound = Math.max(maxShare, 1 / Math.min(counts.length, dialogues)) * sum;
        // What an even cut leaves is one more in a bin: no bin is above its share because of it.
        assert.ok(Math.max(...sizes) <= bound + 1e-9, `${String(sizes)} of ${String(counts)} at ${maxShare}`);
        assert.ok(sizes.every((size, i) => size <= (counts[i] ?? 0)));
      }
});
