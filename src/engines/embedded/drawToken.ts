// One token from one row of logits: temperature, top-k and top-p decide what may be drawn; the log-probability that is
// reported is always that of the untouched distribution, which is the one that is trained.
import type { Random } from "../../core/random.ts";
import type { SamplingParams } from "../engine.ts";

export interface DrawnToken {
  readonly token: number;
  /** ln p at temperature 1, without truncation. */
  readonly logprob: number;
}

/** @param banned ids that are never drawn (image placeholders and the like). */
export function drawToken(
  logits: Float32Array,
  params: Pick<SamplingParams, "temperature" | "topK" | "topP">,
  banned: ReadonlySet<number>,
  random: Random,
): DrawnToken {
  const max = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  let total = 0;
  for (let i = 0; i < logits.length; i++) total += Math.exp((logits[i] as number) - max);
  const logNormaliser = max + Math.log(total);
  const token = params.temperature === 0 ? argmax(logits, banned) : draw(logits, params, banned, random);
  return { token, logprob: (logits[token] as number) - logNormaliser };
}

function argmax(logits: Float32Array, banned: ReadonlySet<number>): number {
  let best = -1;
  for (let i = 0; i < logits.length; i++)
    if (!banned.has(i) && (best < 0 || (logits[i] as number) > (logits[best] as number))) best = i;
  return best;
}

function draw(
  logits: Float32Array,
  { temperature, topK, topP }: Pick<SamplingParams, "temperature" | "topK" | "topP">,
  banned: ReadonlySet<number>,
  random: Random,
): number {
  // The largest that may be drawn, not the largest of all: at a low temperature the weights would all vanish.
  let max = -Infinity;
  for (let i = 0; i < logits.length; i++) if (!banned.has(i)) max = Math.max(max, logits[i] as number);
  const weights = new Float64Array(logits.length);
  let total = 0;
  for (let i = 0; i < logits.length; i++) {
    if (banned.has(i)) continue;
    total += weights[i] = Math.exp(((logits[i] as number) - max) / temperature);
  }
  if (topK > 0 || topP < 1) total = truncate(weights, total, topK, topP);
  let left = random.next() * total;
  let last = -1;
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i] as number;
    if (weight === 0) continue;
    last = i;
    left -= weight;
    if (left < 0) return i;
  }
  return last; // rounding left a sliver above the last token
}

/** Zeroes all but the k most likely and all beyond the smallest set of mass >= topP; returns what is left. */
function truncate(weights: Float64Array, total: number, topK: number, topP: number): number {
  const order = [...weights.keys()].sort((a, b) => (weights[b] as number) - (weights[a] as number) || a - b);
  const limit = topK > 0 ? topK : weights.length;
  let kept = 0;
  order.forEach((i, rank) => {
    if (rank >= limit || (rank > 0 && kept >= topP * total)) weights[i] = 0;
    else kept += weights[i] as number;
  });
  return kept;
}
