import assert from "node:assert/strict";
import test from "node:test";
import { mean, pairedDifference, std, wilson } from "./statistics.ts";
import { close } from "./testSupport.ts";

test("mean and population deviation of hand-computed values; nothing of nothing", () => {
  assert.equal(mean([1, 2, 6]), 3);
  // deviations -2, -1, 3: squares 4 + 1 + 9 = 14, over 3 (not 2) = 4.6667, root 2.1602
  close(std([1, 2, 6]), 2.160247, 1e-6);
  assert.equal(std([5]), 0);
  assert.equal(mean([]), undefined);
  assert.equal(std([]), undefined);
});

test("Wilson interval: 8 of 10, and honest at the ends", () => {
  // z² = 3.841459; centre (0.8 + 3.841459/20) / (1 + 0.3841459) = 0.992073/1.384146 = 0.716740
  // half 1.959964/1.384146 × sqrt(0.8×0.2/10 + 3.841459/400) = 1.416010 × sqrt(0.0256036) = 0.226577
  const interval = wilson(8, 10);
  close(interval?.low, 0.490162, 1e-5);
  close(interval?.high, 0.943318, 1e-5);
  // 0 of 10: [0, z²/(10 + z²)] = [0, 3.841459/13.841459] = [0, 0.277533]
  assert.equal(wilson(0, 10)?.low, 0);
  close(wilson(0, 10)?.high, 0.277533, 1e-5);
  close(wilson(10, 10)?.low, 1 - 0.277533, 1e-5);
  close(wilson(10, 10)?.high, 1, 1e-12);
  assert.equal(wilson(0, 0), undefined);
});

test("paired difference of proportions: the discordant pairs make the variance", () => {
  // 10 pairs: 4 turn right, 1 turns wrong, 3 stay right, 2 stay wrong. Difference (4 - 1)/10 = 0.3.
  const before = [0, 0, 0, 0, 1, 1, 1, 1, 0, 0];
  const after = [1, 1, 1, 1, 0, 1, 1, 1, 0, 0];
  // var = (4 + 1 - 3²/10) / 10² = 0.041; half = 1.959964 × 0.202485 = 0.396863
  const paired = pairedDifference(before, after);
  close(paired?.difference, 0.3, 1e-12);
  close(paired?.low, 0.3 - 0.396863, 1e-5);
  close(paired?.high, 0.3 + 0.396863, 1e-5);
  assert.equal(paired?.pairs, 10);
});

test("concordant pairs have no uncertainty, however many are wrong", () => {
  assert.deepEqual(pairedDifference([1, 0, 0], [1, 0, 0]), { difference: 0, low: 0, high: 0, pairs: 3 });
  assert.equal(pairedDifference([], []), undefined);
  assert.throws(() => pairedDifference([1], [1, 0]), /1 against 2/);
});
