import assert from "node:assert/strict";
import { test } from "node:test";
import { collapseAlarm, collapseMetric, describeCollapse, newCollapseAlarm } from "./collapseAlarm.ts";
import type { MetricsRecord } from "./metrics.ts";

const records = (calls: readonly (number | undefined)[]): MetricsRecord[] =>
  calls.map((value, i) => ({ step: i + 1, ...(value !== undefined && { [collapseMetric]: value }) }));
const flat = (value: number, count: number): number[] => Array.from({ length: count }, () => value);

test("steady or growing tool use raises nothing", () => {
  assert.equal(collapseAlarm(records(flat(2, 40))), undefined);
  assert.equal(collapseAlarm(records(Array.from({ length: 40 }, (_, i) => i / 10))), undefined);
  assert.equal(collapseAlarm([]), undefined);
});

test("calls that have gone to zero are a collapse, with level, peak and the peak's step", () => {
  // Windows of five: 2 until step 10; the last five are 0, 0, 0, 0, 0.2 with mean 0.04.
  assert.deepEqual(collapseAlarm(records([...flat(2, 10), 1, 0.5, 0, 0, 0, 0, 0.2])), {
    type: "collapsed",
    step: 17,
    level: 0.04,
    peak: 2,
    peakStep: 5,
  });
});

test("a fall below half the peak is an alarm only while it still points to zero soon", () => {
  // Last five 0.9 … 0.5: mean 0.7, below 2 / 2. The line through the last ten (1.4 … 0.5) falls 0.1 a step: 5 steps left.
  const falling = [...flat(2, 10), 1.4, 1.3, 1.2, 1.1, 1, 0.9, 0.8, 0.7, 0.6, 0.5];
  assert.equal(collapseAlarm(records(falling))?.type, "falling");
  // The same level, reached long ago and steady since.
  assert.equal(collapseAlarm(records([...falling, ...flat(0.7, 12)])), undefined);
  // Steep, but still above half the peak: last five 1.4 … 1.0 have mean 1.2.
  assert.equal(collapseAlarm(records([...flat(2, 10), 1.4, 1.3, 1.2, 1.1, 1])), undefined);
});

test("a slope that reaches zero only after more than twenty steps is no alarm yet", () => {
  // Last ten fall by 0.01 a step from 0.59 to 0.5: 50 steps left; mean of the last five 0.52 < 3 / 2.
  const slow = Array.from({ length: 10 }, (_, i) => 0.59 - i / 100);
  assert.equal(collapseAlarm(records([...flat(3, 10), ...slow])), undefined);
  // By 0.03 from 0.77 to 0.5: 16.7 steps left.
  const faster = Array.from({ length: 10 }, (_, i) => 0.77 - (3 * i) / 100);
  assert.equal(collapseAlarm(records([...flat(3, 10), ...faster]))?.type, "falling");
});

test("a policy that never called the tool, or too short a run, raises nothing", () => {
  assert.equal(collapseAlarm(records([...flat(0.15, 20), ...flat(0, 10)])), undefined);
  assert.equal(collapseAlarm(records([...flat(2, 4), ...flat(0, 5)])), undefined);
  assert.equal(collapseAlarm(records([...flat(2, 5), ...flat(0, 5)]))?.type, "collapsed");
});

test("steps without a right answer are left out, not taken for zero", () => {
  const gaps = Array.from({ length: 20 }, () => undefined);
  assert.equal(collapseAlarm(records([...flat(2, 10), ...gaps])), undefined);
  assert.equal(collapseAlarm(records([...flat(2, 10), ...flat(NaN, 9)])), undefined);
});

test("a log hears of it once, and again when it gets worse", () => {
  const calls = [...flat(2, 10), 1.4, 1.3, 1.2, 1.1, 1, 0.9, 0.8, 0.6, 0.3, 0.1, ...flat(0, 10)];
  const heard = calls.flatMap((_, i) => {
    const alarm = newCollapseAlarm(records(calls.slice(0, i + 1)));
    return alarm === undefined ? [] : [[alarm.step, alarm.type]];
  });
  assert.deepEqual(heard, [
    [18, "falling"], // mean of 1.1, 1, 0.9, 0.8, 0.6 is 0.88
    [24, "collapsed"], // mean of 0.1, 0, 0, 0, 0 is 0.02
  ]);
});

test("the sentence has its numbers", () => {
  const alarm = { type: "collapsed", step: 40, level: 0.012, peak: 2.345, peakStep: 12 } as const;
  assert.equal(
    describeCollapse(alarm),
    "tool use has collapsed: 0.01 calls per right answer over the last 5 steps, after 2.35 around step 12",
  );
});
