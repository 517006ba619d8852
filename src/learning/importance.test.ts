import assert from "node:assert/strict";
import test from "node:test";
import type { Datum } from "../core/datum.ts";
import { randomStream } from "../core/random.ts";
import type { PolicyLoss } from "./ratios.ts";
import { rlStep } from "./rlStep.ts";
import type { TrainingSample } from "./selection.ts";
import { close, ScriptedEngine, trajectory } from "./testSupport.ts";

const options = {
  minibatches: 1,
  microBatchTokens: 100,
  clipLow: 0.2,
  clipHigh: 0.2,
  optimizer: { learningRate: 0.1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 },
  seed: 1,
  step: 5,
};

function sample(advantage: number, logprobs: readonly number[], staleness = 0): TrainingSample {
  const segments = [
    { type: "text", source: "prompt", tokens: [1, 2] },
    { type: "sampled", tokens: logprobs.map((_, i) => 10 + i), logprobs },
  ] as const;
  return { advantage, staleness, trajectory: trajectory({ segments }) };
}

test("by hand: the trainer's own log-probabilities take the sampler's place, and the bounded ratio goes to the advantages", async () => {
  const engine = new ScriptedEngine({ logprob: (_, t) => (t === 2 ? -0.7 : -0.5) });
  const result = await rlStep(engine, [sample(-1, [-0.5, -1.5])], { ...options, importanceCap: 2 });
  const [sent] = engine.microBatches.flat();
  // ratios e^-0.2 = 0.8187308 and e^1 = 2.718 above the cap of 2
  assert.deepEqual([...(sent?.logprobs ?? [])].map((v) => v.toFixed(4)), ["0.0000", "0.0000", "-0.7000", "-0.5000"]); // prettier-ignore
  assert.deepEqual([...(sent?.advantages ?? [])].map((v) => v.toFixed(4)), ["0.0000", "0.0000", "-0.8187", "-2.0000"]); // prettier-ignore
  close(result.importanceMean, 1.4093654);
  close(result.importanceCappedShare, 0.5);
  // around the trainer's own the ratio is 1, so the loss is the mean of weight × 1
  close(result.loss, 1.4093654);
  assert.equal(result.clipFraction, 0);
  // The gap stays what it is: 0.2 and 1.
  close(result.logprobGapMean, 0.6);
  close(result.logprobGapMax, 1);
});

test("without a gap the weights are 1 and nothing changes; off, no forward pass is made and nothing is told", async () => {
  let forwards = 0;
  class Counting extends ScriptedEngine {
    override forward(batch: readonly Datum[]): Promise<Float32Array[]> {
      forwards++;
      return super.forward(batch);
    }
  }
  const samples = [sample(1, [-0.5, -1.5]), sample(-0.5, [-2])];
  const off = await rlStep(new Counting(), samples, options);
  assert.deepEqual([forwards, off.importanceMean, off.importanceCappedShare], [0, undefined, undefined]);
  const on = await rlStep(new Counting(), samples, { ...options, importanceCap: 2, microBatchTokens: 4 });
  assert.deepEqual([forwards, on.importanceMean, on.importanceCappedShare], [2, 1, 0]);
  assert.equal(on.loss, off.loss);
});

/** The formulas once more, token by token in double precision, without the functions under test. */
function recomputed(
  loss: PolicyLoss,
  tokens: readonly {
    readonly sampled: number;
    readonly before: number;
    readonly now: number;
    readonly a: number;
  }[],
  cap: number,
): number {
  let sum = 0;
  for (const { sampled, before, now, a } of tokens) {
    const weight = Math.min(Math.exp(before) / Math.exp(sampled), cap);
    const r = Math.exp(now) / Math.exp(before);
    const c = r < 0.8 ? 0.8 : r > 1.2 ? 1.2 : r;
    if (loss === "importanceSampling") sum -= weight * a * r;
    if (loss === "cispo") sum -= weight * a * c * now;
    // min(r A, clip(r) A) by the sign of A
    if (loss === "ppo") sum -= weight * (a >= 0 ? a * Math.min(r, c) : a * Math.max(r, c));
  }
  return sum / tokens.length;
}

for (const loss of ["ppo", "importanceSampling", "cispo"] as const)
  test(`recomputed: ${loss} over two minibatches, the second after an update`, async () => {
    const random = randomStream("importance", loss);
    const samples = Array.from(
      { length: 8 },
      (_, i) =>
      sample(random.normal(), Array.from({ length: 3 }, () => -2 * random.next()), i % 2), // prettier-ignore
    );
    const drift = (sampled: number, t: number): number => Math.sin(40 * sampled + t);
    // By what a datum was sampled with, which the step may replace, so it is looked up by the value before.
    const moved = new Map<number, number>();
    const engine = new ScriptedEngine({
      logprob: (item, t, updates) => {
        const value = item.logprobs[t] as number;
        const sampled = moved.get(value) ?? value;
        const before = Math.fround(sampled + drift(sampled, t));
        moved.set(before, sampled);
        return before + 0.3 * updates;
      },
    });
    const result = await rlStep(engine, samples, { ...options, loss, importanceCap: 1.5, minibatches: 2 });
    const losses = [0, 1].map((update) => {
      const batch = engine.microBatches[update] ?? [];
      assert.equal(batch.length, 4);
      const tokens = batch.flatMap((item) =>
        [2, 3, 4].map((t) => {
          const before = item.logprobs[t] as number;
          const sampled = moved.get(before) as number;
          const own = samples.find(({ trajectory: { segments } }) =>
            segments.some(
              (s) => s.type === "sampled" && Math.fround(s.logprobs[t - 2] as number) === sampled,
            ),
          );
          return { sampled, before, now: before + 0.3 * update, a: own?.advantage as number };
        }),
      );
      return recomputed(loss, tokens, 1.5);
    });
    close(result.loss, ((losses[0] as number) + (losses[1] as number)) / 2, 1e-5);
    assert.ok((result.importanceCappedShare as number) > 0 && (result.importanceCappedShare as number) < 1);
  });

test("a log-probability of the trainer that is not finite stops before anything is trained, naming step and sequence", async () => {
  const engine = new ScriptedEngine({ logprob: () => NaN });
  await assert.rejects(
    rlStep(engine, [sample(1, [-1])], { ...options, importanceCap: 2 }),
    /^EngineError: RL step 5, before its update, a log-probability before the step is not finite .*task, member 0/,
  );
  assert.deepEqual(engine.events, []);
});
