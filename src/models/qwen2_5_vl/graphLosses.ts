// What is minimised, per trained token, out of its log-probability.
import type { Graph, Tensor } from "../../onnx/graph.ts";
import { stop } from "../../onnx/nodes.ts";
import { clamp, exp, minimum, mul, scale, sub } from "../../onnx/ops.ts";

/** `importanceSampling` needs no graph: it is `ppo` between `UNCLIPPED`. */
export type TrainingLoss = "crossEntropy" | "ppo" | "cispo";

/** Every ratio lies between them: clipping it there leaves it, and its gradient, exactly as they are. */
export const UNCLIPPED = { low: 0, high: Infinity } as const;

/**
 * -ln p; PPO's -min(r A, clip(r) A) with r = p / p_sampled (arXiv 1707.06347, eq. 7); CISPO's -stop(clip(r)) A ln p
 * (arXiv 2506.13585). For the two with a ratio it declares the inputs `sampledLogprobs` and `advantages` [trained], `ratioLow` and
 * `ratioHigh` [].
 */
export function lossTerms(graph: Graph, loss: TrainingLoss, logprobs: Tensor): Tensor {
  if (loss === "crossEntropy") return scale(logprobs, -1);
  const sampled = graph.input("sampledLogprobs", "float32", ["trained"]);
  const advantages = graph.input("advantages", "float32", ["trained"]);
  const ratio = exp(sub(logprobs, sampled));
  const clipped = clamp(
    ratio,
    graph.input("ratioLow", "float32", []),
    graph.input("ratioHigh", "float32", []),
  );
  if (loss === "cispo") return scale(mul(mul(stop(clipped), advantages), logprobs), -1);
  return scale(minimum(mul(ratio, advantages), mul(clipped, advantages)), -1);
}
