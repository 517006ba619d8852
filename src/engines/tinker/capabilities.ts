// What servers that speak this protocol do differently. One record per dialect; whoever knows a server better says so in
// `TinkerOptions.capabilities`.
import type { LossSpec } from "../engine.ts";
import type { Dialect } from "./protocol/wire.ts";

export interface Capabilities {
  /**
   * `sum`: the gradient is that of the sum over all tokens, as the Engine contract says. `meanPerDatum`: each datum's loss is
   * divided by the sum of its weights, and the gradient by the number of datums since the last step.
   */
  readonly lossReduction: "sum" | "meanPerDatum";
  readonly losses: readonly LossSpec["type"][];
  /** Whether images reach the model, in samples and in training. */
  readonly imagesOnSample: boolean;
  readonly imagesOnTrain: boolean;
  /** Whether the server is trusted with images. Otherwise the first one asks it what it made of it (imageGuard.ts). */
  readonly imagesTrusted: boolean;
  /** Whether `grad_clip_norm` is heeded. */
  readonly gradClip: boolean;
  /** Whether log-probabilities of a prompt begin with a null for its first token. */
  readonly promptLogprobsLength: "N" | "N-1";
  /** Whether a sample's log-probabilities are those after temperature. */
  readonly logprobsScaledByTemperature: boolean;
  /** Whether a snapshot for sampling lives in the place of the weights being trained: then no update while samples run. */
  readonly sharedSamplerSlot: boolean;
  /** Whether a training request that comes twice (same `seq_id`) is done once. */
  readonly dedupsSubmits: boolean;
  /** Which stop condition ends a sample beside the strings asked for: our own server always heeds the end of a turn. */
  readonly endsAtEndOfTurn: boolean;
  /** `random_state` instead of `seed`, `trained_only`. */
  readonly extensions: boolean;
}

const ALL_LOSSES = ["crossEntropy", "importanceSampling", "ppo", "cispo"] as const;

const HOSTED: Capabilities = {
  lossReduction: "sum",
  losses: ALL_LOSSES,
  imagesOnSample: true,
  imagesOnTrain: true,
  imagesTrusted: false,
  gradClip: true,
  promptLogprobsLength: "N",
  logprobsScaledByTemperature: true,
  sharedSamplerSlot: false,
  dedupsSubmits: true,
  endsAtEndOfTurn: false,
  extensions: false,
};

export const CAPABILITIES: Readonly<Record<Dialect, Capabilities>> = {
  hosted: HOSTED,
  pyvision: {
    ...HOSTED,
    imagesTrusted: true,
    logprobsScaledByTemperature: false,
    endsAtEndOfTurn: true,
    extensions: true,
  },
  // Of SkyRL 0.3.0 with its JAX backend, the one that runs without a GPU. Its other backends take images.
  skyrl: {
    ...HOSTED,
    lossReduction: "meanPerDatum",
    imagesOnSample: false,
    imagesOnTrain: false,
    gradClip: false,
    promptLogprobsLength: "N-1",
    logprobsScaledByTemperature: false,
    sharedSamplerSlot: true,
    dedupsSubmits: false,
  },
};
