// Fetching results: what each answer of a server means.
import assert from "node:assert/strict";
import test from "node:test";
import { holdTimers } from "../../core/testTime.ts";
import { TinkerError } from "./failures.ts";
import { BytesInFlight, retrieve, type Retrieval } from "./futures.ts";
import { settingsOf } from "./options.ts";
import { brokenConnection, type Stub, stub, type StubAnswer } from "./stubServer.ts";
import { Transport } from "./transport.ts";
import type { Dialect } from "./protocol/wire.ts";

const tryAgain = (state = "active", reason?: string): StubAnswer => ({
  type: "try_again",
  request_id: "7",
  queue_state: state,
  ...(reason !== undefined && { queue_state_reason: reason }),
});
const status = (code: number, body: unknown = { detail: "no" }): Response =>
  Response.json(body, { status: code });
const DONE = { path: "tinker://x" };

interface Fetched {
  readonly server: Stub;
  readonly outcome: unknown;
  readonly queue: (string | undefined)[];
}

async function fetched(
  script: readonly (() => StubAnswer)[],
  more: Partial<Retrieval> = {},
  dialect: Dialect = "pyvision",
): Promise<Fetched> {
  const server = stub({ retrieve_future: ({ index }) => script[Math.min(index, script.length - 1)]!() });
  const settings = settingsOf({ baseUrl: "http://tinker.test", dialect, baseModel: "base", rank: 8 });
  const queue: (string | undefined)[] = [];
  const outcome = await retrieve(new Transport(settings, server.world), {
    requestId: "7",
    name: "save_weights",
    requestType: "SaveWeights",
    protobuf: false,
    pollTimeoutMs: 45_000,
    deadlineMs: 3_600_000,
    onQueue: (state) => queue.push(state),
    ...more,
  }).then(
    (body) => (body.type === "json" ? body.value : body),
    (error: unknown) => {
      assert.ok(error instanceof TinkerError, String(error));
      return `${error.kind}: ${error.message}`;
    },
  );
  return { server, outcome, queue };
}

test("'not yet' is asked again at once, as 200 and as 408, and what it waits for is passed on", async () => {
  const { server, outcome, queue } = await fetched([
    () => tryAgain(),
    () => tryAgain("paused_rate_limit", "too many tokens"),
    () => status(408, tryAgain("paused_capacity")),
    () => status(408),
    () => DONE,
  ]);
  assert.deepEqual(outcome, DONE);
  assert.deepEqual(server.pauses, [50, 50, 50, 50]);
  assert.deepEqual(queue, [undefined, "paused_rate_limit: too many tokens", "paused_capacity", undefined]);
  assert.deepEqual(
    server.requests.map(({ json, headers }) => [
      json["request_id"],
      headers.get("x-tinker-request-iteration"),
    ]),
    ["0", "1", "2", "3", "4"].map((i) => ["7", i]),
  );
});

test("failures in passing are asked again with pauses, which begin anew after an answer", async () => {
  const { server, outcome } = await fetched([
    brokenConnection,
    () => status(500),
    () => status(429),
    () => tryAgain(),
    () => status(502, "<html>"),
    () => DONE,
  ]);
  assert.deepEqual(outcome, DONE);
  assert.deepEqual(server.pauses, [1000, 2000, 4000, 50, 1000]);
});

test("a server that never comes back is given up after five minutes, one that never ends at the deadline", async () => {
  const gone = await fetched([brokenConnection]);
  assert.match(
    String(gone.outcome),
    /^unreachable: .*other side closed \(14 attempts\); check that the server runs/,
  );
  const slow = await fetched([() => tryAgain()], { deadlineMs: 1000 });
  assert.match(
    String(slow.outcome),
    /^deadline: .*save_weights: no result within 1 s; .* raise engine\.deadlineSeconds/,
  );
  assert.equal(slow.server.requests.length, 20);
});

test("work that failed is told in the server's words, and is not asked for again", async () => {
  const told = await fetched([() => ({ error: "rank 3 is odd", category: "user" })], { about: "of model m" });
  assert.equal(told.outcome, "failed: http://tinker.test, save_weights of model m: rank 3 is odd");
  const skyrl = await fetched([() => status(400, { detail: "rank 3 is odd" })], {}, "skyrl");
  assert.equal(skyrl.outcome, "failed: http://tinker.test, save_weights: rank 3 is odd");
  assert.equal(skyrl.server.requests.length, 1);
});

test("on the hosted service a 400 may be a proxy's: it is asked three times more; a bill is waited for", async () => {
  const glitch = await fetched(
    [() => status(400), () => status(400), () => status(400), () => DONE],
    {},
    "hosted",
  );
  assert.deepEqual(glitch.outcome, DONE);
  const stable = await fetched([() => status(400)], {}, "hosted");
  assert.match(String(stable.outcome), /^lost/);
  assert.equal(stable.server.requests.length, 4);
  const bill = await fetched([() => status(402), () => DONE], {}, "hosted");
  assert.deepEqual(bill.server.pauses, [5000]);
  assert.deepEqual(bill.queue, ["paused_billing", undefined]);
});

test("a result that the server does not have any more is gone", async () => {
  for (const code of [404, 410])
    assert.match(String((await fetched([() => status(code)])).outcome), new RegExp(`^gone: .*${code}`));
  assert.match(String((await fetched([() => status(403)])).outcome), /^lost: .*it wants a key/);
});

test("our own patience with one poll is no failure", async (t) => {
  const patience = holdTimers(t, 45_000);
  const server = stub({
    retrieve_future: ({ index }) => {
      if (index > 0) return DONE;
      setImmediate(patience.expireNext);
      return new Promise(() => undefined);
    },
  });
  const hanging: typeof fetch = (url, init) =>
    Promise.race([
      server.world.fetch(url, init),
      new Promise<never>((_, reject) =>
        init?.signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError"))),
      ),
    ]);
  const settings = settingsOf({
    baseUrl: "http://tinker.test",
    dialect: "skyrl",
    baseModel: "base",
    rank: 8,
  });
  const result = await retrieve(new Transport(settings, { ...server.world, fetch: hanging }), {
    requestId: "7",
    name: "save_weights",
    requestType: "SaveWeights",
    protobuf: false,
    pollTimeoutMs: 45_000,
    deadlineMs: 60_000,
  });
  assert.deepEqual(result, { type: "json", value: DONE });
  assert.deepEqual(server.pauses, [50]);
});

test("a size that is no whole number of bytes is refused, and takes no room from other results", async () => {
  for (const size of ["12 MB", null, -1, 1.5, {}]) {
    const room = new BytesInFlight(100);
    const metadata = { status: "complete_metadata", ...(size !== null && { response_payload_size: size }) };
    const { outcome } = await fetched([() => metadata, () => DONE], { room });
    assert.equal(
      outcome,
      "lost: http://tinker.test, save_weights: response_payload_size must be a whole number of at least 0, got " +
        `${size === null ? "none" : JSON.stringify(size)}; check that engine.baseUrl is that of a Tinker server`,
    );
    let there = 0;
    for (let i = 0; i < 2; i++) void room.take(50).then(() => there++);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(there, 2);
  }
});

test("large results wait for room before they are sent", async () => {
  const room = new BytesInFlight(100);
  const before = await room.take(80);
  let ask = (): void => undefined;
  const asked = new Promise<void>((resolve) => (ask = resolve));
  const metadata = { status: "complete_metadata", response_payload_size: 30 };
  const script = [() => (setImmediate(ask), metadata), () => DONE];
  const pending = fetched(script, { room });
  await asked;
  let there = false;
  void pending.then(() => (there = true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(there, false);
  before();
  const { server, outcome } = await pending;
  assert.deepEqual(outcome, DONE);
  assert.deepEqual(
    server.requests.map(({ json }) => json["allow_metadata_only"]),
    [true, undefined],
  );
  const all = await room.take(1000); // free again, and one that is too large goes alone
  let next = false;
  void room.take(1).then(() => (next = true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(next, false);
  all();
  all();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(next, true);
});
