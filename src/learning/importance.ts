// Truncated importance sampling: the tokens were drawn from one distribution (an older policy, or a sampler that rounds
// otherwise) and the loss is taken around another, the trainer's own just before the step. Each token is weighted by their
// ratio, bounded above so that a few tokens cannot outweigh the rest (Ionides 2008; as TIS in https://fengyao.notion.site/off-policy-rl).
import type { Datum } from "../core/datum.ts";
import type { Engine } from "../engines/engine.ts";
import { microBatchesByLength } from "./microBatches.ts";
import { checkedLogprobs, type MinibatchOptions } from "./minibatch.ts";
import { guarded, notFinite } from "./nonFiniteStop.ts";

export interface Importance {
  /** Tokens with mask != 0. */
  readonly tokens: number;
  /** Sum of the weights as they are used. */
  readonly weightSum: number;
  /** Tokens whose ratio was above the cap. */
  readonly capped: number;
}

/**
 * ln p of each trained token under the engine's weights as they are, in the order of the data.
 * @throws EngineError when one is not finite, naming step and sequences
 */
export async function trainerLogprobs(
  engine: Engine,
  data: readonly Datum[],
  options: MinibatchOptions,
): Promise<Float32Array[]> {
  const { microBatchTokens, grouping = "fewest", where } = options;
  const logprobs: Float32Array[] = new Array<Float32Array>(data.length);
  for (const batch of microBatchesByLength(data, microBatchTokens, grouping).batches) {
    const datums = batch.map((i) => data[i] as Datum);
    const results = await guarded(data, batch, options, () => engine.forward(datums));
    for (const [row, i] of batch.entries()) {
      const datum = data[i] as Datum;
      const values = checkedLogprobs(results[row], datum, where);
      if (values.some((value, t) => datum.mask[t] !== 0 && !Number.isFinite(value)))
        throw await notFinite("a log-probability before the step is not finite", data, [i], options);
      logprobs[i] = values;
    }
  }
  return logprobs;
}

/**
 * The same data around another distribution: `before` takes the place of the log-probabilities, and each advantage is
 * multiplied by min(exp(before - sampled), cap).
 */
export function truncatedImportance(
  data: readonly Datum[],
  before: readonly Float32Array[],
  cap: number,
): { readonly data: Datum[]; readonly importance: Importance } {
  const importance = { tokens: 0, weightSum: 0, capped: 0 };
  const weighted = data.map((datum, d) => {
    const logprobs = new Float32Array(datum.logprobs.length);
    const advantages = new Float32Array(datum.advantages.length);
    datum.mask.forEach((weight, t) => {
      if (weight === 0) return;
      const now = before[d]?.[t] as number;
      const ratio = Math.exp(now - (datum.logprobs[t] as number));
      const used = Math.min(ratio, cap);
      logprobs[t] = now;
      advantages[t] = (datum.advantages[t] as number) * used;
      importance.tokens++;
      importance.weightSum += used;
      if (ratio > cap) importance.capped++;
    });
    return { ...datum, logprobs, advantages };
  });
  return { data: weighted, importance };
}
