// What the promises of the engine suite are made of: prompts, datums and requests for any model family.
import assert from "node:assert/strict";
import { datumFromSegments, type Datum } from "../../core/datum.ts";
import type { RgbImage } from "../../core/image.ts";
import { randomStream, type Random } from "../../core/random.ts";
import type { Segment } from "../../core/trajectory.ts";
import type {
  AdamWParams,
  Engine,
  OptimStepResult,
  SampleRequest,
  SampleResult,
  SamplingParams,
} from "../engine.ts";

/** Starts an engine with weights that are always the same, or with those `saveWeights` wrote into `dir`. */
export type EngineMaker = (dir?: string) => Promise<Engine>;

export interface World {
  /** For checks that leave the weights as they are. */
  readonly engine: Engine;
  /** Another engine; it is disposed of after the check. */
  make(dir?: string): Promise<Engine>;
  /** A folder that exists for the check only. */
  readonly dir: string;
  /** Largest difference of log-probabilities that rounding may make, in nats. */
  readonly tolerance: number;
}

export interface Case {
  /** Short and lasting: gaps are named by it. */
  readonly name: string;
  check(world: World): Promise<void>;
}

export const ADAMW: AdamWParams = {
  learningRate: 1e-3,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  weightDecay: 0.01,
  maxGradNorm: 1,
};

/** Leaves the weights as they are. */
export const STILL = { ...ADAMW, learningRate: 0, weightDecay: 0, maxGradNorm: 0 };

export const PPO = { type: "ppo", clipLow: 0.2, clipHigh: 0.3 } as const;
export const CROSS_ENTROPY = { type: "crossEntropy" } as const;

const WORDS = ["the", "cat", "sat", "on", "a", "mat", "red", "blue", "crop", "image"];

function words(random: Random, count: number): string {
  return Array.from({ length: count }, () => random.pick(WORDS)).join(" ");
}

function picture(width: number, height: number, seed: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) data[i] = ((Math.imul(i, 2654435761) + 97 * seed) >>> 13) & 255;
  return { width, height, data };
}

/** Text, a picture, text: another one for each seed, of another length. */
export function prompt({ codec }: Engine, seed: number): Segment[] {
  const random = randomStream("prompt", seed);
  return [
    { type: "text", source: "prompt", tokens: codec.encodeText(words(random, 2 + random.below(4))) },
    { type: "image", source: "prompt", image: codec.viewImage(picture(84, 56, seed)) },
    { type: "text", source: "prompt", tokens: codec.encodeText(words(random, 1 + random.below(4))) },
  ];
}

export function observation({ codec }: Engine, seed: number): Segment[] {
  const random = randomStream("observation", seed);
  return [
    { type: "text", source: "observation", tokens: codec.encodeText(words(random, 1 + random.below(3))) },
    { type: "image", source: "observation", image: codec.viewImage(picture(56, 56, 100 + seed)) },
    { type: "text", source: "observation", tokens: codec.encodeText("so") },
  ];
}

/** A prompt, an observation, and made-up sampled tokens with their log-probabilities. */
export function sequence(engine: Engine, seed: number, advantage = 1): Datum {
  const random = randomStream("sampled", seed);
  const tokens = engine.codec.encodeText(words(random, 3 + random.below(4)));
  const logprobs = tokens.map(() => -5 - random.next());
  const segments = [...prompt(engine, seed), ...observation(engine, seed)];
  return toDatum(engine, [...segments, { type: "sampled", tokens, logprobs }], advantage);
}

export function toDatum(engine: Engine, segments: readonly Segment[], advantage = 1): Datum {
  return datumFromSegments(segments, advantage, engine.codec.imagePadId);
}

let made = 0;

/** Ids are new each time, streams are named by the seed. */
export function request(
  segments: readonly Segment[],
  seed: number,
  params: Partial<SamplingParams> = {},
  more: Partial<SampleRequest> = {},
): SampleRequest {
  const all = { maxNewTokens: 12, temperature: 1, topP: 1, topK: 0, stopStrings: [], ...params };
  const random = randomStream("draw", seed);
  return { sequenceId: `sequence ${made++}`, segments, params: all, random, ...more };
}

export async function one(engine: Engine, asked: SampleRequest): Promise<SampleResult> {
  const [result] = await engine.sample([asked]);
  assert.ok(result);
  return result;
}

/** Asserts equal tokens, and log-probabilities within the tolerance. */
export function same(got: SampleResult, wanted: SampleResult, { tolerance }: World, what: string): void {
  assert.deepEqual(got.tokens, wanted.tokens, what);
  assert.equal(got.stop, wanted.stop, what);
  near(got.logprobs, wanted.logprobs, tolerance, what);
}

export function near(
  got: ArrayLike<number>,
  wanted: ArrayLike<number>,
  tolerance: number,
  what: string,
): void {
  assert.equal(got.length, wanted.length, what);
  for (let i = 0; i < wanted.length; i++)
    assert.ok(
      Math.abs((got[i] as number) - (wanted[i] as number)) <= tolerance,
      `${what}: [${i}] is ${got[i]}, expected ${wanted[i]} ± ${tolerance}`,
    );
}

/** Positions with a loss. */
export function trained({ mask }: Datum): number[] {
  return [...mask.keys()].filter((t) => mask[t] !== 0);
}

/** The log-probabilities at positions with a loss. */
export function atTrained(datum: Datum, logprobs: Float32Array | undefined): number[] {
  return trained(datum).map((t) => logprobs?.[t] as number);
}

/** There was no gradient to apply, as far as the engine tells. */
export function noGradient({ gradNorm }: OptimStepResult): void {
  assert.ok(gradNorm === undefined || gradNorm === 0, `the gradient norm is ${gradNorm}, expected 0`);
}

/** What an engine does not tell is not compared. */
export function close(got: number | undefined, wanted: number | undefined, what: string): void {
  if (got === undefined && wanted === undefined) return;
  assert.ok(got !== undefined && wanted !== undefined, `${what}: told once and not the other time`);
  assert.ok(
    Math.abs(got - wanted) <= 1e-4 * Math.max(1, Math.abs(wanted)),
    `${what}: ${got}, expected ${wanted}`,
  );
}
