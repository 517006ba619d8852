import assert from "node:assert/strict";
import test from "node:test";
import { EngineError } from "../core/errors.ts";
import { randomStream } from "../core/random.ts";
import { microBatchesByLength } from "./microBatches.ts";
import { scaleToTokenMean, trainMinibatch } from "./minibatch.ts";
import { close, datum, ScriptedEngine } from "./testSupport.ts";

const optimizer = {
  learningRate: 0.1,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0,
  maxGradNorm: 1,
};
const options = {
  loss: { type: "crossEntropy" },
  optimizer,
  microBatchTokens: 20,
  where: "SFT step 3",
} as const;

test("micro-batches: like lengths together, rows × longest within the budget, a giant alone", () => {
  const data = [4, 10, 5, 30, 9, 4].map((length) => datum(length, 1));
  const { batches, paddingShare } = microBatchesByLength(data, 20, "fewest");
  // 30 alone; 10 + 9 as 2 × 10; 5 + 4 + 4 as 3 × 5
  assert.deepEqual(batches, [[3], [1, 4], [2, 0, 5]]);
  // 62 real tokens of 30 + 20 + 15 = 65 computed
  close(paddingShare, 3 / 65, 1e-12);
  assert.deepEqual(microBatchesByLength([], 20, "fewest"), { batches: [], paddingShare: 0 });
});

test("least padding: cut where lengths jump, within the budget, each sequence once", () => {
  const lengths = [100, 60, 98, 200, 100, 60, 61, 60];
  const data = lengths.map((length) => datum(length, 1));
  const few = microBatchesByLength(data, 400, "fewest");
  const least = microBatchesByLength(data, 400, "leastPadding");
  // Falling: 200 100 100 98 61 60 60 60. Two of 200 fit, then four of 100, then two of 60: 920 tokens computed.
  assert.deepEqual(few.batches, [
    [3, 0],
    [4, 2, 6, 1],
    [5, 7],
  ]);
  // 200 alone, 3 × 100, 4 × 61: 744 tokens, against 739 real ones.
  assert.deepEqual(least.batches, [[3], [0, 4, 2], [6, 1, 5, 7]]);
  close(few.paddingShare, 1 - 739 / 920, 1e-12);
  close(least.paddingShare, 1 - 739 / 744, 1e-12);
});

test("least padding never pads more than the fewest, uses every sequence once and keeps the budget", () => {
  const random = randomStream("lengths");
  for (let round = 0; round < 20; round++) {
    const data = Array.from({ length: 40 }, () => datum(20 + random.below(400), 1));
    const budget = 300 + random.below(2000);
    const [few, least] = (["fewest", "leastPadding"] as const).map((g) =>
      microBatchesByLength(data, budget, g),
    );
    assert.ok(least!.paddingShare <= few!.paddingShare);
    assert.deepEqual(
      least!.batches.flat().sort((a, b) => a - b),
      [...data.keys()],
    );
    for (const batch of least!.batches) {
      const longest = Math.max(...batch.map((i) => data[i]!.tokens.length));
      assert.ok(batch.length === 1 || batch.length * longest <= budget);
    }
  }
});

test("masks are divided by the trained tokens of the whole minibatch, not of their own sequence", () => {
  const [short, long] = scaleToTokenMean([datum(3, 1), datum(5, 3)]);
  assert.deepEqual([...(short?.mask ?? [])], [0, 0, 0.25]);
  assert.deepEqual([...(long?.mask ?? [])], [0, 0, 0.25, 0.25, 0.25]);
});

test("the loss is the token mean whatever the micro-batches", async () => {
  // 6 tokens of ln p -1 and 2 of ln p -3: token mean (6 + 6) / 8 = 1.5; the mean of sequence means would be 2
  const data = [datum(8, 6, -1), datum(4, 2, -3)];
  for (const [microBatchTokens, calls] of [
    [1, 2],
    [8, 2],
    [16, 1],
    [1000, 1],
  ] as const) {
    const engine = new ScriptedEngine({ entropyPerToken: 0.7 });
    const result = await trainMinibatch(engine, data, { ...options, microBatchTokens });
    assert.equal(engine.microBatches.length, calls);
    const maskSum = engine.microBatches
      .flat()
      .reduce((n, { mask }) => n + mask.reduce((a, b) => a + b, 0), 0);
    close(maskSum, 1);
    close(result.loss, 1.5);
    close(result.entropy, 0.7);
    assert.equal(result.trainedTokens, 8);
    assert.equal(result.tokens, 12);
    assert.deepEqual(engine.events.at(-1), { type: "optimStep", params: optimizer });
    assert.equal(engine.events.filter((event) => event.type === "optimStep").length, 1);
  }
});

test("what an engine does not tell stays unknown, for the whole minibatch as soon as one part is", async () => {
  const silent = new ScriptedEngine({ entropyPerToken: undefined, gradNorm: () => undefined });
  const result = await trainMinibatch(silent, [datum(4, 2), datum(9, 1)], {
    ...options,
    microBatchTokens: 9,
  });
  assert.deepEqual([result.entropy, result.gradNorm, result.trainedTokens], [undefined, undefined, 3]);
  close(result.loss, 1);
  const mixed = new ScriptedEngine({
    entropyPerToken: (item) => (item.tokens.length === 4 ? 0.5 : undefined),
  });
  const partly = await trainMinibatch(mixed, [datum(4, 2), datum(9, 1)], { ...options, microBatchTokens: 9 });
  assert.deepEqual([partly.entropy, partly.gradNorm], [undefined, 1]);
});

test("log-probabilities come back in the order of the data, although micro-batches are sorted by length", async () => {
  const data = [datum(2, 1, -1), datum(9, 1, -2), datum(5, 1, -3)];
  const { logprobs } = await trainMinibatch(new ScriptedEngine(), data, options);
  assert.deepEqual(
    logprobs.map((values) => [values.length, values.at(-1)]),
    [
      [2, -1],
      [9, -2],
      [5, -3],
    ],
  );
});

test("a loss that is not finite stops before the update and names step and values", async () => {
  const engine = new ScriptedEngine({ logprob: () => NaN });
  await assert.rejects(trainMinibatch(engine, [datum(4, 2)], options), (error) => {
    assert.ok(error instanceof EngineError);
    assert.match(
      error.message,
      /^SFT step 3, the loss is NaN \(learning rate 0\.1\)\. Batch of 1: sequence 0\./,
    );
    return true;
  });
  assert.equal(engine.events.filter((event) => event.type === "optimStep").length, 0);
});

test("so does a gradient that is not finite", async () => {
  const engine = new ScriptedEngine({ gradNorm: () => Infinity });
  await assert.rejects(
    trainMinibatch(engine, [datum(4, 2, -2)], options),
    /SFT step 3, the gradient norm is Infinity at a loss of 2/,
  );
});

test("a minibatch without a trained token is our own fault", async () => {
  await assert.rejects(
    trainMinibatch(new ScriptedEngine(), [datum(4, 0)], options),
    /internal: .*no trained token/,
  );
});
