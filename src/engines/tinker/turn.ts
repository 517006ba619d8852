// From what a server sampled to one turn, by the rules of the Engine contract: it ends with the end-of-turn token, or with
// the token that completes a stop string.
//
// A server may not know these rules (one kind of stop only, another tokenizer's idea of text) and go on. What it wrote after
// the end is cut off, and what stays is fit for training: each token was drawn given those before it alone, and where a turn
// ends depends on nothing after it, so the rest is just what a server that knew the rule would have drawn.
import type { Codec } from "../../core/codec.ts";
import type { SampleRequest, SampleResult, SamplingParams } from "../engine.ts";
import type { Capabilities } from "./capabilities.ts";
import type { SampledSequence } from "./protocol/wire.ts";

type Read = Pick<SampleResult, "tokens" | "logprobs" | "stop" | "contextFull" | "unfit">;

/** @throws RangeError for log-probabilities that are not one per token */
export function turnOf(
  sequence: SampledSequence,
  { params }: Pick<SampleRequest, "params">,
  codec: Codec,
  capabilities: Pick<Capabilities, "logprobsScaledByTemperature">,
): Read {
  const given = sequence.logprobs;
  if (given !== undefined && given.length !== sequence.tokens.length)
    throw new RangeError(`${given.length} log-probabilities for ${sequence.tokens.length} tokens`);
  const end = endOf(sequence.tokens, params, codec);
  const tokens = sequence.tokens.slice(0, end.length);
  const stop = end.stop ?? sequence.stopReason;
  const unfit =
    end.forged ??
    (given === undefined || given.slice(0, end.length).some((p) => !Number.isFinite(p))
      ? "the server gave no log-probabilities for it"
      : capabilities.logprobsScaledByTemperature
        ? scaled(params)
        : undefined);
  const full = stop === "length" && end.stop === undefined && end.length < params.maxNewTokens;
  return {
    tokens,
    logprobs: tokens.map((_, i) => {
      const p = given?.[i];
      return p !== undefined && Number.isFinite(p) ? p : 0;
    }),
    stop,
    ...(full && { contextFull: true as const }),
    ...(unfit !== undefined && { unfit }),
  };
}

interface End {
  /** Tokens that belong to the turn. */
  readonly length: number;
  /** Undefined where it is for the server to say. */
  readonly stop: SampleResult["stop"] | undefined;
  readonly forged?: string;
}

function endOf(tokens: readonly number[], { stopStrings, maxNewTokens }: SamplingParams, codec: Codec): End {
  const longest = Math.max(0, ...stopStrings.map((s) => s.length));
  let text = "";
  for (const [i, token] of tokens.entries()) {
    // A placeholder that no image stands behind cannot be told from one that has an image.
    if (token === codec.imagePadId)
      return {
        length: i,
        stop: "length",
        forged: "the model wrote the placeholder of an image that is not there",
      };
    const length = i + 1;
    text = (longest === 0 ? "" : text.slice(-longest)) + codec.decode([token]);
    if (token === codec.endOfTurnId || stopStrings.some((s) => text.includes(s)))
      return { length, stop: "stop" };
    if (length === maxNewTokens) return { length, stop: "length" };
  }
  return { length: tokens.length, stop: undefined };
}

function scaled({ temperature, topP, topK }: SamplingParams): string | undefined {
  if (temperature === 1 && topP === 1 && topK === 0) return undefined;
  return (
    `the server's log-probabilities are after temperature (${temperature}), top-p (${topP}) and top-k (${topK}); only those ` +
    "of the plain distribution are the policy's own"
  );
}
