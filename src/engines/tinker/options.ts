// Where the server is and how to speak to it. Whatever depends on time or the network comes in here, so that tests run
// without waiting.
import { ConfigError } from "../../core/errors.ts";
import { sleepUnlessAborted } from "../../core/sleep.ts";
import type { Capabilities, SkyrlBackend } from "./capabilities.ts";
import type { Dialect } from "./protocol/wire.ts";

export interface TinkerOptions {
  /** Address without /api/v1, such as http://127.0.0.1:8400. */
  readonly baseUrl: string;
  readonly dialect: Dialect;
  /** Name of a model that the server has. */
  readonly baseModel: string;
  /** Of the low-rank adapters that are trained. Our own server trains all weights, whatever is given here. */
  readonly rank: number;
  /** Of the three payloads that have two codecs. Default: JSON for `skyrl`, protobuf for the others. */
  readonly wire?: "json" | "protobuf" | undefined;
  /** Never shown. Without one none is sent to our own server, and a dummy to others, which want the header. */
  readonly apiKey?: string | undefined;
  /** Where the key comes from, for messages. Default TINKER_API_KEY. */
  readonly apiKeyVariable?: string | undefined;
  /** Of one request for a result; the server answers "not yet" before. Default 45. */
  readonly pollTimeoutSeconds?: number | undefined;
  /** From handing a piece of work in to its result. Default 3600. */
  readonly deadlineSeconds?: number | undefined;
  /** Samples that the server has at once. Default 400. */
  readonly maxConcurrent?: number | undefined;
  /** What SkyRL runs with. Default `jax`; nothing to other dialects. */
  readonly backend?: SkyrlBackend | undefined;
  /** What is known of this very server, instead of what holds for others of its kind (capabilities.ts). */
  readonly capabilities?: Partial<Capabilities> | undefined;
}

/** What the client needs of the world. */
export interface World {
  readonly fetch: typeof fetch;
  /** Milliseconds, monotonic. */
  now(): number;
  /** Uniform in [0, 1), to spread pauses. */
  random(): number;
  /** Rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Runs again and again until the function given back is called; does not keep the process alive. */
  every(ms: number, run: () => void): () => void;
}

export const systemWorld: World = {
  fetch: (...args) => fetch(...args),
  now: () => performance.now(),
  random: () => Math.random(),
  sleep: sleepUnlessAborted,
  every: (ms, run) => {
    const timer = setInterval(run, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
};

/** Options with everything filled in. */
export interface Settings {
  readonly baseUrl: string;
  readonly dialect: Dialect;
  readonly baseModel: string;
  readonly rank: number;
  readonly wire: "json" | "protobuf";
  readonly apiKey: string | undefined;
  readonly apiKeyVariable: string;
  readonly pollTimeoutMs: number;
  readonly deadlineMs: number;
  readonly maxConcurrent: number;
}

/** @throws ConfigError naming the option, the rule and the value; a key is never shown */
export function settingsOf(o: TinkerOptions): Settings {
  const { dialect, baseModel, rank } = o;
  const positive = (name: string, value: number): number => {
    if (!(Number.isFinite(value) && value > 0))
      throw new ConfigError(`engine.${name}: must be a number above 0, received ${value}`);
    return value;
  };
  if (baseModel === "")
    throw new ConfigError(`engine.baseModel: must name a model that the server has, received ""`);
  if (!Number.isInteger(rank) || rank < 0)
    throw new ConfigError(`engine.rank: must be a whole number of at least 0, received ${rank}`);
  return {
    baseUrl: checkedUrl(o.baseUrl),
    dialect,
    baseModel,
    rank,
    wire: o.wire ?? (dialect === "skyrl" ? "json" : "protobuf"),
    apiKey: checkedKey(o.apiKeyVariable ?? "TINKER_API_KEY", o.apiKey),
    apiKeyVariable: o.apiKeyVariable ?? "TINKER_API_KEY",
    pollTimeoutMs: 1000 * positive("pollTimeoutSeconds", o.pollTimeoutSeconds ?? 45),
    deadlineMs: 1000 * positive("deadlineSeconds", o.deadlineSeconds ?? 3600),
    maxConcurrent: Math.floor(positive("maxConcurrent", o.maxConcurrent ?? 400)),
  };
}

function checkedUrl(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  const web = url?.protocol === "http:" || url?.protocol === "https:";
  if (url === undefined || !web || url.username !== "" || url.password !== "" || url.search + url.hash !== "")
    throw new ConfigError(
      "engine.baseUrl: must be an http or https address without user, password, query and fragment, such as " +
        `http://127.0.0.1:8400, received ${JSON.stringify(url === undefined ? baseUrl : `${url.protocol}//${url.host}${url.pathname}`)}` +
        "; a key goes into the environment",
    );
  return url.href.replace(/\/+$/, "").replace(/\/api\/v1$/, "");
}

function checkedKey(variable: string, value: string | undefined): string | undefined {
  const key = value?.trim() ?? "";
  if (key === "") return undefined;
  if (!/^[\x21-\x7e]+$/.test(key))
    throw new ConfigError(
      `environment variable ${variable}: a key must be printable ASCII without spaces, this one (${key.length} ` +
        "characters) is not; set it again",
    );
  return key;
}
