// The `engine` section of a recipe: what computes the model's turns. `embedded` and `tinker` train; `openai` is a model behind
// a server, to evaluate, to ask, and to make demonstrations with.
import { z } from "zod";
import { dialects } from "../engines/openai/chatBody.ts";
import type { Dialect } from "../engines/tinker/protocol/wire.ts";

const address = z
  .url({ protocol: /^https?$/, error: "must be an address that begins with http:// or https://" })
  .refine(
    (url) => !URL.canParse(url) || new URL(url).username + new URL(url).password === "",
    "must not hold a user or a password; a key goes into the environment variable of engine.apiKeyVariable",
  );

/** Name of the environment variable that holds the key. */
const apiKeyVariable = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be the name of an environment variable, never a key itself");

const embedded = z.strictObject({
  type: z.literal("embedded"),
  /** Threads of ONNX Runtime; 0 takes every core. */
  threads: z.int().min(0).max(1024).default(0),
});

const openai = z
  .strictObject({
    type: z.literal("openai"),
    /** Address of an OpenAI-compatible API, most often with /v1 at its end, e.g. http://127.0.0.1:8000/v1. */
    baseUrl: address,
    /** The name the server knows it by. */
    model: z.string().min(1),
    /** `vllm` and `sglang` use what these servers add to the protocol; `openai` suits every other. */
    dialect: z.enum(dialects).default("openai"),
    apiKeyVariable: apiKeyVariable.default("OPENAI_API_KEY"),
    /**
     * Folder of the served checkpoint (its tokenizer and processor files suffice). With it turns of vLLM and SGLang come as
     * the ids they sampled, with log-probabilities; without it as text, which nothing can be trained on.
     */
    tokenizer: z.string().min(1).exactOptional(),
    /** Of one attempt at a turn, to its last byte. */
    requestTimeoutSeconds: z.number().gt(0).max(3600).default(280),
    /** Of one turn, retries and their pauses included; three times requestTimeoutSeconds when left out. */
    deadlineSeconds: z.number().gt(0).max(86_400).exactOptional(),
    /** Attempts after the first, for what may pass: timeouts, 429, 5xx, cut or unreadable replies. */
    maxRetries: z.int().min(0).max(100).default(5),
    /** Requests the server has at once. */
    maxConcurrent: z.int().min(1).max(4096).default(16),
  })
  .superRefine(({ tokenizer, dialect }, context) => {
    if (tokenizer !== undefined && dialect === "openai")
      context.addIssue({
        code: "custom",
        path: ["tokenizer"],
        input: tokenizer,
        message:
          "must be left out unless engine.dialect is vllm or sglang: the protocol itself gives no token ids",
      });
  });

const tinkerDialects = ["pyvision", "skyrl", "hosted"] as const satisfies readonly Dialect[];

const tinkerKeys = z.strictObject({
  type: z.literal("tinker"),
  /** Address of a server that speaks the Tinker API, without /api/v1. */
  baseUrl: address.default("http://127.0.0.1:8400"),
  /** Who made the server: `pyvision serve --tinker`, SkyRL, or the hosted service. */
  dialect: z.enum(tinkerDialects).default("pyvision"),
  /**
   * The name the server knows the model by. Left out: what the folder that the stage begins with says (tinker.json), or else
   * that folder's path as it is written in the recipe.
   */
  baseModel: z.string().min(1).exactOptional(),
  /**
   * Folder with the model's tokenizer and processor files. Left out: the folder that the stage begins with, or else the one
   * that baseModel names.
   */
  tokenizer: z.string().min(1).exactOptional(),
  /** What SkyRL computes with, which decides what it can do (docs/scale.md); only for dialect skyrl. Left out: jax. */
  backend: z.enum(["jax", "fsdp", "megatron"]).exactOptional(),
  /**
   * Of the low-rank adapters that are trained; 0 is all weights, which SkyRL's fsdp and megatron can do. Our own server trains
   * all weights, whatever it is.
   */
  rank: z.int().min(0).max(4096).default(32),
  /** How tensors travel. Left out: as the server prefers it. */
  wire: z.enum(["json", "protobuf"]).exactOptional(),
  apiKeyVariable: apiKeyVariable.default("TINKER_API_KEY"),
  /** Of one request for a result, which the server answers with "not yet" before. */
  pollTimeoutSeconds: z.number().gt(0).max(3600).default(45),
  /** From handing a piece of work in to its result, retries and waiting included. */
  deadlineSeconds: z.number().gt(0).max(86_400).default(3600),
  /** Samples that the server has at once. */
  maxConcurrent: z.int().min(1).max(4096).default(400),
});

const tinker = tinkerKeys.superRefine(({ dialect, backend, rank }, context) => {
  const refuse = (path: string, input: unknown, message: string): void =>
    context.addIssue({ code: "custom", path: [path], input, message });
  if (backend !== undefined && dialect !== "skyrl")
    refuse("backend", backend, `must be left out unless engine.dialect is skyrl (it is ${dialect})`);
  if (rank === 0 && (dialect === "hosted" || (dialect === "skyrl" && (backend ?? "jax") === "jax")))
    refuse(
      "rank",
      rank,
      "must be at least 1 here: only SkyRL's fsdp and megatron (engine.backend) train all weights",
    );
});

export const engine = z.discriminatedUnion("type", [embedded, openai, tinker]);

export type EngineConfig = Readonly<z.output<typeof engine>>;
export type EmbeddedConfig = Readonly<z.output<typeof embedded>>;
export type ServedConfig = Readonly<z.output<typeof openai>>;
export type TinkerConfig = Readonly<z.output<typeof tinker>>;
