// How far the policy has moved from what sampled its tokens, and where a clip of the loss took hold: diagnostics of an update.
import type { Datum } from "../core/datum.ts";
import type { LossSpec } from "../engines/engine.ts";

/** What the policy is trained with; a choice of the recipe. */
export type PolicyLoss = Exclude<LossSpec["type"], "crossEntropy">;

export interface PolicyLossOptions {
  /** Default: ppo. */
  readonly loss?: PolicyLoss;
  readonly clipLow: number;
  readonly clipHigh: number;
}

export function lossSpecOf({ loss = "ppo", clipLow, clipHigh }: PolicyLossOptions): LossSpec {
  return loss === "importanceSampling" ? { type: loss } : { type: loss, clipLow, clipHigh };
}

export interface RatioStats {
  readonly tokens: number;
  /** Of |ln p - ln p_sampled|. */
  readonly gapSum: number;
  readonly gapMax: number;
  /** Sum of r - 1 - ln r with r = p / p_sampled. */
  readonly klSum: number;
  /** Tokens at which the clip of the loss took hold; undefined for a loss without one. */
  readonly clipped: number | undefined;
}

/**
 * Over the tokens with mask != 0.
 *
 * @param logprobs under the current weights
 * @param sampled what the tokens were sampled with, where that is not what the loss compares with (`Datum.logprobs`)
 */
export function ratioStats(
  data: readonly Datum[],
  logprobs: readonly Float32Array[],
  loss: LossSpec,
  sampled: readonly Float32Array[] = data.map((datum) => datum.logprobs),
): RatioStats {
  const stats = { tokens: 0, gapSum: 0, gapMax: 0, clipped: 0, klSum: 0 };
  data.forEach((datum, d) => {
    datum.mask.forEach((weight, t) => {
      if (weight === 0) return;
      const now = logprobs[d]?.[t] as number;
      const logRatio = now - (sampled[d]?.[t] as number);
      stats.tokens++;
      stats.gapSum += Math.abs(logRatio);
      stats.gapMax = Math.max(stats.gapMax, Math.abs(logRatio));
      stats.klSum += Math.exp(logRatio) - 1 - logRatio;
      const ratio = Math.exp(now - (datum.logprobs[t] as number));
      if (isClipped(loss, ratio, datum.advantages[t] as number)) stats.clipped++;
    });
  });
  return { ...stats, clipped: "clipLow" in loss ? stats.clipped : undefined };
}

/**
 * `ppo`: the clipped term is the smaller, so that the token has no gradient. `cispo`: the token's factor is not its ratio
 * but a bound of it.
 */
function isClipped(loss: LossSpec, ratio: number, advantage: number): boolean {
  if (!("clipLow" in loss)) return false;
  const [above, below] = [ratio > 1 + loss.clipHigh, ratio < 1 - loss.clipLow];
  if (loss.type === "cispo") return above || below;
  return advantage > 0 ? above : advantage < 0 && below;
}
