import assert from "node:assert/strict";
import { test } from "node:test";
import { estimate, measureRun, pointsOf, reduce } from "./measures.ts";
import { tinyRun } from "./testStudy.ts";

const points = (...ys: number[]) => ys.map((y, i) => ({ x: i + 1, y }));

test("curves become numbers", () => {
  const ys = points(1, 2, 3, 4, 5, 6, 7, 9);
  assert.equal(reduce(ys, "last"), 9);
  assert.equal(reduce(ys, "tail"), 8);
  assert.equal(reduce(ys, "trend"), 8 - 1.5);
  // Trapezoids: (1.5 + 2.5 + 3.5 + 4.5 + 5.5 + 6.5 + 8) / 7.
  assert.equal(reduce(ys, "mean"), 32 / 7);
  assert.equal(reduce(ys, "early"), 2.5, "steps 1 to 4 of 1 to 8, whose middle is 4.5");
  // The last half is 5, 6, 7, 9: differences 1, 1, 2; sqrt((1 + 1 + 4) / 3 / 2) = 1.
  assert.equal(reduce(ys, "fluctuation"), 1);
  // Held-out points lie at unequal distances: (0 to 10 at 0.5 and 0.7) then (10 to 40 at 0.7 and 0.9).
  assert.ok(Math.abs((reduce([{ x: 0, y: 0.5 }, { x: 10, y: 0.7 }, { x: 40, y: 0.9 }], "mean") ?? 0) - 0.75) < 1e-12); // prettier-ignore
  assert.deepEqual([reduce([], "last"), reduce([], "mean"), reduce(points(3), "trend"), reduce(points(3), "fluctuation")], [undefined, undefined, undefined, undefined]); // prettier-ignore
});

test("a constant curve is one number; a dropped group that never occurred is 0, another metric that lacks is nothing", () => {
  const run = { ...tinyRun("bonus", 0, 1.5), steps: 3, curves: { "tool_calls/mean": 1.5, "train/entropy": [0.5, null, 0.25] } }; // prettier-ignore
  assert.deepEqual(pointsOf(run, "tool_calls/mean"), points(1.5, 1.5, 1.5));
  assert.deepEqual(pointsOf(run, "train/entropy"), [{ x: 1, y: 0.5 }, { x: 3, y: 0.25 }]); // prettier-ignore
  assert.deepEqual(pointsOf(run, "groups/dropped/allWrong"), points(0, 0, 0));
  assert.deepEqual(pointsOf(run, "train/grad_norm"), []);
  assert.equal(measureRun(run, { of: "heldOut/accuracy", as: "last" }), 0.75);
  assert.equal(measureRun(run, { of: "heldOut/turns", as: "last" }), undefined);
});

test("mean over seeds with Student's interval", () => {
  // 1, 2, 3: deviation 1, standard error 1/√3, times 4.303.
  const three = estimate([1, 2, 3]);
  assert.deepEqual([three?.mean, three?.n], [2, 3]);
  assert.ok(Math.abs((three?.half ?? 0) - 4.303 / Math.sqrt(3)) < 1e-9);
  assert.deepEqual(estimate([5]), { mean: 5, n: 1 });
  assert.equal(estimate([]), undefined);
});
