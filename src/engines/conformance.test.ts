// The suite itself: engines that are wrong in one respect each, and the promise that must notice.
import assert from "node:assert/strict";
import test from "node:test";
import type { Datum } from "../core/datum.ts";
import { PyVisionError } from "../core/errors.ts";
import { STILL } from "./conformance/case.ts";
import { checkEnginePromise, defineEngineConformance, type EngineMaker } from "./conformance.ts";
import { EmbeddedEngine } from "./embedded/embeddedEngine.ts";
import { smallEngine } from "./embedded/testModel.ts";
import type { Engine, ForwardBackwardResult } from "./engine.ts";

const sound = (dir?: string): Promise<EmbeddedEngine> =>
  dir === undefined ? smallEngine() : EmbeddedEngine.load(dir, { threads: 1 });

function withoutTargets({ targets: _, ...datum }: Datum): Datum {
  return datum;
}

/** For each promise, what a faulty engine does instead. */
const FAULTS: Readonly<Record<string, (engine: Engine) => Partial<Engine>>> = {
  "results come in the order of the requests and are those of each request alone": (engine) => ({
    sample: async (requests) => [...(await engine.sample(requests))].reverse(),
  }),
  "each sequence draws from its own stream, one number a token": (engine) => ({
    sample: (requests) => engine.sample(requests.map((r) => ({ ...r, random: requests[0]!.random }))),
  }),
  "greedy takes the likeliest token and nothing from the stream; top-1 and a tiny top-p do the same": (
    engine,
  ) => ({
    sample: (requests) =>
      engine.sample(requests.map((r) => ({ ...r, params: { ...r.params, temperature: 1 } }))),
  }),
  "log-probabilities are those of temperature 1 without truncation, and those of training": (engine) => ({
    sample: async (requests) =>
      (await engine.sample(requests)).map((result, i) => {
        const { temperature } = requests[i]!.params;
        return { ...result, logprobs: result.logprobs.map((p) => p / (temperature || 1)) };
      }),
  }),
  "a stop string ends a turn right after the token that completes it": (engine) => ({
    sample: (requests) =>
      engine.sample(requests.map((r) => ({ ...r, params: { ...r.params, stopStrings: [] } }))),
  }),
  "members of a group draw what they draw alone, whether they begin together or later": (engine) => {
    const known = new Map<string, ReturnType<Engine["sample"]>>();
    return {
      sample: async (requests) => {
        const results = requests.map(async (r) => {
          const key = r.promptKey ?? r.sequenceId;
          const result = known.get(key) ?? engine.sample([r]);
          known.set(key, result);
          return (await result)[0]!;
        });
        return Promise.all(results);
      },
    };
  },
  "an update makes every cache stale": (engine) => {
    const known = new Map<string, ReturnType<Engine["sample"]>>();
    return {
      sample: (requests) => {
        const key = requests.map((r) => r.sequenceId).join();
        const result = known.get(key) ?? engine.sample(requests);
        known.set(key, result);
        return result;
      },
    };
  },
  "a batch is the sum of its parts, and calls accumulate": (engine) => ({
    forwardBackward: async (batch, loss) => {
      const result = await engine.forwardBackward(batch, loss);
      return { ...result, loss: result.loss / batch.length };
    },
  }),
  "a mask weighs its token; where it is 0 nothing contributes and the log-probability given back is 0": (
    engine,
  ) => ({
    forwardBackward: (batch, loss) =>
      engine.forwardBackward(
        batch.map((d) => ({ ...d, mask: d.mask.map((weight) => (weight === 0 ? 0 : 1)) })),
        loss,
      ),
  }),
  "cross-entropy and the clipped PPO loss are the sums they promise, the entropy a sum over trained tokens": (
    engine,
  ) => ({
    forwardBackward: (batch, loss) =>
      engine.forwardBackward(batch, loss.type === "ppo" ? { ...loss, clipHigh: loss.clipLow } : loss),
  }),
  "forward gives the log-probabilities of forwardBackward and changes nothing": (engine) => ({
    forward: async (batch) => (await engine.forwardBackward(batch, { type: "crossEntropy" })).logprobs,
  }),
  "importance sampling and CISPO are the sums they promise": (engine) => ({
    forwardBackward: (batch, loss) =>
      engine.forwardBackward(batch, loss.type === "cispo" ? { ...loss, clipHigh: 10 } : loss),
  }),
  "importance sampling and CISPO make what was praised likelier and what was blamed less likely": (
    engine,
  ) => ({
    forwardBackward: (batch, loss) =>
      engine.forwardBackward(
        batch.map((d) => ({ ...d, advantages: d.advantages.map(Math.abs) })),
        loss,
      ),
  }),
  "a token beyond the clip teaches nothing under PPO, by the edge of the clip under CISPO, by its ratio under importance sampling":
    (engine) => ({
      forwardBackward: (batch, loss) =>
        engine.forwardBackward(batch, loss.type === "cispo" ? { ...loss, type: "ppo" } : loss),
    }),
  "targets are predicted instead of the tokens that stand there": (engine) => ({
    forwardBackward: (batch, loss) => engine.forwardBackward(batch.map(withoutTargets), loss),
  }),
  "targets that do not fit are refused by their position": (engine) => ({
    forward: (batch) => engine.forward(batch.map(withoutTargets)),
  }),
  "optimStep clears the accumulator and reports the norm before clipping": (engine) => ({
    optimStep: async (params) => {
      const { gradNorm } = await engine.optimStep(params);
      const clips = params.maxGradNorm > 0 && gradNorm !== undefined;
      return { gradNorm: clips ? Math.min(gradNorm, params.maxGradNorm) : gradNorm };
    },
  }),
  "clipping shortens the gradient": (engine) => ({
    optimStep: (params) => engine.optimStep({ ...params, maxGradNorm: 0 }),
  }),
  "numbers that are not finite are refused and leave nothing behind": (engine) => ({
    forwardBackward: (batch, loss) =>
      engine.forwardBackward(
        batch.map((d) => ({ ...d, logprobs: d.logprobs.map((p) => (Math.abs(p) === Infinity ? -5 : p)) })),
        loss,
      ),
  }),
  "a saved state continues exactly, also in an engine that has gone on or holds a gradient": (engine) => ({
    loadState: async () => undefined,
    saveState: (dir) => engine.saveState(dir),
  }),
  "after dispose every call rejects, and what was asked for before it is answered": () => ({
    dispose: async () => undefined,
  }),
};

/** Faults of an engine that tells neither entropies nor gradient norms nor how many weights it has. */
const SILENT_FAULTS: Readonly<Record<string, (engine: Engine) => Partial<Engine>>> = {
  "a batch is the sum of its parts, and calls accumulate": (engine) => ({
    forwardBackward: async (batch, loss) => {
      await engine.optimStep(STILL); // only the last call counts
      return withoutEntropy(await engine.forwardBackward(batch, loss));
    },
  }),
  "optimStep clears the accumulator and reports the norm before clipping": (engine) => {
    let last: readonly Datum[] = [];
    return {
      forwardBackward: async (batch, loss) =>
        withoutEntropy(await engine.forwardBackward((last = batch), loss)),
      optimStep: async (params) => {
        await engine.optimStep(params);
        await engine.forwardBackward(last, { type: "crossEntropy" });
        return { gradNorm: undefined };
      },
    };
  },
  "clipping shortens the gradient": (engine) => ({
    optimStep: async (params) => {
      await engine.optimStep({ ...params, maxGradNorm: 0 });
      return { gradNorm: undefined };
    },
  }),
  "a token beyond the clip teaches nothing under PPO, by the edge of the clip under CISPO, by its ratio under importance sampling":
    (engine) => ({
      forwardBackward: async (batch, loss) => {
        const wide = loss.type === "ppo" ? { ...loss, clipHigh: 10 } : loss;
        return withoutEntropy(await engine.forwardBackward(batch, wide));
      },
    }),
};

function withoutEntropy(result: ForwardBackwardResult): ForwardBackwardResult {
  return { ...result, entropySum: undefined };
}

/** What an engine over a wire may not tell. */
function silent(engine: Engine): Partial<Engine> {
  return {
    parameterCount: undefined,
    forwardBackward: async (batch, loss) => withoutEntropy(await engine.forwardBackward(batch, loss)),
    optimStep: async (params) => {
      await engine.optimStep(params);
      return { gradNorm: undefined };
    },
  };
}

type Change = (engine: Engine) => Partial<Engine>;

/** Engines that are changed in some respects, and what disposes of all of them, whatever they say of themselves. */
function changed(...changes: readonly Change[]): { make: EngineMaker; close: () => Promise<void> } {
  const opened: EmbeddedEngine[] = [];
  return {
    make: async (dir) => {
      const engine = await sound(dir);
      opened.push(engine);
      const dispose = (): Promise<void> => engine.dispose();
      const parts = changes.map((change) => change(engine));
      // Fields are laid over getters, which do not take what is assigned.
      return Object.create(
        engine,
        Object.getOwnPropertyDescriptors(Object.assign({ dispose }, ...parts) as Partial<Engine>),
      ) as Engine;
    },
    close: async () => {
      for (const engine of opened) await engine.dispose();
    },
  };
}

async function noticed(promise: string, ...changes: readonly Change[]): Promise<void> {
  const { make, close } = changed(...changes);
  await assert.rejects(
    checkEnginePromise(promise, make),
    (error) => error instanceof assert.AssertionError || error instanceof PyVisionError,
  );
  await close();
}

for (const [promise, fault] of Object.entries(FAULTS))
  test(`noticed: not ${promise}`, () => noticed(promise, fault));

for (const [promise, fault] of Object.entries(SILENT_FAULTS))
  test(`noticed in an engine that tells little: not ${promise}`, () => noticed(promise, silent, fault));

defineEngineConformance("An engine that tells little", changed(silent).make);

test("a gap that names no promise is refused", () => {
  assert.throws(
    () => defineEngineConformance("x", sound, { "does the dishes": "no hands" }),
    /there is no promise named "does the dishes"/,
  );
});
