import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { randomStream } from "../core/random.ts";
import { settled } from "../core/testTime.ts";
import type { Sampler, SampleRequest } from "../engines/engine.ts";
import { LockstepSampler } from "./lockstep.ts";

const request = (sequenceId: string): SampleRequest => ({
  sequenceId,
  segments: [],
  params: { maxNewTokens: 1, temperature: 1, topP: 1, topK: 0, stopStrings: [] },
  random: randomStream(sequenceId),
});

/** Writes down what it is asked; each result's token is the length of its id. */
class LoggingSampler implements Sampler {
  readonly log: string[] = [];
  constructor(private readonly delayMs = 0) {}
  async sample(requests: readonly SampleRequest[]) {
    this.log.push(`sample ${requests.map((r) => r.sequenceId).join(" ")}`);
    if (this.delayMs > 0) await sleep(this.delayMs);
    return requests.map((r) => ({ tokens: [r.sequenceId.length], logprobs: [0], stop: "stop" as const }));
  }
  release(sequenceId: string): void {
    this.log.push(`release ${sequenceId}`);
  }
}

test("lockstep waits for the last episode and batches by index, not by arrival", async () => {
  const inner = new LoggingSampler();
  const lockstep = new LockstepSampler(inner, { schedule: "lockstep" });
  ["a", "bb", "ccc"].forEach((id, index) => lockstep.join(id, index));
  const third = lockstep.sample([request("ccc")]);
  const first = lockstep.sample([request("a")]);
  await settled();
  await sleep(50); // nor does a time that has passed begin it
  assert.deepEqual(inner.log, [], "one episode is still in its tool");
  const second = lockstep.sample([request("bb")]);
  const results = await Promise.all([first, second, third]);
  assert.deepEqual(
    results.map((r) => r[0]?.tokens[0]),
    [1, 2, 3],
    "every episode gets its own result",
  );
  assert.deepEqual(inner.log, ["sample a bb ccc"]);
});

test("a prompt's key goes with the first turn of a sequence only", async () => {
  const keys: unknown[] = [];
  const inner: Sampler = {
    sample: async (requests) => {
      keys.push(...requests.map((r) => ("promptKey" in r ? r.promptKey : "none")));
      return requests.map(() => ({ tokens: [1], logprobs: [0], stop: "stop" as const }));
    },
    release: () => undefined,
  };
  const lockstep = new LockstepSampler(inner, { schedule: "eager" });
  lockstep.join("a", 0);
  const prompt = { type: "text", source: "prompt", tokens: [1] } as const;
  const turn = { type: "sampled", tokens: [2], logprobs: [0] } as const;
  const keyed = { ...request("a"), promptKey: "group" };
  await lockstep.sample([{ ...keyed, segments: [prompt] }]);
  await lockstep.sample([{ ...keyed, segments: [prompt, turn, prompt] }]);
  assert.deepEqual(keys, ["group", "none"]);
});

test("an episode that leaves is waited for no longer; releases come before the next batch in episode order", async () => {
  const inner = new LoggingSampler();
  const lockstep = new LockstepSampler(inner, { schedule: "lockstep" });
  ["a", "b", "c"].forEach((id, index) => lockstep.join(id, index));
  const waiting = lockstep.sample([request("b")]);
  for (const id of ["c", "a"]) {
    lockstep.release(id);
    lockstep.leave(id);
  }
  assert.deepEqual(inner.log, []);
  await waiting;
  lockstep.release("b");
  lockstep.leave("b");
  assert.deepEqual(inner.log, ["release a", "release c", "sample b", "release b"]);
});

test("maxBatch cuts a round into consecutive chunks; new requests wait for the whole round", async () => {
  const inner = new LoggingSampler(2);
  const lockstep = new LockstepSampler(inner, { schedule: "lockstep", maxBatch: 2 });
  const ids = ["a", "b", "c", "d", "e"];
  ids.forEach((id, index) => lockstep.join(id, index));
  await Promise.all(
    ids.map(async (id) => {
      await lockstep.sample([request(id)]);
      await lockstep.sample([request(id)]);
      lockstep.leave(id);
    }),
  );
  const round = ["sample a b", "sample c d", "sample e"];
  assert.deepEqual(inner.log, [...round, ...round]);
  assert.throws(() => new LockstepSampler(inner, { schedule: "lockstep", maxBatch: 0 }), /maxBatch/);
});

test("eager hands each request on at once, while others are being sampled, and answers each by itself", async () => {
  const gates = new Map<string, () => void>();
  const log: string[] = [];
  const inner: Sampler = {
    sample: async (requests) => {
      const [{ sequenceId }] = requests as [SampleRequest];
      log.push(`${requests.length} ${sequenceId}`);
      await new Promise<void>((resolve) => gates.set(sequenceId, resolve));
      return [{ tokens: [sequenceId.length], logprobs: [0], stop: "stop" }];
    },
    release: (id) => void log.push(`release ${id}`),
  };
  const eager = new LockstepSampler(inner, { schedule: "eager" });
  ["a", "bb", "ccc", "dddd"].forEach((id, index) => eager.join(id, index));
  const second = eager.sample([request("bb")]);
  const first = eager.sample([request("a")]);
  await settled();
  assert.deepEqual(log, ["1 a", "1 bb"], "by index; dddd is never waited for");
  const third = eager.sample([request("ccc")]);
  await settled();
  assert.deepEqual(log.slice(2), ["1 ccc"], "a and bb are still being sampled");
  gates.get("ccc")?.();
  assert.deepEqual((await third)[0]?.tokens, [3]);
  eager.release("ccc");
  eager.leave("ccc");
  await settled();
  assert.deepEqual(log.slice(3), ["release ccc"]);
  for (const id of ["a", "bb"]) gates.get(id)?.();
  assert.deepEqual(
    (await Promise.all([first, second])).map((r) => r[0]?.tokens),
    [[1], [2]],
  );
});

test("eager never has more than maxBatch requests with the sampler", async () => {
  let open = 0;
  let most = 0;
  const inner: Sampler = {
    sample: async (requests) => {
      most = Math.max(most, (open += requests.length));
      await sleep(2);
      open -= requests.length;
      return requests.map(() => ({ tokens: [1], logprobs: [0], stop: "stop" as const }));
    },
    release: () => undefined,
  };
  const eager = new LockstepSampler(inner, { schedule: "eager", maxBatch: 2 });
  const ids = ["a", "b", "c", "d", "e"];
  ids.forEach((id, index) => eager.join(id, index));
  await Promise.all(ids.map((id) => eager.sample([request(id)])));
  assert.equal(most, 2);
});

test("a sampler that fails rejects everyone, now and later", { timeout: 60_000 }, async () => {
  const broken: Sampler = {
    sample: () => Promise.reject(new Error("out of memory")),
    release: () => undefined,
  };
  const lockstep = new LockstepSampler(broken, { schedule: "lockstep", maxBatch: 1 });
  ["a", "b"].forEach((id, index) => lockstep.join(id, index));
  const both = ["a", "b"].map((id) => lockstep.sample([request(id)]));
  for (const result of await Promise.allSettled(both)) {
    assert.equal(result.status, "rejected");
    assert.match(String(result.reason), /out of memory/);
  }
  await assert.rejects(lockstep.sample([request("a")]), /out of memory/);
});

test("a sequence that never joined is refused", async () => {
  const lockstep = new LockstepSampler(new LoggingSampler(), { schedule: "lockstep" });
  await assert.rejects(lockstep.sample([request("x")]), /internal: sequence x samples without having joined/);
  lockstep.join("x", 0);
  assert.throws(() => lockstep.join("x", 1), /joined twice/);
});
