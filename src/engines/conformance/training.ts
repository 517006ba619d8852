// forwardBackward and optimStep: sums, formulas by hand, and what an update does to the accumulator.
import assert from "node:assert/strict";
import type { Datum } from "../../core/datum.ts";
import type { AdamWParams, Engine } from "../engine.ts";
import {
  ADAMW,
  atTrained,
  type Case,
  close,
  CROSS_ENTROPY,
  near,
  noGradient,
  PPO,
  sequence,
  STILL,
  trained,
} from "./case.ts";

/** Norm of the gradient of the summed loss of some calls, by an engine that tells. */
async function normOf(engine: Engine, ...calls: readonly (readonly Datum[])[]): Promise<number | undefined> {
  for (const batch of calls) await engine.forwardBackward(batch, CROSS_ENTROPY);
  return (await engine.optimStep(STILL)).gradNorm;
}

export const TRAINING: readonly Case[] = [
  {
    name: "a batch is the sum of its parts, and calls accumulate",
    async check({ make, tolerance }) {
      const [engine, other] = [await make(), await make()];
      const batch = [1, 2, 3].map((seed) => sequence(engine, seed));
      const whole = await engine.forwardBackward(batch, CROSS_ENTROPY);
      // With an epsilon above all gradients an update is as exact as the gradient.
      const update = { ...ADAMW, learningRate: 0.05, epsilon: 1, weightDecay: 0 };
      const before = await engine.forward(batch);
      const { gradNorm } = await engine.optimStep(update);
      let loss = 0;
      let entropy: number | undefined = 0;
      for (const [i, datum] of batch.entries()) {
        const part = await other.forwardBackward([datum], CROSS_ENTROPY);
        loss += part.loss;
        entropy = part.entropySum === undefined ? undefined : (entropy ?? 0) + part.entropySum;
        near(part.logprobs[0]!, whole.logprobs[i]!, tolerance, `datum ${i}`);
      }
      close(loss, whole.loss, "loss");
      close(entropy, whole.entropySum, "entropy");
      close((await other.optimStep(update)).gradNorm, gradNorm, "gradient norm of the sum");
      const [updated, likewise] = [await engine.forward(batch), await other.forward(batch)];
      batch.forEach((datum, i) =>
        near(
          atTrained(datum, likewise[i]),
          atTrained(datum, updated[i]),
          10 * tolerance,
          `after the update, datum ${i}`,
        ),
      );
      assert.notDeepEqual(updated, before);
    },
  },
  {
    name: "a mask weighs its token; where it is 0 nothing contributes and the log-probability given back is 0",
    async check({ make }) {
      const engine = await make();
      const plain = sequence(engine, 1);
      const at = trained(plain);
      const half = at.length >> 1;
      const pick = (keep: (rank: number) => number): Datum => {
        const mask = plain.mask.slice();
        at.forEach((t, rank) => (mask[t] = keep(rank)));
        return { ...plain, mask };
      };
      const full = await engine.forwardBackward([plain], CROSS_ENTROPY);
      const first = await engine.forwardBackward([pick((r) => (r < half ? 1 : 0))], CROSS_ENTROPY);
      const rest = await engine.forwardBackward([pick((r) => (r < half ? 0 : 1))], CROSS_ENTROPY);
      close(first.loss + rest.loss, full.loss, "the two halves");
      assert.equal(first.logprobs[0]!.length, plain.tokens.length);
      first.logprobs[0]!.forEach((p, t) =>
        assert.equal(p !== 0, at.indexOf(t) >= 0 && at.indexOf(t) < half, `${t}`),
      );
      const twice = await engine.forwardBackward([pick(() => 2)], CROSS_ENTROPY);
      close(twice.loss, 2 * full.loss, "weight 2");
      await engine.optimStep(STILL);
      const masked = { ...sequence(engine, 2), mask: new Float32Array(sequence(engine, 2).mask.length) };
      close(await normOf(engine, [plain, masked]), await normOf(engine, [plain]), "a datum with no mask");
    },
  },
  {
    name: "cross-entropy and the clipped PPO loss are the sums they promise, the entropy a sum over trained tokens",
    async check({ make }) {
      const engine = await make();
      const datum = sequence(engine, 5);
      const at = trained(datum);
      const { loss, logprobs, entropySum } = await engine.forwardBackward([datum], CROSS_ENTROPY);
      const p = (t: number): number => logprobs[0]![t] as number;
      close(
        loss,
        at.reduce((sum, t) => sum - p(t), 0),
        "cross-entropy",
      );
      if (entropySum !== undefined)
        assert.ok(entropySum > 0 && entropySum / at.length < 20, `entropy ${entropySum}`);
      for (const advantage of [0.5, -0.5])
        for (const shift of [-1, -0.1, 0.1, 1]) {
          // Ratios around e^-shift: beyond both edges of the clip and within.
          const signed: Datum = {
            ...datum,
            logprobs: logprobs[0]!.map((value, t) =>
              datum.mask[t] === 0 ? 0 : value + shift + 0.01 * (t % 7),
            ),
            advantages: datum.mask.map((weight) => weight * advantage),
          };
          const expected = at.reduce((sum, t) => {
            const ratio = Math.exp(p(t) - (signed.logprobs[t] as number));
            const clipped = Math.min(1 + PPO.clipHigh, Math.max(1 - PPO.clipLow, ratio));
            return sum - Math.min(ratio * advantage, clipped * advantage);
          }, 0);
          const ppo = await engine.forwardBackward([signed], PPO);
          close(ppo.loss, expected, `advantage ${advantage}, shift ${shift}`);
        }
    },
  },
  {
    name: "optimStep clears the accumulator and reports the norm before clipping",
    async check({ make }) {
      const engine = await make();
      const batch = [sequence(engine, 1)];
      const before = await engine.forward(batch);
      const norm = await normOf(engine, batch);
      noGradient(await engine.optimStep({ ...ADAMW, learningRate: 0.1 }));
      assert.deepEqual(await engine.forward(batch), before, "an update without a gradient");
      if (norm === undefined) return;
      close(await normOf(engine, batch), norm, "the same batch again");
      close(await normOf(engine, batch, batch), 2 * norm, "the batch twice");
      await engine.forwardBackward(batch, CROSS_ENTROPY);
      const clipped = await engine.optimStep({ ...STILL, maxGradNorm: norm / 8 });
      close(clipped.gradNorm, norm, "norm under clipping");
    },
  },
  {
    name: "clipping shortens the gradient",
    async check({ make }) {
      /** How far one step lowers the loss. */
      const fall = async (params: Partial<AdamWParams>): Promise<number> => {
        const engine = await make();
        const batch = [sequence(engine, 1), sequence(engine, 2)];
        const before = await engine.forwardBackward(batch, CROSS_ENTROPY);
        await engine.optimStep({ ...ADAMW, weightDecay: 0, ...params });
        return before.loss - (await engine.forwardBackward(batch, CROSS_ENTROPY)).loss;
      };
      // Clipped far below epsilon a gradient moves nothing.
      const [free, held] = [await fall({ maxGradNorm: 0 }), await fall({ maxGradNorm: 1e-12 })];
      assert.ok(free > 0, `a step lowers the loss by ${free}`);
      assert.ok(
        Math.abs(held) < 0.02 * free,
        `with the gradient clipped to nearly nothing by ${held}, freely by ${free}`,
      );
      const measured = await make();
      const norm = await normOf(measured, [sequence(measured, 1), sequence(measured, 2)]);
      if (norm === undefined) return;
      // With an epsilon that dwarfs the moments the first step is lr g / epsilon, and the loss falls by lr |g|² / epsilon.
      const epsilon = 1e3 * norm;
      const learningRate = (0.1 * epsilon) / norm ** 2;
      const whole = await fall({ epsilon, learningRate, maxGradNorm: 0 });
      const quarter = await fall({ epsilon, learningRate, maxGradNorm: 0.25 * norm });
      assert.ok(whole > 0.05 && whole < 0.15, `unclipped the loss falls by ${whole}, expected about 0.1`);
      assert.ok(
        quarter > 0.2 * whole && quarter < 0.3 * whole,
        `clipped by ${quarter}, unclipped by ${whole}`,
      );
    },
  },
  {
    name: "optimStep without a gradient changes nothing",
    async check({ make }) {
      const engine = await make();
      const batch = [sequence(engine, 1)];
      await engine.forwardBackward(batch, CROSS_ENTROPY);
      await engine.optimStep(ADAMW);
      const { loss } = await engine.forwardBackward(batch, CROSS_ENTROPY);
      await engine.optimStep(STILL); // clears
      noGradient(await engine.optimStep({ ...ADAMW, learningRate: 0.1, weightDecay: 1 }));
      assert.equal((await engine.forwardBackward(batch, CROSS_ENTROPY)).loss, loss);
    },
  },
  {
    name: "numbers that are not finite are refused and leave nothing behind",
    async check({ make }) {
      const engine = await make();
      const good = sequence(engine, 1);
      const { loss } = await engine.forwardBackward([good], PPO);
      await engine.optimStep(STILL);
      for (const spec of [PPO, { type: "importanceSampling" }, { ...PPO, type: "cispo" }] as const)
        for (const bad of [NaN, Infinity, -Infinity]) {
          const logprobs = good.logprobs.map((p, t) => (good.mask[t] === 0 ? p : bad));
          await assert.rejects(
            engine.forwardBackward([{ ...good, logprobs }], spec),
            /finite|NaN|Infinity/,
            `${spec.type}, sampled with ${bad}`,
          );
        }
      noGradient(await engine.optimStep({ ...ADAMW, weightDecay: 1 }));
      assert.equal((await engine.forwardBackward([good], PPO)).loss, loss);
    },
  },
];
