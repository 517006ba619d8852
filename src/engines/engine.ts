// The contract every engine keeps, shaped like the Tinker API (sample, forward_backward, optim_step, save, load), so
// that the loops of src/learning run unchanged on the embedded engine and on a cluster. Losses are sums of per-token
// terms times the weights in `Datum.mask`; whoever wants a mean scales the mask.
import type { Datum } from "../core/datum.ts";
import type { Random } from "../core/random.ts";
import type { Codec } from "../core/codec.ts";
import type { Segment, ServedTurn, StopReason } from "../core/trajectory.ts";

export type { Codec } from "../core/codec.ts";

export interface SamplingParams {
  readonly maxNewTokens: number;
  /** 0 means greedy. */
  readonly temperature: number;
  /** In (0, 1]; 1 is off. */
  readonly topP: number;
  /** 0 is off. */
  readonly topK: number;
  /** Sampling ends right after the text so far contains one of these. The end-of-turn token always ends it. */
  readonly stopStrings: readonly string[];
}

export interface SampleRequest {
  /** Names the growing sequence: requests with one id extend each other, so the engine may keep its KV cache. */
  readonly sequenceId: string;
  /** Requests whose `promptKey` is equal start with the same first request's segments (a group), computed once. */
  readonly promptKey?: string;
  /** The whole sequence so far. */
  readonly segments: readonly Segment[];
  readonly params: SamplingParams;
  /** The sequence's own stream; consumed once per token that is drawn (greedy draws none). */
  readonly random: Random;
  /** Called with each piece of the turn's text as it comes, by samplers that can. */
  readonly onText?: (piece: string) => void;
  /** Called before a turn that failed on its way is sampled again: what `onText` told of it so far is void. */
  readonly onAgain?: (reason: string) => void;
}

export interface SampleResult {
  readonly tokens: readonly number[];
  /** ln p of each token under the model at temperature 1 without top-p/top-k truncation (the training distribution). */
  readonly logprobs: readonly number[];
  readonly stop: StopReason;
  /** Where `stop` is `length`: the model's own context was full, whatever room was asked for. */
  readonly contextFull?: true;
  /** Why nothing may be trained on these tokens. Log-probabilities that are not known are 0 then. */
  readonly unfit?: string;
  /** Of a turn that a model server wrote. */
  readonly served?: ServedTurn;
}

export interface Sampler {
  /**
   * One result per request, in order. The batch's composition is part of the determinism contract. May be called while
   * other calls are pending: an engine serialises or merges them, and answers each when its own requests have ended. A
   * sequence has at most one pending request.
   */
  sample(requests: readonly SampleRequest[]): Promise<readonly SampleResult[]>;
  /** Forgets the cache of a finished sequence. */
  release(sequenceId: string): void;
}

/**
 * What is minimised, per token, with r = p / p_sampled and clip(r) = min(max(r, 1 - clipLow), 1 + clipHigh).
 * `crossEntropy`: -mask ln p. `importanceSampling`: -mask r A. `ppo`: -mask min(r A, clip(r) A).
 * `cispo`: -mask stop(clip(r)) A ln p, where stop() takes no part in the gradient (arXiv 2506.13585).
 */
export type LossSpec =
  | { readonly type: "crossEntropy" }
  | { readonly type: "importanceSampling" }
  | { readonly type: "ppo" | "cispo"; readonly clipLow: number; readonly clipHigh: number };

export interface ForwardBackwardResult {
  /** Sum over all tokens of the loss terms. */
  readonly loss: number;
  /** Per datum, length T: ln p of each trained token under the current weights; 0 where the mask is 0. */
  readonly logprobs: readonly Float32Array[];
  /**
   * Sum over tokens with mask != 0 of the entropy of the predicted distribution, in nats; undefined where the engine does
   * not tell.
   */
  readonly entropySum: number | undefined;
}

export interface AdamWParams {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Global norm the gradient is clipped to; 0 is off. */
  readonly maxGradNorm: number;
}

export interface OptimStepResult {
  /** Global L2 norm before clipping; undefined where the engine does not tell. */
  readonly gradNorm: number | undefined;
}

/** Calls take effect in the order in which they are made: what follows `optimStep` sees the new weights. */
export interface Engine extends Sampler {
  readonly codec: Codec;
  /** Undefined where the engine does not tell. */
  readonly parameterCount: number | undefined;
  /** As `forwardBackward` gives them: ln p of each trained token under the current weights. Changes nothing. */
  forward(batch: readonly Datum[]): Promise<readonly Float32Array[]>;
  /** Adds the gradient of the summed loss to the accumulator. */
  forwardBackward(batch: readonly Datum[], loss: LossSpec): Promise<ForwardBackwardResult>;
  /** Applies the accumulated gradient, then clears it. Without one nothing changes, and the norm is 0. */
  optimStep(params: AdamWParams): Promise<OptimStepResult>;
  /** Writes weights, tokenizer and processor config in Hugging Face layout (no optimiser state). */
  saveWeights(dir: string): Promise<void>;
  /** Weights and optimiser state, enough to continue training exactly. */
  saveState(dir: string): Promise<void>;
  loadState(dir: string): Promise<void>;
  dispose(): Promise<void>;
}
