// One token from one distribution: temperature, top-k and top-p decide what may be drawn; the log-probability that is
// reported is always that of the untouched distribution, which is the one that is trained.
import type { Random } from "../../core/random.ts";
import type { SamplingParams } from "../engine.ts";

export interface DrawnToken {
  readonly token: number;
  /** ln p at temperature 1, without truncation. */
  readonly logprob: number;
}

/** ln p and p of every token of the vocabulary, at temperature 1. */
export interface Distribution {
  readonly logprobs: Float32Array;
  readonly probabilities: Float32Array;
}

/** Below this sum too little of single precision is left of the single probabilities. */
const LEAST_MASS = 1e-9;

export function distributionOf(logits: Float32Array): Distribution {
  let max = -Infinity;
  for (const logit of logits) if (logit > max) max = logit;
  let total = 0;
  for (const logit of logits) total += Math.exp(logit - max);
  const logNormaliser = max + Math.log(total);
  const logprobs = logits.map((logit) => logit - logNormaliser);
  return { logprobs, probabilities: logprobs.map(Math.exp) };
}

/** @param banned ids that are never drawn (image placeholders and the like). */
export function drawToken(
  { logprobs, probabilities }: Distribution,
  params: Pick<SamplingParams, "temperature" | "topK" | "topP">,
  banned: ReadonlySet<number>,
  random: Random,
): DrawnToken {
  // Plain loops and kept arrays: a batch draws once a row between two steps of the model.
  const { temperature, topK, topP } = params;
  const allowed = allowedIds(banned, logprobs.length);
  let token: number;
  if (temperature === 0) token = argmax(logprobs, allowed);
  else {
    const whole = topK === 0 && topP === 1;
    const mass = temperature === 1 && whole ? massOf(probabilities, allowed) : 0;
    if (mass >= LEAST_MASS) token = pick(probabilities, mass, allowed, random);
    else {
      const weights = sharpened(logprobs, temperature, allowed);
      if (!whole) truncate(weights, massOf(weights, allowed), topK, topP);
      token = pick(weights, massOf(weights, allowed), allowed, random);
    }
  }
  return { token, logprob: logprobs[token] as number };
}

function argmax(logprobs: Float32Array, allowed: Uint8Array): number {
  let best = -1;
  for (let i = 0; i < logprobs.length; i++)
    if (allowed[i] === 1 && (best < 0 || (logprobs[i] as number) > (logprobs[best] as number))) best = i;
  return best;
}

type Weights = Float32Array | Float64Array;

function massOf(weights: Weights, allowed: Uint8Array): number {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += (weights[i] as number) * (allowed[i] as number);
  return total;
}

function pick(weights: Weights, mass: number, allowed: Uint8Array, random: Random): number {
  let left = random.next() * mass;
  let last = -1;
  for (let i = 0; i < weights.length; i++) {
    const weight = (weights[i] as number) * (allowed[i] as number);
    if (weight === 0) continue;
    last = i;
    left -= weight;
    if (left < 0) return i;
  }
  return last; // rounding left a sliver above the last token
}

/** Relative to the likeliest that may be drawn, not to the likeliest of all: else at a low temperature all would vanish. */
function sharpened(logprobs: Float32Array, temperature: number, allowed: Uint8Array): Float64Array {
  const best = argmax(logprobs, allowed);
  const top = logprobs[best] as number;
  const weights = scratch(logprobs.length);
  for (let i = 0; i < logprobs.length; i++)
    weights[i] = allowed[i] === 1 ? Math.exp(((logprobs[i] as number) - top) / temperature) : 0;
  return weights;
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

/** Zeroes all but the k most likely and all beyond the smallest set of mass >= topP. */
function truncate(weights: Float64Array, total: number, topK: number, topP: number): void {
  const order = [...weights.keys()].sort((a, b) => (weights[b] as number) - (weights[a] as number) || a - b);
  const limit = topK > 0 ? topK : weights.length;
  let kept = 0;
  order.forEach((i, rank) => {
    if (rank >= limit || (rank > 0 && kept >= topP * total)) weights[i] = 0;
    else kept += weights[i] as number;
  });
}
