import assert from "node:assert/strict";
import test from "node:test";
import { learningRateAt } from "./schedule.ts";
import type { ScheduleOptions } from "./schedule.ts";
import { close } from "./testSupport.ts";

const rates = (options: Partial<ScheduleOptions>, steps: readonly number[]): number[] =>
  steps.map((step) =>
    learningRateAt(step, {
      type: "constant",
      peak: 8,
      warmupSteps: 0,
      totalSteps: 8,
      finalFraction: 0,
      ...options,
    }),
  );

test("warm-up rises by equal parts and never trains at rate 0", () => {
  assert.deepEqual(rates({ warmupSteps: 4 }, [0, 1, 2, 3, 4, 100]), [2, 4, 6, 8, 8, 8]);
  assert.deepEqual(rates({}, [0, 7]), [8, 8]);
});

test("linear: the whole fall lies between warm-up and the end", () => {
  assert.deepEqual(rates({ type: "linear" }, [0, 2, 4, 7, 8, 9]), [8, 6, 4, 1, 0, 0]);
  // 4 steps of warm-up, then 8 × (1 - 2/4) at step 6
  assert.deepEqual(rates({ type: "linear", warmupSteps: 4 }, [3, 4, 6, 8]), [8, 8, 4, 0]);
  // floor a quarter: 8 × (0.25 + 0.75 × 0.5)
  assert.deepEqual(rates({ type: "linear", finalFraction: 0.25 }, [4, 8]), [5, 2]);
});

test("cosine: half way is the middle, a quarter is (1 + √½)/2 of the peak", () => {
  const [start, quarter, half, end] = rates({ type: "cosine" }, [0, 2, 4, 8]);
  close(start, 8);
  close(quarter, 8 * 0.8535534, 1e-6);
  close(half, 4);
  close(end, 0);
});

test("a step that is not a count is an error", () => {
  assert.throws(() => rates({}, [-1]), /step must be an integer >= 0, received -1/);
});
