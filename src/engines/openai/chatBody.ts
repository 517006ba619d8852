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
    ...(extended && topK > 0 && { top_k: topK }),
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

/** Fields that change nothing of what is sampled (or that have a second name), so that a server may refuse them. */
const OTHER_NAMES: Readonly<Record<string, string | undefined>> = {
  max_tokens: "max_completion_tokens",
  seed: undefined,
  stream_options: undefined,
};

/** How to spell a field that the server refused: a new name, or undefined to leave it out. */
export type Spelling = ReadonlyMap<string, string | undefined>;

/** Undefined when the field is none that can do without. */
export function respelled(spelling: Spelling, refused: string | undefined): Spelling | undefined {
  if (refused === undefined || !Object.hasOwn(OTHER_NAMES, refused) || spelling.has(refused))
    return undefined;
  return new Map([...spelling, [refused, OTHER_NAMES[refused]]]);
}

export function spell(body: JsonBody, spelling: Spelling): JsonBody {
  if (spelling.size === 0) return body;
  return Object.fromEntries(
    Object.entries(body).flatMap(([name, value]): [string, unknown][] => {
      if (!spelling.has(name)) return [[name, value]];
      const other = spelling.get(name);
      return other === undefined ? [] : [[other, value]];
    }),
  );
}
