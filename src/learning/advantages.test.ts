import assert from "node:assert/strict";
import test from "node:test";
import { groupAdvantages } from "./advantages.ts";
import type { AdvantageOptions } from "./advantages.ts";
import { close, paperAdvantage } from "./testSupport.ts";

const advantages = (
  rewards_G: readonly number[],
  options: Partial<AdvantageOptions> = {},
  accuracies_G: readonly (number | undefined)[] = rewards_G.map((r) => (r > 0 ? 1 : 0)),
): number[] =>
  groupAdvantages(rewards_G, { ...paperAdvantage, ...options, accuracies_G }).map((a) => a ?? NaN);

const closeAll = (actual: readonly number[], expected: readonly number[]): void => {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => close(value, expected[i] as number));
};

test("reward minus the group's mean, not divided by anything", () => {
  // mean (1.2 + 0 + 1 + 0) / 4 = 0.55
  closeAll(advantages([1.2, 0, 1, 0]), [0.65, -0.55, 0.45, -0.55]);
});

test("laws: sum 0, shift changes nothing, scale scales", () => {
  const rewards = [1.3, 0, 1.1, 0, 0, 1, 1.2, 0];
  const base = advantages(rewards);
  close(
    base.reduce((a, b) => a + b, 0),
    0,
    1e-12,
  );
  const judged = rewards.map(() => 1);
  closeAll(
    advantages(
      rewards.map((r) => r + 5),
      {},
      judged,
    ),
    base,
  );
  closeAll(
    advantages(rewards.map((r) => 3 * r)),
    base.map((a) => 3 * a),
  );
});

test("with normalisation scale no longer matters", () => {
  // rewards 1, 0: mean 0.5, population deviation 0.5: ±0.5 / 0.500001
  closeAll(advantages([1, 0], { normalizeByStd: true }), [0.999998, -0.999998]);
  closeAll(advantages([10, 0], { normalizeByStd: true }), [1, -1]);
  // a constant group stays 0 and finite
  closeAll(advantages([1, 1], { normalizeByStd: true }), [0, 0]);
});

test("accuracy-only baseline: correct samples are never below 0 for calling less", () => {
  // all right after 0, 3 and 6 calls; mean total 1.3, mean accuracy 1
  closeAll(advantages([1, 1.3, 1.6]), [-0.3, 0, 0.3]);
  closeAll(advantages([1, 1.3, 1.6], { baseline: "accuracy" }), [0, 0.3, 0.6]);
  // one of two right: 1.2 - 0.5, 0 - 0.5; normalised by the deviation of accuracy, 0.5
  closeAll(advantages([1.2, 0], { baseline: "accuracy" }), [0.7, -0.5]);
  closeAll(advantages([1.2, 0], { baseline: "accuracy", normalizeByStd: true }), [
    0.7 / 0.500001,
    -0.5 / 0.500001,
  ]);
});

test("a member that could not be judged has no advantage and is not in the mean", () => {
  // mean of 1 and 0 is 0.5; with the undecided 0 counted as wrong it would be 1/3
  const result = groupAdvantages([1, 0, 0], { ...paperAdvantage, accuracies_G: [1, 0, undefined] });
  assert.deepEqual(result, [0.5, -0.5, undefined]);
  assert.deepEqual(groupAdvantages([0], { ...paperAdvantage, accuracies_G: [undefined] }), [undefined]);
  assert.throws(() => groupAdvantages([0, 1], { ...paperAdvantage, accuracies_G: [1] }), /2 rewards but 1/);
});
