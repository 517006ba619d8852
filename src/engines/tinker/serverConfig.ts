// What the server says of itself before anything begins: the models it has, and the bounds of one request.
import { z } from "zod";
import { TinkerError } from "./failures.ts";
import type { Settings } from "./options.ts";
import { submit } from "./submit.ts";
import type { Transport } from "./transport.ts";

/** Of the official SDK whose protocol this client speaks. */
export const SDK_VERSION = "0.38.0";

export interface ServerConfig {
  /** Datums of one request. */
  readonly maxCount: number;
  /** Estimated bytes of one request. */
  readonly maxBytes: number;
  /** Whether the key is exchanged for a token that is sent instead. */
  readonly wantsToken: boolean;
}

const DEFAULTS: ServerConfig = { maxCount: 1024, maxBytes: 5_000_000, wantsToken: false };

/** A server that was never there is told of soon: it may be starting, but the address may as well be wrong. */
const FIRST_PATIENCE_MS = 30_000;

/** Bounds and flags; a server that does not know the question has the usual ones. */
export async function readServerConfig(
  transport: Transport,
  onRetry: (reason: string) => void,
): Promise<ServerConfig> {
  const body = { type: "json", value: { sdk_version: SDK_VERSION } } as const;
  try {
    const patience = { patienceMs: FIRST_PATIENCE_MS, onRetry };
    const reply = await submit(transport, { name: "client/config", body, repeatable: true, ...patience });
    const said = reply.body.type === "json" ? reply.body.value : undefined;
    const fields = (typeof said === "object" && said !== null ? said : {}) as Readonly<
      Record<string, unknown>
    >;
    const count = (name: string, otherwise: number): number => {
      const value = fields[name];
      return typeof value === "number" && value >= 1 ? Math.floor(value) : otherwise;
    };
    return {
      maxCount: count("fwdbwd_max_chunk_len", DEFAULTS.maxCount),
      maxBytes: count("fwdbwd_max_chunk_bytes_count", DEFAULTS.maxBytes),
      wantsToken: fields["pjwt_auth_enabled"] === true,
    };
  } catch (error) {
    if (error instanceof TinkerError && (error.status === 404 || error.status === 405)) return DEFAULTS;
    throw error;
  }
}

/**
 * @returns the longest sequence of the model, in tokens; undefined where the server does not say
 * @throws TinkerError when the server says which models it has, and ours is not among them
 */
export async function contextLengthOf(
  transport: Transport,
  { baseUrl, baseModel }: Settings,
): Promise<number | undefined> {
  const reply = await transport.get("get_server_capabilities", { timeoutMs: 60_000 }).catch(() => undefined);
  if (reply === undefined || reply.status !== 200 || reply.body.type !== "json") return undefined;
  const said = modelsSchema.safeParse(reply.body.value);
  if (!said.success || said.data.supported_models.length === 0) return undefined;
  const models = said.data.supported_models;
  const mine = models.find(({ model_name }) => model_name === baseModel);
  if (mine !== undefined) return mine.max_context_length ?? undefined;
  const shown = models.slice(0, 8).map(({ model_name }) => JSON.stringify(transport.shown(model_name)));
  throw new TinkerError(
    `${baseUrl}: engine.baseModel: the server has no model named ${JSON.stringify(baseModel)}; it has ` +
      `${shown.join(", ")}${models.length > 8 ? ", …" : ""}`,
    "refused",
  );
}

const modelsSchema = z.looseObject({
  supported_models: z.array(
    z.looseObject({ model_name: z.string(), max_context_length: z.int().min(1).nullish() }),
  ),
});
