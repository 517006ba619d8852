// Our client and our server with a bad wire between them. Whatever is lost, late or refused in passing, a run goes on and ends
// with the numbers and weights of the engine in this very process, to the bit; or it stops, says why, and can be gone on with
// from its last saved state. No gradient is applied twice and none is lost: either would change the weights.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import type { Datum } from "../../core/datum.ts";
import { EngineError } from "../../core/errors.ts";
import { randomStream } from "../../core/random.ts";
import { EmbeddedEngine } from "../../engines/embedded/embeddedEngine.ts";
import type { Engine, LossSpec } from "../../engines/engine.ts";
import type { Init } from "../../engines/tinker/checkpoints.ts";
import type { TinkerOptions } from "../../engines/tinker/options.ts";
import { type Fault, type Script, scripted } from "./faultProxy.ts";
import { ADAMW, FaultBench, type Story } from "./faultProxyBench.ts";

/** Has a gradient whatever the ratio. */
const UNCLIPPED: LossSpec = { type: "importanceSampling" };

let bench: FaultBench;
/** What the whole story comes to without any server. */
let expected: Story;

before(async () => {
  bench = await FaultBench.open();
  const engine = await EmbeddedEngine.load(bench.modelDir, { threads: 1 });
  expected = await bench.story(engine);
  await engine.dispose();
});

after(() => bench.close());

test("a good wire: the numbers and weights of the engine in this process", async (t) => {
  const { engine } = await bench.engine(t);
  assert.deepEqual(await bench.story(engine), expected);
});

const LOST: Fault = { type: "lostReply" };
const RESET: Fault = { type: "reset" };
const CUT: Fault = { type: "cut" };
const NONE: Fault = { type: "none" };
const status = (code: number, headers: Readonly<Record<string, string>> = {}): Fault => ({
  type: "status",
  status: code,
  headers,
});
const SUBMISSIONS = [
  "client/config",
  "create_session",
  "create_model",
  "save_weights_for_sampler",
  "asample",
  "forward_backward",
  "optim_step",
  "save_weights",
] as const;

/** Every second request to each of these, beginning with the first, gets the next of the faults. */
function everySecond(paths: readonly string[], faults: readonly Fault[]): Script {
  return (path, n) => (paths.includes(path) && n % 2 === 0 ? faults[(n / 2) % faults.length] : NONE);
}

const IN_PASSING: readonly [string, Script, Partial<TinkerOptions>?][] = [
  ["replies lost after the server took the request", everySecond(SUBMISSIONS, [LOST])],
  ["the same in JSON", everySecond(SUBMISSIONS, [LOST]), { wire: "json" }],
  ["connections reset before the server heard of it", everySecond(SUBMISSIONS.slice(0, 4), [RESET])],
  ["replies cut in the middle", everySecond([...SUBMISSIONS, "retrieve_future"], [CUT])],
  [
    "408, 429 with and without a time, 500, a gateway's page",
    everySecond(SUBMISSIONS, [
      status(429, { "retry-after": "7" }),
      status(500),
      { type: "gateway" },
      status(429),
      status(408),
      status(503, { "retry-after-ms": "1500" }),
    ]),
  ],
  [
    "500 after the server did it",
    everySecond(SUBMISSIONS, [{ type: "status", status: 500, afterwards: true }]),
  ],
  [
    "slow and broken polls",
    scripted({
      retrieve_future: [
        { type: "tryAgain" },
        { type: "tryAgain", queueState: "paused_capacity" },
        { type: "tryAgain", status: 408 },
        status(408),
        status(429),
        status(429, { "retry-after": "3" }),
        status(500),
        { type: "gateway" },
        RESET,
        LOST,
        CUT,
        ...Array.from({ length: 8 }, (): Fault => ({ type: "tryAgain" })),
        LOST,
        LOST,
      ],
    }),
  ],
];

for (const [what, script, config = {}] of IN_PASSING)
  test(`${what}: the run goes on and ends the same`, async (t) => {
    const { engine, proxy } = await bench.engine(t, script, { config });
    assert.deepEqual(await bench.story(engine), expected);
    assert.ok(proxy.seen.filter(({ fault }) => fault !== "none").length >= 4);
  });

test("faults at random, of all kinds and everywhere: the run goes on and ends the same", async (t) => {
  const asked = new Map<string, number>();
  const kinds: Fault[] = [LOST, RESET, CUT, status(500), status(429), status(408), { type: "gateway" }];
  // A stream for each kind of request, so that what a fault hits does not hang on which of two requests comes first.
  const { engine, proxy } = await bench.engine(t, (path) => {
    const [kind = ""] = /^[a-z_/]+/.exec(path) ?? [];
    if (!(SUBMISSIONS as readonly string[]).includes(kind) && !/^(retrieve_f|training_r|download)/.test(kind))
      return NONE;
    const n = asked.get(kind) ?? 0;
    asked.set(kind, n + 1);
    const random = randomStream("faults at random", kind, n);
    return random.below(5) < 2 ? random.pick(kinds) : NONE;
  });
  assert.deepEqual(await bench.story(engine), expected);
  assert.ok(proxy.seen.filter(({ fault }) => fault !== "none").length >= 10);
});

test("a proxy's 400 in passing, as before the hosted service: the run goes on and ends the same", async (t) => {
  // One sample at a time: this dialect does not say which belong to one batch, and other batches have other rounding.
  const config = { dialect: "hosted", apiKey: "tml-test", maxConcurrent: 1 } as const;
  const plain = await bench.engine(t, () => undefined, { config });
  const undisturbed = await steps(plain.engine);
  const { engine } = await bench.engine(
    t,
    scripted({ retrieve_future: [status(400), NONE, status(400), status(400)] }),
    {
      config,
    },
  );
  assert.deepEqual(await steps(engine), undisturbed);
});

/** The two steps, and where the weights stand after them. */
async function steps(engine: Engine): Promise<unknown> {
  return [await bench.firstStep(engine), await bench.secondStep(engine), await bench.standOf(engine)];
}

/** As `client/config` of a server that takes one datum a request. */
const ONE_A_REQUEST: Fault = { type: "status", status: 200, body: { fwdbwd_max_chunk_len: 1 } };

test("a batch in several requests, each of them lost once: as if none had been", async (t) => {
  const run = async (script: Script): Promise<unknown> => {
    const { engine } = await bench.engine(t, (path, n) =>
      path === "client/config" ? ONE_A_REQUEST : script(path, n),
    );
    return [
      await engine.forwardBackward(bench.batch(), UNCLIPPED),
      await engine.optimStep(ADAMW),
      await bench.standOf(engine),
    ];
  };
  assert.deepEqual(
    await run(everySecond(["forward_backward", "optim_step"], [LOST])),
    await run(() => undefined),
  );
});

test("a part of a batch that is refused for good: nothing of the batch is applied", async (t) => {
  const script: Script = (path, n) =>
    path === "client/config" ? ONE_A_REQUEST : path === "forward_backward" && n === 2 ? status(413) : NONE;
  const { engine } = await bench.engine(t, script);
  const start = await bench.standOf(engine);
  const dir = await bench.folder();
  await engine.saveState(dir);
  await assert.rejects(
    engine.forwardBackward(bench.batch(), UNCLIPPED),
    told(/forward_backward.*413 scripted 413/),
  );
  await assert.rejects(engine.optimStep(ADAMW), told(/load the last saved state to go on/));
  await engine.loadState(dir);
  assert.deepEqual(await bench.standOf(engine), start);
  await engine.forwardBackward(bench.batch(), UNCLIPPED);
  const { gradNorm } = await engine.optimStep(ADAMW);
  assert.ok((gradNorm as number) > 0);
});

function told(pattern: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof EngineError, String(error));
    assert.match(error.message, pattern);
    return true;
  };
}

// What cannot be known may not be built on: the caller who asks again would have the gradient twice.
const UNSURE: readonly [string, Record<string, readonly Fault[]>][] = [
  ["a reply that cannot be read to a request that was taken", { forward_backward: [{ type: "malformed" }] }],
  ["a result that the server has lost", { retrieve_future: [NONE, status(410)] }],
  ["a poll that is refused", { retrieve_future: [NONE, status(403)] }],
  ["a 400 to a poll", { retrieve_future: [NONE, status(400)] }],
  ["a result that cannot be read", { retrieve_future: [NONE, { type: "malformed" }] }],
];

for (const [what, faults] of UNSURE)
  test(`${what}: the gradient is never there twice`, async (t) => {
    const { engine } = await bench.engine(t, scripted(faults));
    const [datum] = bench.batch() as [Datum];
    await assert.rejects(engine.forwardBackward([datum], UNCLIPPED), told(/forward_backward|retrieve/));
    // As a loop would that does not give up.
    const again = await Promise.allSettled([
      engine.forwardBackward([datum], UNCLIPPED),
      engine.optimStep(ADAMW),
    ]);
    if (again.every(({ status: outcome }) => outcome === "rejected")) return;
    const other = await bench.embedded(t);
    await other.forwardBackward([datum], UNCLIPPED);
    // AdamW's first update hardly knows how large a gradient is; its norm does.
    assert.deepEqual(again[1], { status: "fulfilled", value: await other.optimStep(ADAMW) });
    assert.deepEqual(await bench.standOf(engine), await bench.standOf(other));
  });

test("a refusal from in between, which the server has not heard of: nothing waits for ever", async (t) => {
  const { engine } = await bench.engine(t, scripted({ forward_backward: [status(413)] }));
  const [datum] = bench.batch() as [Datum];
  await assert.rejects(
    engine.forwardBackward([datum], UNCLIPPED),
    told(/forward_backward.*413 scripted 413/),
  );
  await assert.rejects(soon(engine.optimStep(ADAMW)), told(/load the last saved state/));
});

/** Fails when it takes longer than anything here does. */
async function soon<T>(work: Promise<T>): Promise<T> {
  const late = new AbortController();
  const alarm = wait(60_000, undefined, { signal: late.signal, ref: false }).then(() => {
    throw new Error("it waits for ever");
  });
  try {
    return await Promise.race([work, alarm]);
  } finally {
    late.abort();
    alarm.catch(() => undefined);
  }
}

test("a server that fails at an update for good: it is given up in time, and nothing more is asked of the model", async (t) => {
  const { engine, world } = await bench.engine(t, (path) => (path === "optim_step" ? status(500) : NONE));
  const [datum] = bench.batch() as [Datum];
  await engine.forwardBackward([datum], UNCLIPPED);
  const before = world.sleptMs;
  await assert.rejects(
    engine.optimStep(ADAMW),
    told(/optim_step of model .*: 500 scripted 500 \(\d+ attempts in \d+/),
  );
  assert.ok(world.sleptMs - before > 200_000 && world.sleptMs - before < 400_000);
  await assert.rejects(soon(engine.forwardBackward([datum], UNCLIPPED)), told(/load the last saved state/));
});

test("heartbeats that do not get through are told once, and that they do again", async (t) => {
  const { engine, proxy, world, warnings } = await bench.engine(t, (path, n) =>
    path === "session_heartbeat" && n < 4 ? status(500) : NONE,
  );
  for (let beats = 1; beats <= 6; beats++) {
    await world.sleep(60_000);
    // One that comes while another is under way is left out.
    while (proxy.seen.filter(({ path }) => path === "session_heartbeat").length < beats) {
      world.beat();
      await wait(5);
    }
  }
  assert.equal(warnings.filter((text) => /no heartbeat of the session got through for/.test(text)).length, 1);
  assert.equal(warnings.filter((text) => /hears the session's heartbeat again/.test(text)).length, 1);
  assert.equal(warnings.length, 2);
  assert.equal((await bench.standOf(engine)).length, 1);
});

test("a session that was silent for too long: the run stops, and another goes on from the saved state", async (t) => {
  const short = await bench.serve(await bench.folder());
  t.after(() => short.close());
  const { engine, world, warnings } = await bench.engine(t, () => undefined, { target: short });
  const said = await bench.firstStep(engine);
  const dir = await bench.folder();
  await engine.saveState(dir);
  for (const { id } of short.service.sessions.all) short.service.sessions.end(id, "nothing was heard of it");
  world.beat();
  while (warnings.length === 0) await wait(2);
  assert.match(warnings[0] as string, /ended session .*nothing was heard of it/);
  await assert.rejects(engine.sample([bench.request("c", 3)]), told(/session|unloaded|model/));
  const next = await bench.engine(t, () => undefined, { target: short, init: await initOf(dir) });
  assert.deepEqual(
    await bench.end(next.engine, [...said, ...(await bench.secondStep(next.engine))]),
    expected,
  );
});

async function initOf(dir: string): Promise<Init> {
  const { path } = JSON.parse(await readFile(join(dir, "tinker.json"), "utf8")) as { path: string };
  return { path, optimizer: true };
}

// When the server dies: 30 ms after this request of the second step has come in, so before, in or after the work it asks
// for.
for (const moment of ["asample", "forward_backward", "optim_step", "retrieve_future"])
  test(`a server that is started anew in the middle of a step, at ${moment}: the run stops and says why`, async (t) => {
    const storeDir = await bench.folder();
    const first = await bench.serve(storeDir);
    const { engine, proxy, world } = await bench.engine(t, () => undefined, { target: first });
    const said = await bench.firstStep(engine);
    const dir = await bench.folder();
    await engine.saveState(dir);
    // The last one of this moment lets the step end: its reply is lost, whatever the machine's speed.
    proxy.script = (path) => (path === moment ? LOST : NONE);
    let up = (): void => undefined;
    const down = new Promise<void>((resolve) => {
      proxy.onRequest = (path) => {
        if (path !== moment) return;
        proxy.onRequest = undefined;
        world.away = new Promise((arrived) => (up = arrived));
        setTimeout(() => {
          proxy.goDown();
          resolve();
        }, 30);
      };
    });
    const stops = assert.rejects(
      bench.secondStep(engine),
      told(
        /(restarted|end with the server|earlier run of this server).*the last saved state is .*: go on from there/s,
      ),
    );
    await down;
    await first.close();
    const second = await bench.serve(storeDir);
    t.after(() => second.close());
    proxy.script = () => undefined;
    proxy.target = second.baseUrl;
    up();
    await stops;
    await assert.rejects(soon(engine.optimStep(ADAMW)), EngineError);
    const next = await bench.engine(t, () => undefined, { target: second, init: await initOf(dir) });
    assert.deepEqual(
      await bench.end(next.engine, [...said, ...(await bench.secondStep(next.engine))]),
      expected,
    );
  });
