import assert from "node:assert/strict";
import { test } from "node:test";
import type { HttpError } from "../http.ts";
import { userError } from "./errors.ts";
import { Futures, type FuturesOptions, type Payload } from "./futures.ts";

const never = new AbortController().signal;

function futures(options: Partial<FuturesOptions> = {}) {
  const clock = { now: 0 };
  const failures: unknown[] = [];
  const all = new Futures({
    run: "ab",
    now: () => clock.now,
    keepMs: 1000,
    keepFetchedMs: 100,
    maxBytes: 10_000,
    maxPending: 3,
    onFailure: (error) => failures.push(error),
    ...options,
  });
  return { all, clock, failures };
}

const done = (text = ""): Promise<Payload> => Promise.resolve({ type: "json", body: { text } });
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const status = (expected: number) => (error: HttpError) => error.status === expected;

test("results wait for their client, and a while after it came", async () => {
  const { all, clock } = futures();
  const id = all.open(() => done("a"));
  assert.equal(id, "ab-1");
  assert.deepEqual(await all.outcome(id, 10, never), { type: "json", body: { text: "a" } });
  clock.now = 99;
  assert.ok(await all.outcome(id, 10, never));
  clock.now = 100;
  await assert.rejects(all.outcome(id, 10, never), status(410));
  const unfetched = all.open(() => done());
  await settled();
  clock.now = 1099;
  assert.ok(all.has(unfetched));
  clock.now = 1100;
  assert.equal(all.has(unfetched), false);
});

test("together they take so many bytes at most; the oldest go, the newest stays", async () => {
  const { all } = futures();
  const ids = [];
  for (let i = 0; i < 4; i++) {
    ids.push(all.open(() => done("x".repeat(3000))));
    await settled();
  }
  assert.deepEqual(
    ids.map((id) => all.has(id)),
    [false, true, true, true],
  );
  const big = all.open(() => done("x".repeat(20_000)));
  await settled();
  assert.deepEqual(
    [...ids, big].map((id) => all.has(id)),
    [false, false, false, false, true],
  );
});

test("too many that are not done are refused for now", async () => {
  const { all } = futures();
  let finish = (): void => undefined;
  const hold = new Promise<void>((resolve) => (finish = resolve));
  for (let i = 0; i < 3; i++) all.open(() => hold.then(() => done()));
  assert.throws(() => all.open(() => done()), status(429));
  finish();
  await settled();
  assert.equal(
    all.open(() => done()),
    "ab-4",
  );
});

test("failures say whose they are, and only ours are reported, without their text", async () => {
  const { all, failures } = futures();
  const theirs = all.open(() => Promise.reject(userError("too long")));
  const ours = all.open(() => Promise.reject(new TypeError("secret")));
  assert.deepEqual(await all.outcome(theirs, 10, never), {
    type: "failure",
    body: { error: "too long", category: "user" },
  });
  assert.deepEqual(await all.outcome(ours, 10, never), {
    type: "failure",
    body: { error: "the server failed at this request; its own messages tell why", category: "server" },
  });
  assert.deepEqual(failures.map(String), ["TypeError: secret"]);
});

test("a wait ends with its signal", async () => {
  const { all } = futures();
  const id = all.open(() => new Promise<Payload>(() => undefined));
  const controller = new AbortController();
  const waiting = all.outcome(id, 60_000, controller.signal);
  controller.abort(new Error("gone"));
  await assert.rejects(waiting, /gone/);
  assert.equal(await all.outcome(id, 5, never), undefined);
  await assert.rejects(all.outcome("ab-2", 5, never), status(404));
});
