// What servers that speak this protocol do differently. One record per kind of server; whoever knows one better says so in
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
  /** Whether the optimiser's settings are taken from us, beside the learning rate. */
  readonly adamParams: boolean;
  /** Whether a checkpoint can be loaded without the optimiser's state. */
  readonly loadsWeightsAlone: boolean;
  /** How many log-probabilities a prompt of N tokens has: with a null for its first token, without, or none at all. */
  readonly promptLogprobsLength: "N" | "N-1" | "none";
  /** Whether a sample's log-probabilities are those after temperature. */
  readonly logprobsScaledByTemperature: boolean;
  /** Whether a snapshot for sampling lives in the place of the weights being trained: then no update while samples run. */
  readonly sharedSamplerSlot: boolean;
  /** Whether a training request that comes twice (same `seq_id`) is done once. */
  readonly dedupsSubmits: boolean;
  /** Whether an update that fails leaves no gradient behind. Where that is not known, nothing more is built on the model. */
  readonly discardsOnFailure: boolean;
  /** Which stop condition ends a sample beside the strings asked for: our own server always heeds the end of a turn. */
  readonly endsAtEndOfTurn: boolean;
  /** `random_state` instead of `seed`, `sequence`, `together`, `trained_only`. */
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
  adamParams: true,
  loadsWeightsAlone: true,
  promptLogprobsLength: "N",
  logprobsScaledByTemperature: true,
  sharedSamplerSlot: false,
  dedupsSubmits: true,
  discardsOnFailure: false,
  endsAtEndOfTurn: false,
  extensions: false,
};

/** The backends that SkyRL may run with: only JAX runs without a GPU, only the others take images. */
export type SkyrlBackend = "jax" | "fsdp" | "megatron";

const SKYRL_JAX: Capabilities = {
  ...HOSTED,
  lossReduction: "meanPerDatum",
  imagesOnSample: false,
  imagesOnTrain: false,
  gradClip: false,
  loadsWeightsAlone: false,
  promptLogprobsLength: "N-1",
  logprobsScaledByTemperature: false,
  sharedSamplerSlot: true,
  dedupsSubmits: false,
};

// Its trainer has settings of its own for clipping and for the optimiser, and reads the bounds of CISPO under other names
// than those that its Tinker server hands on, so a recipe's would have no effect.
const SKYRL_TRAIN: Capabilities = {
  ...SKYRL_JAX,
  lossReduction: "sum",
  losses: ["crossEntropy", "importanceSampling", "ppo"],
  imagesOnSample: true,
  imagesOnTrain: true,
  adamParams: false,
  promptLogprobsLength: "none",
};

const PYVISION: Capabilities = {
  ...HOSTED,
  imagesTrusted: true,
  logprobsScaledByTemperature: false,
  discardsOnFailure: true,
  endsAtEndOfTurn: true,
  extensions: true,
};

/** What holds for a server (of SkyRL: version 0.3.0). @param backend of SkyRL; default `jax` */
export function capabilitiesOf(dialect: Dialect, backend: SkyrlBackend = "jax"): Capabilities {
  switch (dialect) {
    case "hosted":
      return HOSTED;
    case "pyvision":
      return PYVISION;
    case "skyrl":
      return backend === "jax" ? SKYRL_JAX : SKYRL_TRAIN;
  }
}
