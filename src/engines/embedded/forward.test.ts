// What only the embedded engine promises: bits that stay the same, log-probabilities everywhere, and forks.
import assert from "node:assert/strict";
import test from "node:test";
import type { Datum } from "../../core/datum.ts";
import { randomStream } from "../../core/random.ts";
import type { LossSpec, SampleRequest } from "../engine.ts";
import type { EmbeddedEngine } from "./embeddedEngine.ts";
import { datum, observation, prompt, smallEngine } from "./testModel.ts";

const CLIP = { clipLow: 0.2, clipHigh: 0.3 };
const LOSSES: readonly LossSpec[] = [
  { type: "crossEntropy" },
  { type: "importanceSampling" },
  { type: "ppo", ...CLIP },
  { type: "cispo", ...CLIP },
];
const ADAMW = {
  ...{ learningRate: 0.01, beta1: 0.9, beta2: 0.99, epsilon: 1e-8 },
  ...{ weightDecay: 0.01, maxGradNorm: 1 },
};

function sampled(seed: number): { tokens: number[]; logprobs: number[] } {
  const random = randomStream("sampled", seed);
  const tokens = Array.from({ length: 6 + random.below(20) }, () => random.below(276));
  return { tokens, logprobs: tokens.map(() => -5.5 - random.next()) };
}

function sequence(engine: EmbeddedEngine, seed: number): Datum {
  const parts = [...prompt(engine, seed), ...observation(engine, seed)];
  return datum(engine, [...parts, { type: "sampled", ...sampled(seed) }], seed % 2 === 0 ? 1 : -0.5);
}

/** Batches of one and of several sequences, with pictures and without. */
function batches(engine: EmbeddedEngine): Datum[][] {
  const plain = [11, 12].map((seed) =>
    datum(engine, [
      { type: "text", source: "prompt", tokens: [5, 6, 7] },
      { type: "sampled", ...sampled(seed) },
    ]),
  );
  return [[sequence(engine, 1)], [1, 2, 3, 4].map((seed) => sequence(engine, seed)), plain];
}

test("log-probabilities without a gradient are those with one, bit for bit", async () => {
  const engine = await smallEngine();
  for (const batch of batches(engine)) {
    const logprobs = await engine.forward(batch);
    for (const loss of LOSSES)
      assert.deepEqual((await engine.forwardBackward(batch, loss)).logprobs, logprobs, loss.type);
  }
  await engine.dispose();
});

test("the shortest sequences have the loss and the gradient that they have with tokens behind them", async () => {
  const engine = await smallEngine();
  const still = { ...ADAMW, learningRate: 0 };
  const tokens = [5, 200, 17, 33, 90, 4, 61, 122, 7, 250, 13, 77];
  for (let length = 2; length <= 10; length++) {
    const of = (total: number): Datum => ({
      tokens: Int32Array.from(tokens.slice(0, total)),
      images: [],
      mask: Float32Array.from({ length: total }, (_, t) => (t > 0 && t < length ? 1 : 0)),
      logprobs: new Float32Array(total),
      advantages: new Float32Array(total),
    });
    const short = await engine.forwardBackward([of(length)], { type: "crossEntropy" });
    const shortNorm = (await engine.optimStep(still)).gradNorm as number;
    const long = await engine.forwardBackward([of(12)], { type: "crossEntropy" });
    const longNorm = (await engine.optimStep(still)).gradNorm as number;
    assert.ok(Math.abs(short.loss / long.loss - 1) < 1e-5, `${length} tokens: ${short.loss}, ${long.loss}`);
    assert.ok(Math.abs(shortNorm / longNorm - 1) < 1e-4, `${length} tokens: ${shortNorm}, ${longNorm}`);
  }
  await engine.dispose();
});

test("log-probabilities everywhere leave loss, entropy and gradient as they are", async () => {
  const [engine, plain] = [await smallEngine(), await smallEngine()];
  for (const batch of batches(engine)) {
    const full = batch.map((d) => ({ ...d, mask: d.mask.map((_, t) => (t === 0 ? 0 : 1)) }));
    const all = await plain.forward(full);
    for (const loss of LOSSES) {
      const got = await engine.forwardBackward(batch, loss, { everywhere: true });
      const wanted = await plain.forwardBackward(batch, loss);
      assert.equal(got.loss, wanted.loss);
      assert.equal(got.entropySum, wanted.entropySum);
      got.logprobs.forEach((logprobs, d) => {
        assert.equal(logprobs[0], 0);
        logprobs.forEach((p, t) => {
          if (batch[d]!.mask[t] !== 0) assert.equal(p, wanted.logprobs[d]![t]);
          else assert.ok(Math.abs(p - all[d]![t]!) < 1e-5, `datum ${d}, token ${t}: ${p}, not ${all[d]![t]}`);
        });
      });
    }
    // A batch without any other token.
    const again = await engine.forwardBackward(full, LOSSES[0]!, { everywhere: true });
    assert.deepEqual(again.logprobs, (await plain.forwardBackward(full, LOSSES[0]!)).logprobs);
    assert.deepEqual(await engine.optimStep(ADAMW), await plain.optimStep(ADAMW));
  }
  const [batch] = batches(engine);
  assert.deepEqual(await engine.forward(batch!), await plain.forward(batch!), "the same updates");
  await engine.dispose();
  await plain.dispose();
});

test("a fork keeps the weights of its moment, and lives and trains on its own", async () => {
  const engine = await smallEngine();
  const batch = [sequence(engine, 1), sequence(engine, 2)];
  await engine.forwardBackward(batch, LOSSES[0]!);
  await engine.optimStep(ADAMW);
  const before = await engine.forward(batch);
  await engine.forwardBackward(batch, LOSSES[0]!);
  // Not waited for: the update comes after it.
  const forking = engine.fork();
  const updated = engine.optimStep(ADAMW);
  const fork = await forking;
  await updated;
  assert.deepEqual(await fork.forward(batch), before);
  assert.notDeepEqual(await engine.forward(batch), before);
  assert.deepEqual(await fork.optimStep(ADAMW), { gradNorm: 0 }, "it has no gradient");
  const after = await engine.forward(batch);
  await fork.forwardBackward(batch, LOSSES[0]!);
  await fork.optimStep(ADAMW);
  assert.deepEqual(await engine.forward(batch), after, "what the fork learns");
  const request = (): SampleRequest => ({
    sequenceId: "one",
    segments: prompt(fork, 3),
    params: { maxNewTokens: 8, temperature: 1, topP: 1, topK: 0, stopStrings: [] },
    random: randomStream("draw"),
  });
  const twin = await fork.fork();
  await engine.dispose();
  assert.deepEqual(await twin.sample([request()]), await fork.sample([request()]));
  await fork.dispose();
  await twin.dispose();
  await assert.rejects(fork.fork(), /disposed/);
});
