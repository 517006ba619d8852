// What the server answers, in the words of the OpenAI protocol. Token ids stand where vLLM puts them: `prompt_token_ids`
// beside `choices` (in a stream in the first chunk), `token_ids` in the choice.
import type { ChatRun, Reply, ReplyPiece, ServedModel } from "./chatService.ts";
import type { ChatCall } from "./requestBody.ts";

export interface Envelope {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: ServedModel;
  readonly call: ChatCall;
  readonly run: ChatRun;
}

type Json = Readonly<Record<string, unknown>>;

export function modelBody({ id, contextTokens }: ServedModel, created: number): Json {
  return { id, object: "model", created, owned_by: "pyvision", max_model_len: contextTokens };
}

export function completionBody(envelope: Envelope, reply: Reply): Json {
  const { call, run } = envelope;
  return {
    ...head(envelope, "chat.completion"),
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: reply.text, refusal: null },
        logprobs: logprobsOf(envelope, reply),
        finish_reason: reply.finish,
        stop_reason: reply.stopReason ?? null,
        ...(call.returnTokenIds && { token_ids: reply.tokens }),
      },
    ],
    usage: usageOf(run, reply),
    ...(call.returnTokenIds && { prompt_token_ids: run.promptTokens }),
  };
}

/** The chunk before the first piece. */
export function openingChunk(envelope: Envelope): Json {
  const delta = { role: "assistant", content: "" };
  const { call, run } = envelope;
  return {
    ...chunk(envelope, { delta, logprobs: null, finish_reason: null }),
    ...(call.returnTokenIds && { prompt_token_ids: run.promptTokens }),
  };
}

/** Undefined when the client would learn nothing from it. */
export function pieceChunk(envelope: Envelope, piece: ReplyPiece): Json | undefined {
  const { logprobs, returnTokenIds } = envelope.call;
  if (piece.text === "" && !logprobs && !returnTokenIds) return undefined;
  return chunk(envelope, {
    delta: { content: piece.text },
    logprobs: logprobsOf(envelope, piece),
    finish_reason: null,
    ...(returnTokenIds && { token_ids: piece.tokens }),
  });
}

export function closingChunk(envelope: Envelope, { finish, stopReason }: Reply): Json {
  return chunk(envelope, {
    delta: {},
    logprobs: null,
    finish_reason: finish,
    stop_reason: stopReason ?? null,
  });
}

/** The last chunk of a stream that was asked for it. */
export function usageChunk(envelope: Envelope, reply: Reply): Json {
  return { ...head(envelope, "chat.completion.chunk"), choices: [], usage: usageOf(envelope.run, reply) };
}

function head({ id, created, model }: Envelope, object: string): Json {
  return { id, object, created, model: model.id };
}

function chunk(envelope: Envelope, choice: Json): Json {
  return { ...head(envelope, "chat.completion.chunk"), choices: [{ index: 0, ...choice }] };
}

function logprobsOf({ call, model }: Envelope, { tokens, logprobs }: ReplyPiece): Json | null {
  if (!call.logprobs) return null;
  return {
    content: tokens.map((token, i) => ({
      token: model.codec.decode([token]),
      logprob: logprobs[i],
      bytes: [...model.tokenBytes(token)],
      top_logprobs: [],
    })),
    refusal: null,
  };
}

function usageOf({ promptTokens, cachedTokens }: ChatRun, { tokens }: Reply): Json {
  return {
    prompt_tokens: promptTokens.length,
    completion_tokens: tokens.length,
    total_tokens: promptTokens.length + tokens.length,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  };
}
