import assert from "node:assert/strict";
import test from "node:test";
import type { Segment } from "../core/trajectory.ts";
import { rlStep, splitEvenly } from "./rlStep.ts";
import type { PolicyLoss } from "./ratios.ts";
import type { TrainingSample } from "./selection.ts";
import { close, imagePadId, ScriptedEngine, trajectory } from "./testSupport.ts";

const options = {
  minibatches: 1,
  microBatchTokens: 100,
  clipLow: 0.2,
  clipHigh: 0.2,
  optimizer: { learningRate: 0.1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 },
  seed: 1,
  step: 5,
};

const sample = (advantage: number, first = 3): TrainingSample => ({
  advantage,
  trajectory: trajectory({
    segments: [
      { type: "text", source: "prompt", tokens: [1, 2] },
      { type: "sampled", tokens: [first, 4], logprobs: [-0.5, -1.5] },
    ],
  }),
});

test("segments become one datum: loss on sampled tokens only, observations and images at 0", async () => {
  const pixels = { width: 28, height: 28, data: new Uint8Array(28 * 28 * 3) };
  const segments: Segment[] = [
    { type: "text", source: "prompt", tokens: [1] },
    { type: "sampled", tokens: [5, 6], logprobs: [-0.25, -0.5] },
    { type: "text", source: "observation", tokens: [7] },
    { type: "image", source: "observation", image: { pixels, grid: [1, 2, 2], tokenCount: 1 } },
    { type: "sampled", tokens: [8, 9], logprobs: [-1, -2] },
  ];
  const engine = new ScriptedEngine();
  const result = await rlStep(engine, [{ trajectory: trajectory({ segments }), advantage: -0.5 }], options);
  const sent = engine.microBatches.flat()[0];
  assert.deepEqual([...(sent?.tokens ?? [])], [1, 5, 6, 7, imagePadId, 8, 9]);
  assert.deepEqual([...(sent?.mask ?? [])], [0, 0.25, 0.25, 0, 0, 0.25, 0.25]);
  assert.deepEqual([...(sent?.logprobs ?? [])], [0, -0.25, -0.5, 0, 0, -1, -2]);
  assert.deepEqual([...(sent?.advantages ?? [])], [0, -0.5, -0.5, 0, 0, -0.5, -0.5]);
  assert.equal(sent?.images.length, 1);
  assert.deepEqual(engine.events[0]?.type === "forwardBackward" && engine.events[0].loss, {
    type: "ppo",
    clipLow: 0.2,
    clipHigh: 0.2,
  });
  // ratio 1 everywhere: loss = -mean(A) = 0.5
  close(result.loss, 0.5);
  assert.equal(result.trainedTokens, 4);
});

test("minibatches: every sample once, each followed by its own optimiser step, masks summing to 1 in each", async () => {
  const samples = [1, 2, 3, 4, 5].map((id) => sample(1, 10 + id));
  const engine = new ScriptedEngine();
  const result = await rlStep(engine, samples, { ...options, minibatches: 2 });
  assert.deepEqual(
    engine.events.map((event) => (event.type === "forwardBackward" ? event.batch.length : "optimStep")),
    [2, "optimStep", 3, "optimStep"],
  );
  for (const batch of engine.microBatches)
    close(
      batch.reduce((n, { mask }) => n + mask.reduce((a, b) => a + b, 0), 0),
      1,
    );
  const seen = engine.microBatches.flat().map(({ tokens }) => tokens[2] ?? 0);
  assert.deepEqual([...seen].sort(), [11, 12, 13, 14, 15]);
  assert.equal(result.optimizerSteps, 2);
});

test("the shuffle is a function of seed and step", async () => {
  const samples = Array.from({ length: 16 }, (_, id) => sample(1, id));
  const orderOf = async (changed: Partial<typeof options>): Promise<string> => {
    const engine = new ScriptedEngine();
    await rlStep(engine, samples, { ...options, ...changed });
    return engine.microBatches
      .flat()
      .map(({ tokens }) => tokens[2])
      .join();
  };
  const order = await orderOf({});
  assert.equal(await orderOf({}), order);
  assert.notEqual(await orderOf({ step: 6 }), order);
  assert.notEqual(await orderOf({ seed: 2 }), order);
});

test("the sampler gap is measured before the first update, ratio statistics over all minibatches", async () => {
  // before any update ln p is 0.001 off; after the first it has risen by ln 1.5 at every token
  const engine = new ScriptedEngine({
    logprob: (item, t, updates) => (item.logprobs[t] ?? 0) + (updates === 0 ? 0.001 : Math.log(1.5)),
    gradNorm: (updates) => updates * 2,
    entropyPerToken: 1.25,
  });
  const result = await rlStep(engine, [sample(1), sample(1)], { ...options, minibatches: 2 });
  close(result.logprobGapMean, 0.001, 1e-6);
  close(result.logprobGapMax, 0.001, 1e-6);
  // second minibatch: all its tokens have ratio 1.5 > 1.2 and A > 0, half of all tokens
  close(result.clipFraction, 0.5);
  // r - 1 - ln r = 0.5 - 0.405465 = 0.094535 for half of the tokens, 5e-7 for the others
  close(result.approxKl, 0.094535 / 2, 1e-5);
  assert.equal(result.gradNorm, 3);
  close(result.entropy, 1.25);
  // losses: -1.001 and -1.2 (clipped)
  close(result.loss, -1.10050025, 1e-5);
});

test("the loss that is asked for is the one that is trained on, and only a loss with a clip tells of it", async () => {
  const sent = async (loss?: PolicyLoss) => {
    const engine = new ScriptedEngine({ logprob: (item, t) => (item.logprobs[t] ?? 0) + 0.5 });
    const { clipFraction } = await rlStep(engine, [sample(-1)], { ...options, ...(loss && { loss }) });
    const [event] = engine.events;
    return [event?.type === "forwardBackward" ? event.loss : undefined, clipFraction];
  };
  const clips = { clipLow: 0.2, clipHigh: 0.2 };
  // ratio 1.65 with a negative advantage: the clip of PPO is on the other side, that of CISPO is on both
  assert.deepEqual(await sent(), [{ type: "ppo", ...clips }, 0]);
  assert.deepEqual(await sent("cispo"), [{ type: "cispo", ...clips }, 1]);
  assert.deepEqual(await sent("importanceSampling"), [{ type: "importanceSampling" }, undefined]);
});

test("the sampler gap is told of samples of the current weights only", async () => {
  const engine = (): ScriptedEngine =>
    new ScriptedEngine({
      logprob: (item, t) => (item.logprobs[t] ?? 0) + (item.tokens[2] === 3 ? 0.01 : 0.3),
    });
  const old = { ...sample(1, 8), staleness: 1 };
  const mixed = await rlStep(engine(), [sample(1, 3), old], options);
  close(mixed.logprobGapMean, 0.01);
  close(mixed.logprobGapMax, 0.01);
  const only = await rlStep(engine(), [old], options);
  assert.deepEqual([only.logprobGapMean, only.logprobGapMax], [undefined, undefined]);
  // Of the policy's distance all samples tell: e^0.3 - 1 - 0.3
  close(only.approxKl, 0.0498588, 1e-6);
});

test("even split: sizes differ by at most one, no empty part", () => {
  assert.deepEqual(splitEvenly([1, 2, 3, 4, 5], 3), [[1], [2, 3], [4, 5]]);
  assert.deepEqual(splitEvenly([1, 2], 4), [[1], [2]]);
  assert.deepEqual(splitEvenly([1, 2, 3], 1), [[1, 2, 3]]);
});
