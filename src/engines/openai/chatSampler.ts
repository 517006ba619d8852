// Turns from any chat server: the sequence goes out as messages, the reply's text comes back as tokens of the chat codec.
// What the server computed with is not known, so nothing may be trained on these turns, and they say so.
import type { Codec } from "../../core/codec.ts";
import type { ServedTurn, StopReason } from "../../core/trajectory.ts";
import type { Sampler, SampleRequest, SampleResult } from "../engine.ts";
import type { ChatClient, ChatReply, ChatRequest } from "./chat.ts";
import { encodeReply } from "./chatCodec.ts";
import { messagesOf } from "./chatMessages.ts";
import { ContextLengthError } from "./contextLength.ts";

export interface ChatSamplerOptions {
  /** Given to every request; its abort rejects those under way. */
  readonly signal?: AbortSignal;
}

export const CHAT_IS_UNFIT =
  "a chat server wrote it, which gives neither the tokens it sampled nor their log-probabilities";

/** @param codec a chat codec (src/engines/openai/chatCodec.ts), the one the sequences are made with */
export function chatSampler(client: ChatClient, codec: Codec, options: ChatSamplerOptions = {}): Sampler {
  const sampleOne = async (request: SampleRequest): Promise<SampleResult> => {
    const asked = chatRequest(request, codec, options.signal);
    const within = await withinContext(
      (maxTokens) => client.complete({ ...asked, maxTokens }),
      asked.maxTokens,
    );
    if (within === undefined) return contextFull(CHAT_IS_UNFIT);
    const { value: reply, shortened } = within;
    const turn = toTokens(reply, request, codec);
    return {
      ...turn,
      ...cutByContext(shortened, turn.stop),
      unfit: CHAT_IS_UNFIT,
      served: servedTurn(reply, request),
    };
  };
  return {
    sample: (requests) => Promise.all(requests.map(sampleOne)),
    release: () => undefined, // a server keeps its prefixes by itself
  };
}

/** With a seed of the sequence's own stream where anything is drawn. */
export function chatRequest(
  { segments, params, random, onText, onAgain }: SampleRequest,
  codec: Codec,
  signal: AbortSignal | undefined,
): ChatRequest {
  const { maxNewTokens, temperature, topP, topK, stopStrings } = params;
  return {
    messages: messagesOf(segments, codec),
    maxTokens: maxNewTokens,
    temperature,
    topP,
    topK,
    stop: stopStrings,
    ...(temperature > 0 && { seed: random.below(2 ** 31) }),
    ...(onText !== undefined && { onText }),
    ...(onAgain !== undefined && { onRetry: onAgain }),
    ...(signal !== undefined && { signal }),
  };
}

/**
 * Asks again for what is left of the server's context when it refuses what was asked for; undefined when nothing is.
 * Servers count the prompt by their own tokenizer, and some refuse a limit that could pass their context.
 */
export async function withinContext<T>(
  ask: (maxTokens: number) => Promise<T>,
  maxTokens: number,
): Promise<{ readonly value: T; readonly shortened: boolean } | undefined> {
  try {
    return { value: await ask(maxTokens), shortened: false };
  } catch (error) {
    if (!(error instanceof ContextLengthError)) throw error;
    const { limit, promptTokens } = error;
    const room = limit === undefined || promptTokens === undefined ? 0 : limit - promptTokens;
    if (room < 1 || room >= maxTokens) return undefined;
    try {
      return { value: await ask(room), shortened: true };
    } catch (second) {
      if (second instanceof ContextLengthError) return undefined;
      throw second;
    }
  }
}

/** A turn that was cut where the server's context ends, not where its own limit is. */
export function cutByContext(shortened: boolean, stop: StopReason): { contextFull?: true } {
  return shortened && stop === "length" ? { contextFull: true } : {};
}

/** A turn for which the server's context has no room. */
export function contextFull(unfit: string): SampleResult {
  return { tokens: [], logprobs: [], stop: "length", contextFull: true, unfit };
}

export function servedTurn(
  { model, usage, seconds, attempts }: Pick<ChatReply, "model" | "usage" | "seconds" | "attempts">,
  { segments }: Pick<SampleRequest, "segments">,
): ServedTurn {
  return { model, ...usage, visualTokens: visualTokensOf(segments), seconds, attempts };
}

export function visualTokensOf(segments: SampleRequest["segments"]): number {
  return segments.reduce((n, segment) => n + (segment.type === "image" ? segment.image.tokenCount : 0), 0);
}

/** Without a stop string at its end a reply that stopped was ended by the model, with the end of its turn. */
function toTokens(
  { text, stop, usage }: ChatReply,
  { params }: SampleRequest,
  codec: Codec,
): Pick<SampleResult, "tokens" | "logprobs" | "stop"> {
  const ended = stop === "stop" && !params.stopStrings.some((mark) => text.endsWith(mark));
  const most = params.maxNewTokens - (ended ? 1 : 0);
  // What was thought in hiding, or written behind a stop, is counted by the server and not in the sequence.
  const bytes = Buffer.byteLength(text);
  const count =
    usage === undefined ? undefined : Math.min(bytes, Math.max(0, usage.replyTokens - (ended ? 1 : 0)));
  const { tokens, whole } = encodeReply(text, count, most);
  if (ended && whole) tokens.push(codec.endOfTurnId);
  return { tokens, logprobs: tokens.map(() => 0), stop: whole ? stop : "length" };
}
