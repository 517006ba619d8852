import assert from "node:assert/strict";
import test from "node:test";
import { settled } from "../../core/testTime.ts";
import { BackPressure } from "./backPressure.ts";

/** A clock that moves when it is told to. */
function world(): {
  now: () => number;
  sleep: (ms: number) => Promise<void>;
  pass: (ms: number) => Promise<void>;
} {
  let now = 0;
  let sleepers: { readonly at: number; readonly wake: () => void }[] = [];
  return {
    now: () => now,
    sleep: (ms) => new Promise((wake) => sleepers.push({ at: now + ms, wake })),
    pass: async (ms) => {
      now += ms;
      const due = sleepers.filter(({ at }) => at <= now);
      sleepers = sleepers.filter(({ at }) => at > now);
      for (const { wake } of due) wake();
      await settled();
    },
  };
}

test("as many run as may, and the next when one has ended, in order", async () => {
  const pressure = new BackPressure(2, world());
  const started: number[] = [];
  const ends: (() => void)[] = [];
  for (const i of [0, 1, 2, 3])
    void pressure.run(async () => {
      started.push(i);
      await new Promise<void>((resolve) => ends.push(resolve));
    });
  await settled();
  assert.deepEqual(started, [0, 1]);
  ends[1]!();
  await settled();
  assert.deepEqual(started, [0, 1, 2]);
  ends[0]!();
  ends[2]!();
  await settled();
  assert.deepEqual(started, [0, 1, 2, 3]);
});

test("after 'too many' ten run at once, for ten seconds; then all again, though nobody ends", async () => {
  const clock = world();
  const pressure = new BackPressure(100, clock);
  let started = 0;
  const hang = (): Promise<void> => pressure.run(() => new Promise<void>(() => void started++));
  let back = false;
  void pressure.throttled(1000).then(() => (back = true));
  for (let i = 0; i < 30; i++) void hang();
  await settled();
  assert.equal(started, 10);
  assert.equal(back, false);
  await clock.pass(1000);
  assert.equal(back, true);
  assert.equal(started, 10);
  await clock.pass(9000);
  assert.equal(started, 30);
});

test("a large request waits longer before it is sent again", async () => {
  const clock = world();
  const pressure = new BackPressure(1, clock);
  let back = false;
  void pressure.throttled(200 * 1024).then(() => (back = true));
  await clock.pass(4999);
  assert.equal(back, false);
  await clock.pass(1);
  assert.equal(back, true);
});

test("a task that fails makes room like any other", async () => {
  const pressure = new BackPressure(1, world());
  await assert.rejects(
    pressure.run(() => Promise.reject(new Error("no"))),
    /no/,
  );
  assert.equal(await pressure.run(() => Promise.resolve(7)), 7);
});
