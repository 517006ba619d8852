// What losses come to where a server does not tell, and how to have them where it divides them.
import type { Datum } from "../../core/datum.ts";
import type { LossSpec } from "../engine.ts";

/**
 * The loss of one datum by the formulas of `LossSpec`, in double precision.
 * @param logprobs length T, under the weights the loss is of
 */
export function lossOf(
  { mask, logprobs: sampled, advantages }: Datum,
  loss: LossSpec,
  logprobs: Float32Array,
): number {
  let sum = 0;
  for (let t = 0; t < mask.length; t++) {
    const weight = mask[t] as number;
    if (weight !== 0)
      sum -= weight * gainOf(loss, logprobs[t] as number, sampled[t] as number, advantages[t] as number);
  }
  return sum;
}

function gainOf(loss: LossSpec, p: number, q: number, advantage: number): number {
  if (loss.type === "crossEntropy") return p;
  const ratio = Math.exp(p - q);
  if (loss.type === "importanceSampling") return ratio * advantage;
  const clipped = Math.min(Math.max(ratio, 1 - loss.clipLow), 1 + loss.clipHigh);
  return loss.type === "cispo" ? clipped * advantage * p : Math.min(ratio * advantage, clipped * advantage);
}

/**
 * What a server that divides each datum's loss by the sum of its weights has to be given, so that datums and tokens weigh
 * against each other as they do in a sum: advantages times that sum. It is exact for losses with advantages, as they are
 * homogeneous in them; cross-entropy has none, and there datums weigh the same, however long they are.
 */
export function undividedDatum(datum: Datum, loss: LossSpec): Datum {
  if (loss.type === "crossEntropy") return datum;
  const sum = datum.mask.reduce((total, weight) => total + weight, 0);
  return { ...datum, advantages: datum.advantages.map((advantage) => advantage * sum) };
}
