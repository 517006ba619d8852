import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "./client.ts";
import { readFailure } from "./failures.ts";
import { type Clock, GivenUp, pauseMs, withRetries } from "./retries.ts";

test("pauses double from half a second to half a minute, between half and all of it", () => {
  assert.deepEqual(
    [1, 2, 3, 7, 8, 60].map((attempts) => pauseMs(attempts, undefined, 1)),
    [500, 1000, 2000, 30_000, 30_000, 30_000],
  );
  assert.equal(pauseMs(3, undefined, 0), 1000);
  assert.equal(pauseMs(3, 9000, 0), 9100, "the server's wish, and a tenth of the own pause");
});

/** A clock on which only pauses and `costMs` an attempt take time. */
function fakeClock(): Clock & { ms: number } {
  const clock = {
    ms: 0,
    now: () => clock.ms,
    epochMs: () => clock.ms,
    random: () => 1,
    sleep: async (ms: number) => {
      clock.ms += ms;
    },
  };
  return clock;
}

const options = (clock: Clock) => ({
  maxRetries: 100,
  attemptMs: 60_000,
  deadlineMs: 10_000,
  clock,
  readFailure: (error: unknown) =>
    readFailure(error, { keyVariable: "K", key: undefined, epochMs: () => clock.now() }),
});

test("no attempt is begun, and no pause slept, that the deadline leaves no time for", async () => {
  const clock = fakeClock();
  const begun: number[] = [];
  const failing = (): Promise<never> => {
    begun.push(clock.ms);
    clock.ms += 1000;
    throw new SyntaxError("broken");
  };
  const error: unknown = await withRetries(failing, options(clock)).catch((reason: unknown) => reason);
  assert.ok(error instanceof GivenUp);
  // each attempt takes 1 s, pauses are 0.5, 1, 2; the next one, 4 s from 7.5 s on, would end behind 10 s
  assert.deepEqual(begun, [0, 1500, 3500, 6500]);
  assert.deepEqual([error.attempts, error.seconds], [4, 7.5]);
});

test("an abort during a pause ends it with the caller's reason", async () => {
  const controller = new AbortController();
  const slow: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(100 * ms, signal) };
  const failing = (): Promise<never> => {
    setTimeout(() => controller.abort(new Error("enough")), 5);
    throw new SyntaxError("broken");
  };
  const startedAt = performance.now();
  await assert.rejects(withRetries(failing, { ...options(slow), signal: controller.signal }), /enough/);
  assert.ok(performance.now() - startedAt < 20_000, "the pause of 25 to 50 s was not slept to its end");
});

test("a fault of ours is not tried again, and passed on as it is", async () => {
  for (const fault of [new RangeError("internal: no"), new TypeError("x is not a function")]) {
    let attempts = 0;
    const failing = (): Promise<never> => {
      attempts++;
      throw fault;
    };
    const error: unknown = await withRetries(failing, options(fakeClock())).catch(
      (reason: unknown) => reason,
    );
    assert.equal(error, fault);
    assert.equal(attempts, 1);
  }
});
