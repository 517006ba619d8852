// The losses by their names on the wire. Where the Engine contract has distances from ratio 1 (clipLow, clipHigh), the wire
// has the bounds of the ratio themselves. There and back the bounds stay the same to the bit, which is what is computed with.
import type { LossSpec } from "../../engine.ts";
import { type Dialect, ProtocolError } from "./wire.ts";

export const LOSS_NAMES = {
  crossEntropy: "cross_entropy",
  importanceSampling: "importance_sampling",
  ppo: "ppo",
  cispo: "cispo",
} as const satisfies Record<LossSpec["type"], string>;

/** Where a call names no bounds, as the hosted service has it. */
const DEFAULT_BOUNDS = { ppo: [0.8, 1.2], cispo: [0, 4] } as const;

export interface WireLoss {
  readonly lossFn: string;
  readonly lossFnConfig: Readonly<Record<string, number>>;
}

export interface CalledLoss {
  readonly loss: LossSpec;
  /** Log-probabilities are wanted at trained tokens only, and `weights` may come with every loss. */
  readonly trainedOnly: boolean;
}

/** Bounds are always sent: servers' defaults differ. */
export function wireLoss(loss: LossSpec, dialect: Dialect): WireLoss {
  return {
    lossFn: LOSS_NAMES[loss.type],
    lossFnConfig: {
      ...("clipLow" in loss
        ? { clip_low_threshold: 1 - loss.clipLow, clip_high_threshold: 1 + loss.clipHigh }
        : {}),
      ...(dialect === "pyvision" ? { trained_only: 1 } : {}),
    },
  };
}

/** What a server is to compute. @throws ProtocolError for a loss or a setting that it does not have */
export function calledLoss({ lossFn, lossFnConfig }: WireLoss): CalledLoss {
  const type = (Object.keys(LOSS_NAMES) as LossSpec["type"][]).find((name) => LOSS_NAMES[name] === lossFn);
  if (type === undefined)
    throw new ProtocolError("loss_fn", `must be one of ${Object.values(LOSS_NAMES).join(", ")}`, lossFn);
  const clipped = type === "ppo" || type === "cispo";
  const known = ["trained_only", ...(clipped ? ["clip_low_threshold", "clip_high_threshold"] : [])];
  const unknown = Object.keys(lossFnConfig).find((key) => !known.includes(key));
  if (unknown !== undefined)
    throw new ProtocolError(`loss_fn_config.${unknown}`, `${lossFn} takes only ${known.join(", ")}`);
  const trainedOnly = lossFnConfig["trained_only"] ?? 0;
  if (trainedOnly !== 0 && trainedOnly !== 1)
    throw new ProtocolError("loss_fn_config.trained_only", "must be 0 or 1", trainedOnly);
  if (!clipped) return { loss: { type }, trainedOnly: trainedOnly === 1 };
  const low = lossFnConfig["clip_low_threshold"] ?? DEFAULT_BOUNDS[type][0];
  const high = lossFnConfig["clip_high_threshold"] ?? DEFAULT_BOUNDS[type][1];
  if (!(low >= 0 && low <= 1))
    throw new ProtocolError(
      "loss_fn_config.clip_low_threshold",
      "the ratio's lower bound must be in [0, 1]",
      low,
    );
  if (!(high >= 1 && Number.isFinite(high)))
    throw new ProtocolError(
      "loss_fn_config.clip_high_threshold",
      "the ratio's upper bound must be at least 1",
      high,
    );
  return { loss: { type, clipLow: 1 - low, clipHigh: high - 1 }, trainedOnly: trainedOnly === 1 };
}
