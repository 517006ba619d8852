import assert from "node:assert/strict";
import { test } from "node:test";
import { collapseMetric } from "../../runs/collapseAlarm.ts";
import { stepWarnings } from "./trainSteps.ts";

test("the log says what a step warns of, and once that tool use collapses", () => {
  const calls = [2, 2, 2, 2, 2, 1.5, 1, 0.7, 0.5, 0.3, 0.2];
  const records = calls.map((value, i) => ({ step: i + 1, [collapseMetric]: value }));
  const warningsAt = (step: number): string[] =>
    stepWarnings({ step, warnings: step === 10 ? ["only 3 of 8 groups"] : [] }, records.slice(0, step));
  assert.deepEqual(warningsAt(9), []);
  assert.deepEqual(warningsAt(10), [
    "step 10: only 3 of 8 groups",
    "step 10: tool use is on its way to zero: 0.80 calls per right answer over the last 5 steps, after 2.00 around step 5",
  ]);
  assert.deepEqual(warningsAt(11), []);
});
