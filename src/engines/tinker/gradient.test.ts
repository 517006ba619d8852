// What waits for the next update when calls fail: only what the server has, no more and no less.
import assert from "node:assert/strict";
import test from "node:test";
import { EngineError } from "../../core/errors.ts";
import { ADAMW, CROSS_ENTROPY, datum, fbResult, open, step } from "./engineHarness.ts";

test("a batch of which a part failed may be half in the accumulator: no update is made of it", async () => {
  const { engine, named } = await open({
    "client/config": () => ({ fwdbwd_max_chunk_len: 1 }),
    "result:forward_backward": (request) =>
      request.index === 1
        ? { error: "datum 0: token 99 is unknown", category: "user" }
        : fbResult([-1, -1, -1])(request),
  });
  await assert.rejects(
    engine.forwardBackward([datum(), datum()], CROSS_ENTROPY),
    (error) =>
      error instanceof EngineError &&
      /http:\/\/tinker\.test, forward_backward of model s:train:0, datums 1 to 1: datum 0: token 99 is unknown/.test(
        error.message,
      ),
  );
  await assert.rejects(
    engine.optimStep(ADAMW),
    /optimStep: a part of the gradient .* load the last saved state/,
  );
  assert.equal(named("optim_step").length, 0);
});

test("a batch that failed as a whole leaves nothing behind", async () => {
  const { engine } = await open({
    "result:forward_backward": () => ({ error: "no such token", category: "user" }),
  });
  await assert.rejects(engine.forwardBackward([datum()], CROSS_ENTROPY), /no such token/);
  assert.deepEqual(await engine.optimStep(ADAMW), { gradNorm: 0 });
});

test("a batch that was refused takes nothing back of what others have added: their update is made", async () => {
  const { engine, named } = await open({
    forward_backward: ({ index }) =>
      index === 1 ? Response.json({ detail: "no such token" }, { status: 422 }) : undefined,
  });
  await engine.forwardBackward([datum()], CROSS_ENTROPY);
  await assert.rejects(engine.forwardBackward([datum(), datum()], CROSS_ENTROPY), /422 no such token/);
  assert.deepEqual(await engine.optimStep(ADAMW), { gradNorm: 1 });
  assert.equal(named("optim_step").length, 1);
  assert.deepEqual(await engine.optimStep(ADAMW), { gradNorm: 0 });
  assert.equal(named("optim_step").length, 1);
});

test("of a batch in parts only those that were handed in are taken back", async () => {
  // Datum by datum: the first call's, the second call's first, which fails, and its second, which is refused.
  const { engine, named } = await open({
    "client/config": () => ({ fwdbwd_max_chunk_len: 1 }),
    forward_backward: ({ index }) =>
      index === 2 ? Response.json({ detail: "no" }, { status: 422 }) : undefined,
    "result:forward_backward": ({ index }) => (index === 1 ? { error: "odd", category: "user" } : undefined),
  });
  await engine.forwardBackward([datum()], CROSS_ENTROPY);
  await assert.rejects(engine.forwardBackward([datum(), datum()], CROSS_ENTROPY), /422 no/);
  assert.deepEqual(await engine.optimStep(ADAMW), { gradNorm: 1 });
  assert.equal(named("optim_step").length, 1);
});

test("a batch that fails after its update was asked for takes nothing back of the next one's", async () => {
  let fail = (): void => undefined;
  const failing = new Promise<object>((resolve) => {
    fail = () => resolve({ error: "odd", category: "user" });
  });
  const { engine, named } = await open({
    "result:forward_backward": ({ index }) => (index === 0 ? failing : undefined),
    "result:optim_step": ({ index }) =>
      index === 0 ? { error: "a forward_backward before this step has failed", category: "user" } : undefined,
  });
  const first = assert.rejects(engine.forwardBackward([datum()], CROSS_ENTROPY), /odd/);
  const update = assert.rejects(engine.optimStep(ADAMW), /a forward_backward before this step has failed/);
  await engine.forwardBackward([datum()], CROSS_ENTROPY);
  fail();
  await Promise.all([first, update]);
  assert.deepEqual(await engine.optimStep(ADAMW), { gradNorm: 1 });
  assert.equal(named("optim_step").length, 2);
});

test("an update that the server refused for a failed batch is told, and no gradient is carried to a later one", async () => {
  const after = async (dialect: "pyvision" | "hosted"): Promise<Awaited<ReturnType<typeof open>>> => {
    const opened = await open(
      {
        "result:forward_backward": ({ index }) =>
          index === 1 ? { error: "no such token", category: "user" } : undefined,
        "result:optim_step": ({ index }) =>
          index === 0 ? { error: "the gradient was discarded", category: "user" } : undefined,
      },
      { dialect, wire: "json" },
    );
    await opened.engine.forwardBackward([datum()], CROSS_ENTROPY);
    await assert.rejects(opened.engine.forwardBackward([datum()], CROSS_ENTROPY), /no such token/);
    await assert.rejects(opened.engine.optimStep(ADAMW), /optim_step .*: the gradient was discarded/);
    return opened;
  };
  // Ours discards it: nothing waits any more.
  const ours = await after("pyvision");
  assert.deepEqual(await ours.engine.optimStep(ADAMW), { gradNorm: 0 });
  assert.deepEqual(await step(ours.engine), { gradNorm: 1 });
  assert.equal(ours.named("optim_step").length, 2);
  // Of others it is not known.
  const other = await after("hosted");
  await assert.rejects(
    other.engine.optimStep(ADAMW),
    /the gradient of an update that failed may still be in the accumulator; load the last saved state/,
  );
  await assert.rejects(other.engine.forwardBackward([datum()], CROSS_ENTROPY), /may still be in the accumul/);
  assert.equal(other.named("optim_step").length, 1);
});
