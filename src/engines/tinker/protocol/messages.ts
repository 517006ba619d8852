// The bodies of all requests that are always JSON, as a server checks them: those of the official SDK from 0.25 to 0.38 and of
// SkyRL. Null counts as left out. Keys that are not known are passed over, but where that would make results other than those
// asked for (sampling, the optimiser, the adapter) they are refused by name.
import { z } from "zod";
import { objectAt } from "./jsonFields.ts";
import { decodeChunks } from "./json.ts";
import { ProtocolError } from "./wire.ts";

const UINT32_MAX = 0xffffffff;

const text = z.string().min(1);
/** Sequence numbers of samples are larger than 32 bits: clones of a client start at multiples of 10^9. */
const whole = z.int().min(0);
const placeInOrder = z.int().min(1).max(0x7fffffff);
const finite = z.number();

/** Null and nothing are the same. */
function maybe<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform((value) => value ?? undefined);
}

/** The default stands for null, too. */
function orElse<T extends z.ZodType>(schema: T, otherwise: z.output<T>) {
  return schema.nullish().transform((value): z.output<T> => value ?? otherwise);
}

/** Accepted only with the value that changes nothing. */
function only<T extends string | number | boolean>(value: T) {
  return z
    .literal(value, { error: `must be ${JSON.stringify(value)}: this server has nothing else` })
    .nullish();
}

/** The name of the request in its own body, which says nothing more. */
const type = z.unknown().optional();
const userMetadata = maybe(z.record(z.string(), z.unknown()));
const lifetime = maybe(z.int().min(1));

const loraConfig = z.strictObject({
  rank: whole,
  seed: maybe(z.int()),
  train_unembed: orElse(z.boolean(), true),
  train_mlp: orElse(z.boolean(), true),
  train_attn: orElse(z.boolean(), true),
});

const optimizerConfig = z.looseObject({
  type: z.literal("adamw", { error: 'must be "adamw": there is no other optimiser here' }),
});

const adamParams = z.strictObject({
  learning_rate: orElse(finite.min(0), 1e-4),
  beta1: orElse(finite.min(0).lt(1), 0.9),
  beta2: orElse(finite.min(0).lt(1), 0.95),
  eps: orElse(finite.min(0), 1e-12),
  weight_decay: orElse(finite.min(0), 0),
  /** 0 and less are off. */
  grad_clip_norm: orElse(finite, 0),
});

const stop = z.union([text.transform((one) => [one]), z.array(text), z.array(whole)], {
  error: "must be text, a list of texts or a list of tokens",
});

const samplingParams = z
  .strictObject({
    max_tokens: maybe(z.int().min(1)),
    seed: maybe(z.int()),
    /** Of our own clients, in place of a seed: where the sequence's stream of random numbers stands. */
    random_state: maybe(
      z.array(z.int().min(0).max(UINT32_MAX)).length(4, "must be four whole numbers below 2^32"),
    ),
    /** Left out: the end of a turn ends it. An empty list: nothing does. */
    stop: maybe(stop),
    temperature: orElse(finite.min(0), 1),
    top_k: orElse(z.int().min(-1), -1),
    top_p: orElse(finite.gt(0).max(1), 1),
  })
  .refine((params) => params.seed === undefined || params.random_state === undefined, {
    path: ["seed"],
    error: "must be left out where random_state is given",
  });

export const createSessionRequest = z.looseObject({
  tags: orElse(z.array(z.string()), []),
  user_metadata: userMetadata,
  sdk_version: maybe(z.string()),
  project_id: maybe(z.string()),
  display_name: maybe(z.string()),
});

export const sessionRequest = z.looseObject({ session_id: text });

export const finishSessionRequest = z.looseObject({
  reason: z.looseObject({ type: z.enum(["success", "errored", "interrupted"]) }),
  detail: maybe(z.string()),
});

export const createModelRequest = z.looseObject({
  session_id: text,
  model_seq_id: whole,
  base_model: text,
  user_metadata: userMetadata,
  lora_config: maybe(loraConfig),
  optimizer_config: maybe(optimizerConfig),
});

/** get_info and unload_model. */
export const modelRequest = z.looseObject({ model_id: text });

export const optimStepRequest = z.looseObject({
  model_id: text,
  seq_id: placeInOrder,
  adam_params: adamParams,
});

export const saveWeightsRequest = z.looseObject({
  model_id: text,
  seq_id: placeInOrder,
  path: maybe(text),
  ttl_seconds: lifetime,
  overwrite: orElse(z.boolean(), false),
  user_metadata: userMetadata,
});

/** By name (`path`), or for a sampling session that is over with its client (`sampling_session_seq_id`). */
export const saveWeightsForSamplerRequest = z
  .looseObject({
    model_id: text,
    seq_id: placeInOrder,
    path: maybe(text),
    sampling_session_seq_id: maybe(whole),
    kind: orElse(z.enum(["snapshot", "inflight"]), "snapshot"),
    ttl_seconds: lifetime,
    user_metadata: userMetadata,
  })
  .refine((save) => (save.path === undefined) !== (save.sampling_session_seq_id === undefined), {
    path: ["path"],
    error: "must be given, or else sampling_session_seq_id, but not both",
  });

export const saveWeightsExternalRequest = z.looseObject({
  model_id: text,
  seq_id: placeInOrder,
  path: text,
  ttl_seconds: lifetime,
});

/** Into a model that exists (`model_id`, `seq_id`) or a new one (`session_id`, `model_seq_id`). */
export const loadWeightsRequest = z
  .looseObject({
    model_id: maybe(text),
    seq_id: maybe(placeInOrder),
    session_id: maybe(text),
    model_seq_id: maybe(whole),
    base_model: maybe(text),
    user_metadata: userMetadata,
    path: text,
    optimizer: orElse(z.boolean(), false),
    optimizer_config: maybe(optimizerConfig),
    weights_access_token: maybe(z.string()),
  })
  .transform(({ model_id, seq_id, session_id, model_seq_id, ...load }, context) => {
    if (model_id !== undefined && seq_id !== undefined && session_id === undefined)
      return { ...load, into: { type: "model" as const, model_id, seq_id } };
    if (session_id !== undefined && model_seq_id !== undefined && model_id === undefined)
      return { ...load, into: { type: "newModel" as const, session_id, model_seq_id } };
    context.addIssue({
      code: "custom",
      path: ["model_id"],
      message: "must be given with seq_id, or else session_id with model_seq_id, but not both",
    });
    return z.NEVER;
  });

export const createSamplingSessionRequest = z
  .looseObject({
    session_id: text,
    sampling_session_seq_id: whole,
    base_model: maybe(text),
    model_path: maybe(text),
  })
  .refine((session) => (session.base_model === undefined) !== (session.model_path === undefined), {
    path: ["base_model"],
    error: "must be given, or else model_path, but not both",
  });

/** `prompt` comes out as chunks. */
export const sampleRequest = z
  .strictObject({
    num_samples: orElse(z.int().min(1).max(1024), 1),
    prompt: z
      .unknown()
      .transform((prompt) => decodeChunks(objectAt(prompt, "prompt")["chunks"], "prompt.chunks")),
    /** Of our own clients: names the growing sequence, which keeps its own cache, whatever others say the same. */
    sequence: maybe(z.string().min(1).max(300)),
    /** Of our own clients: the requests of one call, which are to be sampled as one batch. */
    together: maybe(z.strictObject({ call: z.string().min(1).max(100), count: z.int().min(1).max(100_000) })),
    sampling_params: samplingParams,
    sampling_session_id: maybe(text),
    seq_id: maybe(whole),
    base_model: maybe(text),
    model_path: maybe(text),
    prompt_logprobs: orElse(z.boolean(), false),
    topk_prompt_logprobs: orElse(whole, 0),
    prompt_logprobs_last_n: maybe(z.int().min(1)),
    topk_sample_logprobs: only(0),
    prompt_alt_tokens_k: only(0),
    target_prompt_logprobs: z.null({ error: "must be left out: this server does not have it" }).optional(),
    record_stability_info: only(false),
    type,
  })
  .refine(
    (sample) =>
      [sample.sampling_session_id, sample.base_model, sample.model_path].filter((one) => one !== undefined)
        .length === 1,
    { path: ["sampling_session_id"], error: "must be given, or else base_model, or else model_path" },
  );

export const retrieveFutureRequest = z.looseObject({
  /** SkyRL's are numbers in text; clients of ours may send what they were given. */
  request_id: z.union([text, z.number().transform(String)], { error: "must be text" }),
  allow_metadata_only: orElse(z.boolean(), false),
});

export const weightsInfoRequest = z.looseObject({ tinker_path: text });

/** @throws ProtocolError for the first field that breaks a rule: its path, the rule, the value received */
export function parseMessage<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const parsed = schema.safeParse(objectAt(body, "body"));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0] as z.core.$ZodIssue;
  const unknown = issue.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  const path = unknown === undefined ? issue.path : [...issue.path, unknown];
  throw new ProtocolError(dotted(path), ruleOf(issue), valueAt(body, path));
}

function ruleOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "unrecognized_keys":
      return "is not known to this server: leave it out";
    case "invalid_type":
      // A check with words of its own has them as the message.
      return issue.message.startsWith("Invalid input")
        ? `must be ${TYPE_NAMES[issue.expected] ?? issue.expected}`
        : issue.message;
    case "invalid_value":
      return issue.message.startsWith("Invalid")
        ? `must be one of ${issue.values.map((value) => JSON.stringify(value)).join(", ")}`
        : issue.message;
    case "too_small":
      if (issue.origin === "string") return "must not be empty";
      return sized(
        issue.message,
        `must be ${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}`,
      );
    case "too_big":
      return sized(
        issue.message,
        `must be ${issue.inclusive === false ? "less than" : "at most"} ${issue.maximum}`,
      );
    default:
      return issue.message;
  }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: "text",
  number: "a finite number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

function sized(message: string, rule: string): string {
  return message.startsWith("Too ") ? rule : message;
}

/** `sampling_params.stop[2]`. */
function dotted(path: readonly PropertyKey[]): string {
  return path
    .map((step, i) => (typeof step === "number" ? `[${step}]` : `${i > 0 ? "." : ""}${String(step)}`))
    .join("");
}

function valueAt(body: unknown, path: readonly PropertyKey[]): unknown {
  let value = body;
  for (const step of path)
    value =
      typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[step] : undefined;
  return value;
}
