// What a server is asked for one turn.
import type { Codec } from "../../core/codec.ts";
import type { SampleRequest, SamplingParams } from "../engine.ts";
import type { Capabilities } from "./capabilities.ts";
import { chunksOf } from "./protocol/datum.ts";
import { encodeChunks } from "./protocol/json.ts";

/** Everything of an `asample` request but whom it is for. Takes one number from the request's stream where it needs a seed. */
export function sampleBody(
  request: Pick<SampleRequest, "segments" | "params" | "random">,
  codec: Codec,
  capabilities: Pick<Capabilities, "extensions" | "endsAtEndOfTurn">,
): object {
  const { segments, params, random } = request;
  const { maxNewTokens, temperature, topP, topK } = params;
  const drawn = temperature > 0;
  return {
    num_samples: 1,
    prompt: { chunks: encodeChunks(chunksOf(segments)) },
    sampling_params: {
      max_tokens: maxNewTokens,
      temperature,
      top_p: topP,
      top_k: topK > 0 ? topK : -1,
      stop: stopOf(params, codec, capabilities),
      ...(capabilities.extensions
        ? drawn && { random_state: random.state() }
        : drawn && { seed: Math.floor(random.next() * 2 ** 31) }),
    },
    type: "sample",
  };
}

/**
 * Servers take stops of one kind: ids, or strings. Without stop strings the end of a turn is asked for by its id; beside
 * them by its text, as a stop string may be completed by tokens that no list of ids foresees.
 */
function stopOf(
  { stopStrings }: SamplingParams,
  { endOfTurnId, decode }: Codec,
  { endsAtEndOfTurn }: Pick<Capabilities, "endsAtEndOfTurn">,
): readonly number[] | readonly string[] {
  if (stopStrings.length === 0) return [endOfTurnId];
  return endsAtEndOfTurn ? stopStrings : [...new Set([...stopStrings, decode([endOfTurnId])])];
}
