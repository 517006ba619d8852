// The body of POST /v1/chat/completions, checked and brought into one form. Fields and their meaning are those of the
// OpenAI protocol, with vLLM's additions top_k, include_stop_str_in_output and return_token_ids. What this server cannot
// do is refused by name, unless it asks for what happens anyway: a field that is ignored silently would make results
// that are not what was asked for.
import { z } from "zod";
import { RequestError } from "./requestError.ts";

export type MessagePart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image_url"; readonly image_url: { readonly url: string } };

export interface Message {
  /** `developer` has become `system`. */
  readonly role: "system" | "user" | "assistant";
  /** Text alone unless the role is user. */
  readonly content: readonly MessagePart[];
}

export interface ChatCall {
  readonly model: string;
  readonly messages: readonly Message[];
  /** Undefined: as many as the context has room for. */
  readonly maxTokens: number | undefined;
  /** 0 is greedy. */
  readonly temperature: number;
  readonly topP: number;
  /** 0 is off. */
  readonly topK: number;
  readonly seed: number | undefined;
  readonly stop: readonly string[];
  /** Whether the reply's text ends with the stop string that ended it. */
  readonly includeStop: boolean;
  readonly logprobs: boolean;
  readonly returnTokenIds: boolean;
  readonly stream: boolean;
  /** A last chunk tells the usage of a stream. */
  readonly streamUsage: boolean;
}

const MAX_STOPS = 16;

const textPart = z.strictObject({ type: z.literal("text"), text: z.string() });
const imagePart = z.strictObject({
  type: z.literal("image_url"),
  image_url: z.strictObject({
    url: z.string(),
    // The image processor's limits decide; no client can ask for more or fewer pixels.
    detail: z.enum(["auto", "low", "high"]).optional(),
  }),
});

const asParts = (content: unknown): unknown =>
  typeof content === "string" ? [{ type: "text", text: content }] : content;
const textOnly = z.preprocess(
  asParts,
  z.array(textPart, { error: "must be a string or a list of text parts" }),
);
const anyParts = z.preprocess(
  asParts,
  z.array(
    z.discriminatedUnion("type", [textPart, imagePart], {
      error: 'must be a part of type "text" or "image_url"; nothing else can be read',
    }),
    { error: "must be a string or a list of parts" },
  ),
);
/** Qwen's chat template reads no name. */
const name = z.string().optional();
const message = z.discriminatedUnion(
  "role",
  [
    z.strictObject({ role: z.literal("system"), content: textOnly, name }),
    z.strictObject({ role: z.literal("developer"), content: textOnly, name }),
    z.strictObject({ role: z.literal("user"), content: anyParts, name }),
    z.strictObject({ role: z.literal("assistant"), content: textOnly, name }),
  ],
  { error: 'must be a message with the role "system", "developer", "user" or "assistant"' },
);

/** Accepted only with the value that changes nothing. */
const only = <T extends string | number | boolean>(value: T) =>
  z.literal(value, { error: `must be ${JSON.stringify(value)}: this server has nothing else` }).optional();
const whole = (least: number) =>
  z.int({ error: "must be a whole number" }).min(least, `must be at least ${least}`);
const flag = z.boolean({ error: "must be true or false" }).default(false);
/** For the bookkeeping of a provider; nothing here reads it. */
const unread = z.unknown().optional();

const request = z.strictObject({
  model: z.string({ error: "must name the model; GET /v1/models lists it" }),
  messages: z
    .array(message, { error: "must be a list of messages" })
    .min(1, "must hold at least one message"),
  max_tokens: whole(1).optional(),
  max_completion_tokens: whole(1).optional(),
  temperature: z.number().min(0, "must be at least 0").max(10, "must be at most 10").default(1),
  top_p: z.number().gt(0, "must be more than 0").max(1, "must be at most 1").default(1),
  /** vLLM: -1 and 0 are off. */
  top_k: whole(-1).default(0),
  seed: z.int({ error: "must be a whole number" }).optional(),
  stop: z
    .preprocess(
      (stop) => (typeof stop === "string" ? [stop] : stop),
      z
        .array(z.string().min(1, "must not be empty"), { error: "must be a string or a list of strings" })
        .max(MAX_STOPS, `must hold at most ${MAX_STOPS} strings`),
    )
    .default([]),
  include_stop_str_in_output: flag,
  logprobs: flag,
  top_logprobs: only(0),
  return_token_ids: flag,
  stream: flag,
  stream_options: z.strictObject({ include_usage: flag, include_obfuscation: only(false) }).optional(),
  n: only(1),
  presence_penalty: only(0),
  frequency_penalty: only(0),
  repetition_penalty: only(1),
  min_p: only(0),
  skip_special_tokens: only(true),
  add_generation_prompt: only(true),
  echo: only(false),
  ignore_eos: only(false),
  response_format: z
    .strictObject({ type: z.literal("text", { error: 'must be "text": replies are not constrained' }) })
    .optional(),
  modalities: z.array(z.literal("text", { error: 'must be "text"' })).optional(),
  user: unread,
  metadata: unread,
  store: unread,
  service_tier: unread,
  safety_identifier: unread,
  prompt_cache_key: unread,
});

/** @throws RequestError (400) that names the field, the rule and the value */
export function parseChatCall(body: unknown): ChatCall {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw new RequestError("the body must be a JSON object", { status: 400 });
  const given = withoutNothing(body);
  if (Array.isArray(given["messages"]))
    given["messages"] = given["messages"].map((m: unknown) =>
      typeof m === "object" && m !== null ? withoutNothing(m) : m,
    );
  const checked = request.safeParse(given);
  if (!checked.success) throw refusal(checked.error.issues[0] as z.core.$ZodIssue, given);
  const r = checked.data;
  return {
    model: r.model,
    messages: r.messages.map(({ role, content }) => ({
      role: role === "developer" ? "system" : role,
      content,
    })),
    maxTokens: r.max_completion_tokens ?? r.max_tokens,
    temperature: r.temperature,
    topP: r.top_p,
    topK: Math.max(0, r.top_k),
    seed: r.seed,
    stop: r.stop,
    includeStop: r.include_stop_str_in_output,
    logprobs: r.logprobs,
    returnTokenIds: r.return_token_ids,
    stream: r.stream,
    streamUsage: r.stream_options?.include_usage ?? false,
  };
}

/** Clients write what they do not use as null or as an empty list or object; a message of a reply is sent back so. */
function withoutNothing(fields: object): Record<string, unknown> {
  const empty = (name: string, value: unknown): boolean =>
    value === null ||
    (name !== "content" &&
      name !== "messages" &&
      typeof value === "object" &&
      Object.keys(value).length === 0);
  return Object.fromEntries(Object.entries(fields).filter(([name, value]) => !empty(name, value)));
}

function refusal(issue: z.core.$ZodIssue, given: Record<string, unknown>): RequestError {
  const unknown = issue.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  const path = [...issue.path, ...(unknown === undefined ? [] : [unknown])];
  const param = path
    .map((step, i) => (typeof step === "number" ? `[${step}]` : `${i > 0 ? "." : ""}${String(step)}`))
    .join("");
  const rule = unknown === undefined ? issue.message : "is not supported by this server: leave it out";
  return new RequestError(`${param}: ${rule}; got ${shown(path, given)}`, {
    status: 400,
    param,
    ...(unknown !== undefined && { code: "unsupported_parameter" }),
  });
}

function shown(path: readonly PropertyKey[], given: unknown): string {
  let value = given;
  for (const step of path)
    value =
      typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[step] : undefined;
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
