import assert from "node:assert/strict";
import test from "node:test";
import { systemClock } from "./clock.ts";

test("a sleep does not count the time in which the event loop stood still", async () => {
  const order: string[] = [];
  const sleeping = systemClock.sleep(300).then(() => order.push("slept"));
  const until = performance.now() + 500;
  while (performance.now() < until); // a graph computes
  // A plain timer of 300 ms would be due now, before anything that the loop has to read.
  await new Promise((resolve) => setTimeout(resolve, 20));
  order.push("read");
  await sleeping;
  assert.deepEqual(order, ["read", "slept"]);
});

test("a sleep ends with its signal, also one that was aborted before", async () => {
  const wake = new AbortController();
  const started = performance.now();
  const sleeping = systemClock.sleep(60_000, wake.signal);
  wake.abort();
  await sleeping;
  await systemClock.sleep(60_000, wake.signal);
  assert.ok(performance.now() - started < 30_000); // half of what was asked for
});
