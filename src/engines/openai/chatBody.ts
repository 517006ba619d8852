// A chat request as the body of POST /chat/completions, in the dialect of the server: the protocol's own fields for all,
// and what vLLM and SGLang added to it only for them.
import type { ChatMessage, ChatPart, ChatRequest } from "./chat.ts";

export const dialects = ["openai", "vllm", "sglang"] as const;

/** `openai`: nothing but the protocol's own fields, for hosted APIs and any server that is not one of the others. */
export type Dialect = (typeof dialects)[number];

export type JsonBody = Readonly<Record<string, unknown>>;

export function chatBody(model: string, dialect: Dialect, request: ChatRequest, stream: boolean): JsonBody {
  const { messages, maxTokens, temperature, topP, topK = 0, stop, seed, tokens = false } = request;
  const extended = dialect !== "openai";
  return {
    model,
    messages: messages.map(wireMessage),
    max_tokens: maxTokens,
    temperature,
    top_p: topP,
    ...(stop.length > 0 && { stop }),
    ...(seed !== undefined && { seed }),
    // What is left out these servers fill in from the checkpoint's generation_config.json, and log-probabilities do not tell.
    ...(extended && { top_k: topK > 0 ? topK : -1, repetition_penalty: 1, min_p: 0 }),
    ...(extended && { presence_penalty: 0, frequency_penalty: 0 }),
    ...(dialect === "vllm" && { include_stop_str_in_output: true }),
    ...(dialect === "vllm" && tokens && { return_token_ids: true, logprobs: true }),
    ...(dialect === "sglang" && { no_stop_trim: true }),
    ...(stream && { stream: true, stream_options: { include_usage: true } }),
  };
}

/** Servers for text alone, and many for what an assistant said, read a plain string only. */
function wireMessage({ role, content }: ChatMessage): JsonBody {
  const texts = content.filter((part) => part.type === "text");
  if (texts.length === content.length) return { role, content: texts.map((part) => part.text).join("") };
  return { role, content: content.map(wirePart) };
}

function wirePart(part: ChatPart): JsonBody {
  return part.type === "text"
    ? { type: "text", text: part.text }
    : { type: "image_url", image_url: { url: dataUri(part.png) } };
}

/** One conversation sends its pictures at every turn. */
const uris = new WeakMap<Uint8Array, string>();

export function dataUri(png: Uint8Array): string {
  const known = uris.get(png);
  if (known !== undefined) return known;
  const { buffer, byteOffset, byteLength } = png;
  const uri = `data:image/png;base64,${Buffer.from(buffer, byteOffset, byteLength).toString("base64")}`;
  uris.set(png, uri);
  return uri;
}

/**
 * Fields that a server may refuse without changing what is sampled: they have a second name, or say what would happen
 * anyway. Replies are cut at stop strings here as well.
 */
const DISPENSABLE: Readonly<Record<string, { readonly name?: string; readonly when?: unknown }>> = {
  max_tokens: { name: "max_completion_tokens" },
  stop: {},
  seed: {},
  stream_options: {},
  temperature: { when: 1 },
  top_p: { when: 1 },
};

/** Fields of a body that a server is known to refuse. */
export type Refused = ReadonlySet<string>;

/** With one field more; undefined when this body cannot do without it. */
export function refusing(refused: Refused, field: string | undefined, body: JsonBody): Refused | undefined {
  if (field === undefined || refused.has(field) || !isDispensable(field, body[field])) return undefined;
  return new Set([...refused, field]);
}

function isDispensable(field: string, value: unknown): boolean {
  if (!Object.hasOwn(DISPENSABLE, field) || value === undefined) return false;
  const when = DISPENSABLE[field]?.when;
  return when === undefined || when === value;
}

/** The body as such a server takes it. */
export function without(refused: Refused, body: JsonBody): JsonBody {
  return Object.fromEntries(
    Object.entries(body).flatMap(([field, value]): [string, unknown][] => {
      if (!refused.has(field) || !isDispensable(field, value)) return [[field, value]];
      const name = DISPENSABLE[field]?.name;
      return name === undefined ? [] : [[name, value]];
    }),
  );
}
