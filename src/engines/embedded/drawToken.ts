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
  // Plain loops and kept arrays: a batch draws once a row between two steps of the model.
  const size = logits.length;
  const allowed = allowedIds(banned, size);
  let max = -Infinity;
  // The largest that may be drawn, not the largest of all: at a low temperature the weights would all vanish.
  let allowedMax = -Infinity;
  for (let i = 0; i < size; i++) {
    const logit = logits[i] as number;
    if (logit > max) max = logit;
    if (logit > allowedMax && allowed[i] === 1) allowedMax = logit;
  }
  const weights = scratch(size);
  let total = 0;
  for (let i = 0; i < size; i++) total += weights[i] = Math.exp((logits[i] as number) - max);
  const logNormaliser = max + Math.log(total);
  const { temperature } = params;
  let token: number;
  if (temperature === 0) token = argmax(logits, allowed);
  else {
    // At temperature 1 the weights are there already.
    if (temperature !== 1 || allowedMax !== max)
      for (let i = 0; i < size; i++)
        weights[i] = Math.exp(((logits[i] as number) - allowedMax) / temperature);
    token = draw(weights, params, allowed, random);
  }
  return { token, logprob: (logits[token] as number) - logNormaliser };
}

function argmax(logits: Float32Array, allowed: Uint8Array): number {
  let best = -1;
  for (let i = 0; i < logits.length; i++)
    if (allowed[i] === 1 && (best < 0 || (logits[i] as number) > (logits[best] as number))) best = i;
  return best;
}

/** @param weights of all ids; those that may not be drawn are set to 0 here */
function draw(
  weights: Float64Array,
  { topK, topP }: Pick<SamplingParams, "topK" | "topP">,
  allowed: Uint8Array,
  random: Random,
): number {
  let total = 0;
  for (let i = 0; i < weights.length; i++) {
    if (allowed[i] === 1) total += weights[i] as number;
    else weights[i] = 0;
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

const allowedBySet = new WeakMap<ReadonlySet<number>, Uint8Array>();

/** 1 for ids that may be drawn. A set must not change after its first use. */
function allowedIds(banned: ReadonlySet<number>, size: number): Uint8Array {
  let allowed = allowedBySet.get(banned);
  if (allowed?.length !== size) {
    allowed = new Uint8Array(size).fill(1);
    for (const id of banned) if (id < size) allowed[id] = 0;
    allowedBySet.set(banned, allowed);
  }
  return allowed;
}

let kept = new Float64Array(0);

/** Room for one row's weights, overwritten by the next call. */
function scratch(size: number): Float64Array {
  if (kept.length !== size) kept = new Float64Array(size);
  return kept;
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
