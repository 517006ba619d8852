// Log-probabilities without a gradient, and the losses one by one: what they sum up, and where they move the weights.
import assert from "node:assert/strict";
import type { Datum } from "../../core/datum.ts";
import type { AdamWParams, Engine, LossSpec } from "../engine.ts";
import { ADAMW, atTrained, type Case, close, CROSS_ENTROPY, near, noGradient, PPO, sequence, STILL, trained } from "./case.ts"; // prettier-ignore

const IMPORTANCE: LossSpec = { type: "importanceSampling" };
const CISPO = { type: "cispo", clipLow: 0.2, clipHigh: 0.3 } as const;

/** Moves the weights by little, and only along the gradient. */
const STEP: AdamWParams = { ...ADAMW, learningRate: 1e-4, weightDecay: 0 };

/** The datum as sampled `shift` nats above what the model says now, with a weight of 2 on its first trained token. */
function shifted(datum: Datum, logprobs: Float32Array, shift: number, advantage: number): Datum {
  const [first] = trained(datum);
  return {
    ...datum,
    mask: datum.mask.map((weight, t) => (t === first ? 2 * weight : weight)),
    logprobs: logprobs.map((p, t) => (datum.mask[t] === 0 ? 0 : p + shift + 0.01 * (t % 7))),
    advantages: datum.mask.map((weight) => (weight === 0 ? 0 : advantage)),
  };
}

/** Sum of ln p over trained tokens. */
async function likelihood(engine: Engine, datum: Datum): Promise<number> {
  const [logprobs] = await engine.forward([datum]);
  return atTrained(datum, logprobs).reduce((sum, p) => sum + p, 0);
}

export const LOSSES: readonly Case[] = [
  {
    name: "forward gives the log-probabilities of forwardBackward and changes nothing",
    async check({ make, tolerance }) {
      const [engine, other] = [await make(), await make()];
      const batch = [1, 2, 3].map((seed) => sequence(engine, seed));
      const { logprobs } = await other.forwardBackward(batch, CROSS_ENTROPY);
      const got = await engine.forward(batch);
      assert.equal(got.length, batch.length);
      batch.forEach(({ mask }, i) => {
        near(got[i]!, logprobs[i]!, tolerance, `datum ${i}`);
        mask.forEach((weight, t) => assert.equal(got[i]![t] === 0, weight === 0, `datum ${i}, token ${t}`));
      });
      noGradient(await engine.optimStep({ ...ADAMW, learningRate: 0.1 }));
      assert.deepEqual(await engine.forward(batch), got, "an update without a gradient");
      // A gradient that waits is left alone, and the optimiser as well.
      await engine.forwardBackward(batch, CROSS_ENTROPY);
      await engine.forward(batch.slice(1));
      const [interrupted, plain] = [await engine.optimStep(ADAMW), await other.optimStep(ADAMW)];
      close(interrupted.gradNorm, plain.gradNorm, "gradient norm");
      const [after, wanted] = [await engine.forward(batch), await other.forward(batch)];
      batch.forEach((_, i) => near(after[i]!, wanted[i]!, 10 * tolerance, `after the update, datum ${i}`));
      assert.notDeepEqual(after, got);
    },
  },
  {
    name: "importance sampling and CISPO are the sums they promise",
    async check({ make }) {
      const engine = await make();
      const datum = sequence(engine, 5);
      const [now] = await engine.forward([datum]);
      for (const advantage of [0.5, -0.5])
        for (const shift of [-1, -0.1, 0.1, 1]) {
          const signed = shifted(datum, now!, shift, advantage);
          const expected = { importance: 0, cispo: 0 };
          for (const t of trained(signed)) {
            const [p, weight] = [now![t] as number, signed.mask[t] as number];
            const ratio = Math.exp(p - (signed.logprobs[t] as number));
            const clipped = Math.min(1 + CISPO.clipHigh, Math.max(1 - CISPO.clipLow, ratio));
            expected.importance -= weight * ratio * advantage;
            expected.cispo -= weight * clipped * advantage * p;
          }
          const what = `advantage ${advantage}, shift ${shift}`;
          const importance = await engine.forwardBackward([signed], IMPORTANCE);
          close(importance.loss, expected.importance, `importance sampling, ${what}`);
          close((await engine.forwardBackward([signed], CISPO)).loss, expected.cispo, `CISPO, ${what}`);
        }
    },
  },
  {
    name: "importance sampling and CISPO make what was praised likelier and what was blamed less likely",
    async check({ make }) {
      for (const loss of [IMPORTANCE, CISPO])
        for (const advantage of [1, -1]) {
          const engine = await make();
          const datum = sequence(engine, 1);
          const signed = shifted(datum, (await engine.forward([datum]))[0]!, 0, advantage);
          const before = await likelihood(engine, signed);
          await engine.forwardBackward([signed], loss);
          await engine.optimStep(STEP);
          const rise = (await likelihood(engine, signed)) - before;
          assert.ok(rise * advantage > 0, `${loss.type}, advantage ${advantage}: ln p rose by ${rise}`);
        }
    },
  },
  {
    name: "a token beyond the clip teaches nothing under PPO, by the edge of the clip under CISPO, by its ratio under importance sampling",
    async check({ make, tolerance }) {
      const engine = await make();
      const datum = sequence(engine, 1);
      const [now] = await engine.forward([datum]);
      // Every ratio is about e, every advantage 1.
      const plain = { ...datum, logprobs: now!.map((p, t) => (datum.mask[t] === 0 ? 0 : p - 1)) };
      const before = await likelihood(engine, plain);
      const norm = async (loss: LossSpec): Promise<number | undefined> => {
        await engine.forwardBackward([plain], loss);
        return (await engine.optimStep(STILL)).gradNorm;
      };
      const unit = await norm(CROSS_ENTROPY);
      if (unit !== undefined) {
        close(await norm(PPO), 0, "PPO");
        close(await norm(CISPO), (1 + CISPO.clipHigh) * unit, "CISPO");
        close(await norm(IMPORTANCE), Math.E * unit, "importance sampling");
      }
      for (const loss of [PPO, CISPO, IMPORTANCE]) {
        const fresh = await make();
        await fresh.forwardBackward([plain], loss);
        await fresh.optimStep(STEP);
        const rise = (await likelihood(fresh, plain)) - before;
        const taught = loss === PPO ? Math.abs(rise) <= tolerance * trained(plain).length : rise > 0;
        assert.ok(taught, `${loss.type}: ln p rose by ${rise}`);
      }
    },
  },
  {
    name: "targets are predicted instead of the tokens that stand there",
    async check({ make, tolerance }) {
      const engine = await make();
      const datum = sequence(engine, 3);
      const [at, later] = trained(datum) as [number, number];
      const [plain] = await engine.forward([datum]);
      const [same] = await engine.forward([{ ...datum, targets: datum.tokens }]);
      near(same!, plain!, tolerance, "the tokens themselves");
      const other = datum.tokens.slice();
      other[at] = datum.tokens[later] === datum.tokens[at] ? datum.tokens[0]! : datum.tokens[later]!;
      // ln p of a token does not depend on what follows it: as a target it has what it has where it stands.
      const alone = { ...datum, tokens: other, mask: datum.mask.map((weight, t) => (t === at ? weight : 0)) };
      const expected = plain!.slice();
      expected[at] = (await engine.forward([alone]))[0]![at]!;
      const aimed = { ...datum, targets: other };
      near((await engine.forward([aimed]))[0]!, expected, tolerance, "another target");
      const { loss, logprobs } = await engine.forwardBackward([aimed], CROSS_ENTROPY);
      near(logprobs[0]!, expected, tolerance, "another target, with a gradient");
      close(loss, -atTrained(datum, expected).reduce((sum, p) => sum + p, 0), "loss");
      await engine.optimStep(STEP);
      const [learned] = await engine.forward([aimed]);
      assert.ok(
        learned![at]! > expected[at],
        `the target's ln p went from ${expected[at]} to ${learned![at]}`,
      );
    },
  },
];
