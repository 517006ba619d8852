// The plan as calls of the sides.
import { EngineError } from "../../src/core/errors.ts";
import type { Case, Contestant } from "./measure.ts";
import type { Plan, SamplingCase, TrainingCase } from "./plan.ts";
import type { Side } from "./side.ts";
import { COMPILED, EAGER, MICRO, OURS, prefillOf, SCORES } from "./verdict.ts";

const CLIP = 0.2;
/** So small that every step does the same work on the same numbers. */
const LEARNING_RATE = 1e-9;
/** The sides' losses on one batch may differ by rounding. */
const LOSS_TOLERANCE = 1e-3;

/** @returns the cases, and by training case how far the sides' first losses are apart (filled while they run) */
export function casesOf(
  plan: Plan,
  ours: Side,
  torch: Side,
  compiled: Side | undefined,
): { cases: Case[]; losses: Map<string, number> } {
  const first = new Map<string, number>();
  const losses = new Map<string, number>();
  const train = (name: string, contestant: string, side: Side, rows = 0): Contestant => ({
    name: contestant,
    side,
    run: async () => {
      const order = { batch: name, compiled: side === compiled, clip: CLIP, learning_rate: LEARNING_RATE };
      const { ms, cpuMs, loss } = await side.order("train", { ...order, rows });
      const known = first.get(name);
      if (known === undefined) first.set(name, loss);
      const gap = Math.abs(loss - (known ?? loss));
      // Written so that NaN is refused as well.
      if (!(gap <= LOSS_TOLERANCE))
        throw new EngineError(
          `bench engine: "${name}": the loss of ${contestant} is ${loss}, another side's was ${known}: not the same work`,
        );
      losses.set(name, Math.max(losses.get(name) ?? 0, gap));
      return { ms, cpuMs };
    },
  });
  const sample = (
    c: SamplingCase,
    contestant: string,
    side: Side,
    scores: boolean,
    count: number,
  ): Contestant => ({
    name: contestant,
    side,
    run: async () => {
      const order = { batch: c.name, tokens: count, compiled: side === compiled, scores };
      const { ms, cpuMs, tokens } = await side.order("sample", order);
      const expected = c.shape.lengths.length * count;
      if (tokens !== expected)
        throw new EngineError(
          `bench engine: "${c.name}": ${contestant} made ${tokens} tokens instead of ${expected}: not the same work`,
        );
      return { ms, cpuMs };
    },
  });
  const trainingCase = (c: TrainingCase): Case => ({
    name: c.name,
    kind: "training",
    rounds: c.rounds,
    contestants: [
      train(c.name, OURS, ours),
      train(c.name, EAGER, torch),
      ...(c.microRows === undefined ? [] : [train(c.name, MICRO, torch, c.microRows)]),
      ...(c.bar && compiled !== undefined ? [train(c.name, COMPILED, compiled)] : []),
    ],
  });
  const samplingCase = (c: SamplingCase): Case => ({
    name: c.name,
    kind: "sampling",
    rounds: c.rounds,
    contestants: [
      sample(c, OURS, ours, false, plan.newTokens),
      sample(c, EAGER, torch, false, plan.newTokens),
      ...(c.scores ? [sample(c, SCORES, torch, true, plan.newTokens)] : []),
      ...(c.compiled && compiled !== undefined ? [sample(c, COMPILED, compiled, false, plan.newTokens)] : []),
      sample(c, prefillOf(OURS), ours, false, 1),
      sample(c, prefillOf(EAGER), torch, false, 1),
    ],
  });
  return { cases: [...plan.training.map(trainingCase), ...plan.sampling.map(samplingCase)], losses };
}
