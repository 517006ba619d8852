// Whole-model gradients and AdamW by hand; what every engine promises is in conformance.test.ts.
import assert from "node:assert/strict";
import test from "node:test";
import { randomStream } from "../../core/random.ts";
import type { Datum } from "../../core/datum.ts";
import type { LossSpec } from "../engine.ts";
import type { EmbeddedEngine } from "./embeddedEngine.ts";
import { ParameterStore } from "./parameters.ts";
import { datum, observation, prompt, smallEngine } from "./testModel.ts";

function sequence(engine: EmbeddedEngine, seed: number, advantage = 1): Datum {
  const random = randomStream("sampled", seed);
  const tokens = Array.from({ length: 6 + random.below(6) }, () => random.below(276));
  const logprobs = tokens.map(() => -5.5 - random.next());
  return datum(
    engine,
    [...prompt(engine, seed), ...observation(engine, seed), { type: "sampled", tokens, logprobs }],
    advantage,
  );
}

const CLIP = { clipLow: 0.2, clipHigh: 0.3 };

/** The loss as a function of log-probabilities, in double precision; CISPO's weights are those at `start`. */
function lossFrom(
  { type }: LossSpec,
  batch: readonly Datum[],
  start: readonly Float32Array[],
): (logprobs: readonly Float32Array[]) => number {
  const ratio = (d: number, t: number, p: number): number => Math.exp(p - batch[d]!.logprobs[t]!);
  return (logprobs) => {
    let sum = 0;
    for (const [d, { mask, advantages }] of batch.entries())
      for (const [t, weight] of mask.entries()) {
        if (weight === 0) continue;
        const p = logprobs[d]![t]!;
        const held = Math.min(Math.max(ratio(d, t, start[d]![t]!), 1 - CLIP.clipLow), 1 + CLIP.clipHigh);
        if (type === "crossEntropy") sum -= weight * p;
        else if (type === "importanceSampling") sum -= weight * ratio(d, t, p) * advantages[t]!;
        else sum -= weight * held * advantages[t]! * p;
      }
    return sum;
  };
}

for (const loss of [
  { type: "crossEntropy" },
  { type: "importanceSampling" },
  { type: "cispo", ...CLIP },
] as const)
  test(`${loss.type}: the gradient of every weight points where the loss falls as fast as it says`, async () => {
    // Along the gradient g of weight w, loss(w + h g / |g|) - loss(w - h g / |g|) = 2 h |g|.
    const engine = await smallEngine();
    const batch = [sequence(engine, 1), sequence(engine, 2, -0.7)];
    const start = await engine.forward(batch);
    const formula = lossFrom(loss, batch, start);
    const told = await engine.forwardBackward(batch, loss);
    assert.ok(Math.abs(told.loss - formula(start)) < 1e-4, `${told.loss}, by hand ${formula(start)}`);
    const store = (engine as unknown as { parameters: ParameterStore }).parameters;
    for (const { spec, value } of store.entries()) {
      const g = store.gradient(spec.name);
      const norm = Math.hypot(...g);
      // A bias of the keys shifts all scores of a row alike: softmax cancels it, its gradient is rounding noise.
      if (spec.name.endsWith("k_proj.bias")) continue;
      assert.ok(norm > 1e-6, `${spec.name}: gradient norm ${norm}`);
      const kept = value.slice();
      const h = Math.min(0.02, 0.2 / norm); // a change of the loss by at most 0.4
      const at = async (sign: number): Promise<number> => {
        for (let k = 0; k < value.length; k++) value[k] = kept[k]! + (sign * h * g[k]!) / norm;
        return formula(await engine.forward(batch));
      };
      const slope = ((await at(1)) - (await at(-1))) / (2 * h);
      value.set(kept);
      assert.ok(
        Math.abs(slope - norm) <= 0.01 * norm + 5e-3,
        `${spec.name}: slope ${slope}, gradient norm ${norm}`,
      );
    }
    await engine.dispose();
  });

test("AdamW: two steps by hand, decay on matrices only, clipping by the global norm", () => {
  const spec = { name: "w", shape: [2], matrix: [2], std: 0, fill: 0, decays: true };
  const store = new ParameterStore(
    [spec, { ...spec, name: "b", decays: false }],
    new Map([
      ["w", Float32Array.of(1, -2)],
      ["b", Float32Array.of(0.5, 0)],
    ]),
  );
  const params = {
    learningRate: 0.1,
    beta1: 0.9,
    beta2: 0.99,
    epsilon: 1e-8,
    weightDecay: 0.5,
    maxGradNorm: 5,
  };
  store.accumulate("w", Float32Array.of(6, 0));
  store.accumulate("b", Float32Array.of(0, -8));
  // Norm sqrt(36 + 64) = 10 is clipped to 5: gradients 3 and -4. First step: m / (1 - b1) = g, v / (1 - b2) = g^2, so
  // the step is lr * sign(g). Decay: 1 * (1 - 0.1 * 0.5) = 0.95, -2 * 0.95 = -1.9; biases do not decay.
  assert.deepEqual(store.adamW(params), { gradNorm: 10 });
  const near = (name: string, expected: number[]): void =>
    expected.forEach((x, i) =>
      assert.ok(Math.abs(store.value(name)[i]! - x) < 1e-6, `${name}: ${store.value(name).join()}`),
    );
  near("w", [0.85, -1.9]);
  near("b", [0.5, 0.1]);
  // Second step, gradient 1 on w[0] only (norm 1, no clip): m = 0.9 * 0.3 + 0.1 = 0.37, / 0.19 = 1.947368;
  // v = 0.99 * 0.09 + 0.01 = 0.0991, / 0.0199 = 4.979899, sqrt 2.231569; step 0.1 * 0.872643 = 0.0872643.
  store.accumulate("w", Float32Array.of(1, 0));
  assert.deepEqual(store.adamW(params), { gradNorm: 1 });
  near("w", [0.85 * 0.95 - 0.0872643, -1.9 * 0.95]);
});
