// The sampling graph against the training graph, and the promises of the Sampler contract.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { randomStream } from "../../core/random.ts";
import type { Segment } from "../../core/trajectory.ts";
import type { SampleRequest, SampleResult, SamplingParams } from "../engine.ts";
import type { EmbeddedEngine } from "./embeddedEngine.ts";
import { datum, observation, prompt, smallEngine } from "./testModel.ts";

let engine: EmbeddedEngine;
before(async () => {
  engine = await smallEngine();
});
after(() => engine.dispose());

const PARAMS: SamplingParams = { maxNewTokens: 12, temperature: 1, topP: 1, topK: 0, stopStrings: [] };

function request(
  id: string,
  segments: readonly Segment[],
  seed: number,
  params: Partial<SamplingParams> = {},
): SampleRequest {
  return { sequenceId: id, segments, params: { ...PARAMS, ...params }, random: randomStream("draw", seed) };
}

async function one(r: SampleRequest): Promise<SampleResult> {
  const [result] = await engine.sample([r]);
  return result!;
}

test("log-probabilities of sampling equal those of the training graph over turns, images and unequal lengths", async () => {
  const rows = await Promise.all(
    [0, 1, 2, 3, 4].map(async (i) => ({ id: `gap${i}`, segments: prompt(engine, i) })),
  );
  for (let turn = 0; turn < 3; turn++) {
    const params = (i: number): Partial<SamplingParams> => ({ maxNewTokens: 3 + 5 * ((i + turn) % 5) });
    const results = await engine.sample(
      rows.map((r, i) => request(r.id, r.segments, 10 * turn + i, params(i))),
    );
    rows.forEach((r, i) =>
      r.segments.push({ type: "sampled", ...results[i]! }, ...observation(engine, 7 * turn + i)),
    );
  }
  const data = rows.map((r) => datum(engine, r.segments));
  const trained = await engine.forwardBackward(data, { type: "crossEntropy" });
  let compared = 0;
  data.forEach((d, i) =>
    d.mask.forEach((mask, t) => {
      if (mask === 0) return;
      compared++;
      const gap = Math.abs(d.logprobs[t]! - trained.logprobs[i]![t]!);
      assert.ok(
        gap <= 1e-4,
        `row ${i}, token ${t}: sampled ${d.logprobs[t]}, trained ${trained.logprobs[i]![t]}`,
      );
    }),
  );
  assert.ok(compared > 100, `only ${compared} tokens compared`);
});

test("a sequence continued from the cache draws what it draws when computed from its beginning", async () => {
  const segments = prompt(engine, 20);
  const first = await one(request("cached", segments, 1));
  const grown: Segment[] = [...segments, { type: "sampled", ...first }, ...observation(engine, 3)];
  const cached = await one(request("cached", grown, 2));
  const fresh = await one(request("fresh", grown, 2));
  assert.deepEqual(cached.tokens, fresh.tokens);
  cached.logprobs.forEach((p, i) => assert.ok(Math.abs(p - fresh.logprobs[i]!) < 1e-4));
});

test("members of a group that share a prompt draw what they would draw alone", async () => {
  const segments = prompt(engine, 30);
  const together = await engine.sample(
    [0, 1, 2].map((i) => ({ ...request(`group${i}`, segments, 40 + i), promptKey: "shared" })),
  );
  for (const i of [0, 1, 2])
    assert.deepEqual(together[i]!.tokens, (await one(request(`alone${i}`, segments, 40 + i))).tokens);
  const texts = new Set(together.map((r) => r.tokens.join()));
  assert.equal(texts.size, 3, "each member has a stream of its own");
});

test("one list of requests gives the same tokens and bits twice", async () => {
  const run = (name: string): Promise<readonly SampleResult[]> =>
    engine.sample(
      [0, 1, 2, 3].map((i) => request(`${name}${i}`, prompt(engine, i), i, { maxNewTokens: 4 + 9 * i })),
    );
  assert.deepEqual(await run("first"), await run("second"));
});

test("greedy takes the likeliest token, whatever the stream", async () => {
  const greedy = { temperature: 0, maxNewTokens: 5 };
  const a = await one(request("greedy a", prompt(engine, 50), 1, greedy));
  const b = await one(request("greedy b", prompt(engine, 50), 2, greedy));
  assert.deepEqual(a.tokens, b.tokens);
  const k1 = await one(request("top-1", prompt(engine, 50), 3, { topK: 1, maxNewTokens: 5 }));
  assert.deepEqual(k1.tokens, a.tokens);
});

test("stop strings end right after the token that completes them; the limit ends as length", async () => {
  const full = await one(request("full", prompt(engine, 60), 9, { maxNewTokens: 30 }));
  assert.deepEqual([full.tokens.length, full.stop], [30, "length"]);
  const stopString = engine.codec.decode(full.tokens.slice(10, 13));
  const cut = await one(
    request("cut", prompt(engine, 60), 9, { maxNewTokens: 30, stopStrings: ["never said", stopString] }),
  );
  assert.equal(cut.stop, "stop");
  assert.deepEqual(cut.tokens, full.tokens.slice(0, cut.tokens.length));
  assert.ok(cut.tokens.length <= 13 && engine.codec.decode(cut.tokens).includes(stopString));
  assert.ok(!engine.codec.decode(cut.tokens.slice(0, -1)).includes(stopString));
});

test("special tokens other than the end of a turn are never drawn", async () => {
  const results = await engine.sample(
    Array.from({ length: 32 }, (_, i) =>
      request(`ban${i}`, prompt(engine, i), i, { temperature: 10, maxNewTokens: 40 }),
    ),
  );
  const drawn = new Set(results.flatMap((r) => r.tokens));
  // 276..289 are the special tokens (278 is <|im_end|>), 290..319 are unused rows of the embedding.
  assert.deepEqual(
    [...drawn].filter((id) => id >= 276 && id !== 278),
    [],
  );
  assert.ok(drawn.has(278) && drawn.size > 200);
});

test("a sequence without a new token is refused by name", async () => {
  const segments = prompt(engine, 70);
  const result = await one(request("idle", segments, 1, { maxNewTokens: 2 }));
  const shorter: Segment[] = [
    ...segments,
    { type: "sampled", tokens: result.tokens.slice(0, 1), logprobs: [0] },
  ];
  await assert.rejects(engine.sample([request("idle", shorter, 1)]), /"idle": its \d+ tokens are all cached/);
});

test("an update makes every cache stale: the same sequence and picture are computed anew", async () => {
  const own = await smallEngine(2);
  const segments = prompt(own, 80);
  const draw = (): SampleRequest => request("stale", segments, 1);
  const [before] = await own.sample([draw()]);
  const d = datum(own, [...segments, { type: "sampled", ...before! }]);
  await own.forwardBackward([d], { type: "crossEntropy" });
  await own.optimStep({
    learningRate: 0.01,
    beta1: 0.9,
    beta2: 0.99,
    epsilon: 1e-8,
    weightDecay: 0,
    maxGradNorm: 0,
  });
  const [after] = await own.sample([draw()]);
  const updated = datum(own, [...segments, { type: "sampled", ...after! }]);
  const trained = await own.forwardBackward([updated], { type: "crossEntropy" });
  updated.mask.forEach((mask, t) => {
    if (mask !== 0)
      assert.ok(Math.abs(updated.logprobs[t]! - trained.logprobs[0]![t]!) <= 1e-4, `token ${t}`);
  });
  assert.notDeepEqual(after!.logprobs, before!.logprobs);
  assert.equal(own.openSequences, 1);
  own.release("stale");
  assert.equal(own.openSequences, 0);
  await own.dispose();
});
