// What a server computed for a batch, made sense of, and what is refused on either side of the wire because it is no number.
import type { Datum } from "../../core/datum.ts";
import { allFinite, NonFiniteError } from "../nonFinite.ts";
import { TinkerError } from "./failures.ts";
import { decodeForwardBackwardOutputJson } from "./protocol/json.ts";
import { decodeForwardBackwardOutputProto } from "./protocol/protobuf.ts";
import { type ForwardBackwardOutput, ProtocolError } from "./protocol/wire.ts";
import type { ReplyBody } from "./transport.ts";

/** @param where as `http://h, forward_backward of model m`, for messages */
export function decodeOutput(body: ReplyBody, where: string): ForwardBackwardOutput {
  try {
    return body.type === "protobuf"
      ? decodeForwardBackwardOutputProto(body.bytes)
      : decodeForwardBackwardOutputJson(body.type === "json" ? body.value : body.text);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new TinkerError(
      `${where}: its result cannot be read (${error.message})`,
      "lost", // what it stands for may be done
    );
  }
}

/** Index i of the wire speaks of position i + 1; what is not trained on is 0. */
export function logprobsOf(
  { outputs }: ForwardBackwardOutput,
  batch: readonly Datum[],
  baseUrl: string,
): Float32Array[] {
  if (outputs.length !== batch.length)
    throw new TinkerError(
      `${baseUrl}, forward_backward: it gave results for ${outputs.length} datums, ${batch.length} were handed in`,
      "failed",
    );
  return batch.map(({ mask, images }, d) => {
    const given = outputs[d]?.["logprobs"]?.data;
    if (given?.length !== mask.length - 1)
      throw new TinkerError(
        `${baseUrl}, forward_backward, datum ${d}: it gave ${given?.length ?? "no"} log-probabilities for ` +
          `${mask.length - 1} positions` +
          (images.length === 0
            ? ""
            : "; a server that drops images, or counts their tokens differently, does this: use one that takes the " +
              "images of this model (SkyRL: a backend with a vision model, never one that forwards text alone)"),
        "failed",
      );
    const logprobs = new Float32Array(mask.length);
    for (let t = 1; t < mask.length; t++) if (mask[t] !== 0) logprobs[t] = given[t - 1] as number;
    return logprobs;
  });
}

/** @throws NonFiniteError for what came back */
export function checkResult(total: number, logprobs: readonly Float32Array[], optimizerStep: number): void {
  const datums = [...logprobs.keys()].filter((d) => !allFinite(logprobs[d] as Float32Array));
  if (datums.length > 0)
    throw new NonFiniteError({ ...finding("a log-probability is not finite", optimizerStep), datums });
  if (!Number.isFinite(total)) throw new NonFiniteError(finding(`the loss is ${total}`, optimizerStep));
}

/** Of what the server told. */
export function finding(text: string, optimizerStep: number): { finding: string; optimizerStep: number } {
  return { finding: `on the server, ${text}`, optimizerStep };
}

/** What is not finite is not sent: JSON has no words for it. */
export function checkFinite(batch: readonly Datum[], optimizerStep: number): void {
  for (const name of ["mask", "logprobs", "advantages"] as const) {
    const datums = [...batch.keys()].filter((d) => !allFinite((batch[d] as Datum)[name]));
    if (datums.length > 0)
      throw new NonFiniteError({ finding: `the ${name} of a datum are not finite`, optimizerStep, datums });
  }
}
