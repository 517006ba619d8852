import assert from "node:assert/strict";
import test from "node:test";
import { lossSpecOf, type PolicyLoss, ratioStats } from "./ratios.ts";
import { close, datum } from "./testSupport.ts";

const rise = new Float32Array([0, -1 + 0.5]); // ratio 1.65
const fall = new Float32Array([0, -1 - 0.5]); // ratio 0.61

const clippedOf = (advantage: number, now: Float32Array, loss: PolicyLoss = "ppo", clipHigh = 0.2) =>
  ratioStats([datum(2, 1, -1, advantage)], [now], lossSpecOf({ loss, clipLow: 0.2, clipHigh })).clipped;

test("clipped by PPO are tokens pushed further the way their advantage points, not those coming back", () => {
  assert.deepEqual([clippedOf(1, rise), clippedOf(1, fall)], [1, 0]);
  assert.deepEqual([clippedOf(-1, rise), clippedOf(-1, fall)], [0, 1]);
  assert.equal(clippedOf(0, rise), 0);
  // clip-higher: 1.65 is within 1 + 0.7
  assert.equal(clippedOf(1, rise, "ppo", 0.7), 0);
});

test("clipped by CISPO are ratios out of bounds, whatever the advantage; importance sampling clips none", () => {
  assert.deepEqual([clippedOf(1, rise, "cispo"), clippedOf(1, fall, "cispo")], [1, 1]);
  assert.deepEqual([clippedOf(-1, rise, "cispo"), clippedOf(-1, fall, "cispo")], [1, 1]);
  assert.equal(clippedOf(1, rise, "cispo", 0.7), 0);
  assert.equal(clippedOf(1, rise, "importanceSampling"), undefined);
});

test("the gap is to what sampled, the clip to what the loss compares with", () => {
  const spec = lossSpecOf({ clipLow: 0.2, clipHigh: 0.2 });
  const sampled = [new Float32Array([0, -2])];
  const stats = ratioStats([datum(2, 1, -0.5, 1)], [rise], spec, sampled);
  close(stats.gapSum, 1.5);
  // e^1.5 - 1 - 1.5
  close(stats.klSum, 1.9816891, 1e-6);
  assert.equal(stats.clipped, 0);
});
