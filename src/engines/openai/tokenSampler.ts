// Turns from vLLM or SGLang with the ids they sampled and their log-probabilities, for RL: tokens in, tokens out, with the
// tokenizer of the served checkpoint as codec. Each turn is checked for what the log-probabilities were computed on: where
// that is not our sequence, token for token, the turn is unfit for training, with the reason.
//
// vLLM is asked by chat messages (its way to take images) with return_token_ids; it tells the prompt's ids, which must be
// ours. SGLang is asked by ids (/generate). It decodes and encodes a prompt with images again, so there the prompt must
// survive that, which the same tokenizer tells us, and the number of tokens must be ours.
//
// Log-probabilities are those of the whole distribution at temperature 1: vLLM's are (its default, raw_logprobs), SGLang's
// are after temperature, so with another temperature its turns are unfit.
import type { Codec } from "../../core/codec.ts";
import { segmentLength } from "../../core/datum.ts";
import type { Segment } from "../../core/trajectory.ts";
import type { Sampler, SampleRequest, SampleResult } from "../engine.ts";
import { pngOf } from "./chatMessages.ts";
import {
  type ChatSamplerOptions,
  chatRequest,
  contextFull,
  cutByContext,
  servedTurn,
  withinContext,
} from "./chatSampler.ts";
import type { OpenAiClient } from "./client.ts";
import { generateBody, readGenerated } from "./sglang.ts";

/** @param codec with the tokenizer and the pixel limits of the model that is served */
export function tokenSampler(client: OpenAiClient, codec: Codec, options: ChatSamplerOptions = {}): Sampler {
  const sampleOne = client.dialect === "sglang" ? sampleSglang : sampleVllm;
  return {
    sample: (requests) =>
      Promise.all(requests.map((request) => sampleOne(client, codec, request, options.signal))),
    release: () => undefined,
  };
}

async function sampleVllm(
  client: OpenAiClient,
  codec: Codec,
  request: SampleRequest,
  signal: AbortSignal | undefined,
): Promise<SampleResult> {
  const asked = { ...chatRequest(request, codec, signal), tokens: true };
  const within = await withinContext(
    (maxTokens) => client.complete({ ...asked, maxTokens }),
    asked.maxTokens,
  );
  if (within === undefined) return contextFull("the server's context had no room for this turn");
  const reply = within.value;
  const { stop, tokens } = reply;
  const full = cutByContext(within.shortened, stop);
  const served = servedTurn(reply, request);
  if (tokens === undefined) {
    const encoded = codec.encodeText(reply.text).slice(0, request.params.maxNewTokens);
    const unfit = "the server gave no token ids with log-probabilities (vLLM does from 0.10.2 on)";
    return { tokens: encoded, logprobs: encoded.map(() => 0), stop, ...full, unfit, served };
  }
  const unfit = promptDifference(idsOf(request.segments, codec, "expanded"), tokens.prompt);
  return {
    tokens: tokens.reply,
    logprobs: tokens.logprobs,
    stop,
    ...full,
    ...(unfit !== undefined && { unfit }),
    served,
  };
}

async function sampleSglang(
  client: OpenAiClient,
  codec: Codec,
  request: SampleRequest,
  signal: AbortSignal | undefined,
): Promise<SampleResult> {
  const { segments, params, onText } = request;
  const ids = idsOf(segments, codec, "single");
  const pictures = segments.flatMap((s) => (s.type === "image" ? [pngOf(s.image)] : []));
  const answer = await withinContext(
    (maxNewTokens) =>
      client.post(
        "/generate",
        generateBody(ids, pictures, { ...params, maxNewTokens }),
        readGenerated,
        signal,
      ),
    params.maxNewTokens,
  );
  if (answer === undefined) return contextFull("the server's context had no room for this turn");
  const { value, seconds, attempts } = answer.value;
  onText?.(codec.decode(value.ids));
  const length = segments.reduce((n, segment) => n + segmentLength(segment), 0);
  const unfit =
    params.temperature === 1
      ? (countDifference(length, value.usage.promptTokens) ??
        (pictures.length > 0 ? retokenised(ids, codec) : undefined))
      : `SGLang's log-probabilities are after temperature (${params.temperature}); only those at 1 are the policy's own`;
  return {
    tokens: value.ids,
    logprobs: value.logprobs,
    stop: value.stop,
    ...cutByContext(answer.shortened, value.stop),
    ...(unfit !== undefined && { unfit }),
    served: servedTurn({ model: client.model, usage: value.usage, seconds, attempts }, request),
  };
}

/** The sequence's ids, an image as all its placeholders or as one. */
function idsOf(segments: readonly Segment[], codec: Codec, images: "expanded" | "single"): number[] {
  return segments.flatMap((segment) =>
    segment.type === "image"
      ? new Array<number>(images === "single" ? 1 : segment.image.tokenCount).fill(codec.imagePadId)
      : segment.tokens,
  );
}

function promptDifference(ours: readonly number[], theirs: readonly number[]): string | undefined {
  const at = ours.findIndex((id, i) => theirs[i] !== id);
  if (at < 0) return countDifference(ours.length, theirs.length);
  return (
    `the server computed on another prompt: token ${at} of ${ours.length} is ${ours[at]} here and ` +
    `${theirs[at] ?? "missing"} there (its chat template, tokenizer or pixel limits differ, or it encoded a turn anew)`
  );
}

function countDifference(ours: number, theirs: number): string | undefined {
  if (ours === theirs) return undefined;
  return (
    `the server computed on a prompt of ${theirs} tokens, ours has ${ours} ` +
    `(its tokenizer or pixel limits differ)`
  );
}

function retokenised(ids: readonly number[], codec: Codec): string | undefined {
  const again = codec.encodeTemplate(codec.decode(ids));
  return again.length === ids.length && again.every((id, i) => id === ids[i])
    ? undefined
    : "SGLang encodes the text of a prompt with images anew, and this one comes out as other tokens";
}
