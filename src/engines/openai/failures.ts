// What went wrong between us and a model server, as data: whether to ask again, when, and what a person can do about it.
// Texts of the server are shown in one line, cut, without control characters and without the key.
import { APIConnectionError, APIError } from "openai";

/** A reply that came, but says nothing that can be read: broken JSON, no choice, an end in the middle. */
export class UnreadableReply extends Error {}

/** No whole reply within the time of one attempt. */
export class SlowReply extends Error {}

export interface Failure {
  /** Whether the same request may succeed later. */
  readonly passing: boolean;
  /** HTTP status; undefined when there was none. */
  readonly status: number | undefined;
  /** What happened, in the server's words where it gave some. */
  readonly text: string;
  readonly remedy: string;
  /** The server's own wish. */
  readonly retryAfterMs: number | undefined;
  /** A parameter that the server does not take. */
  readonly parameter: string | undefined;
}

export interface FailureContext {
  readonly keyVariable: string;
  /** Never shown; undefined without one. */
  readonly key: string | undefined;
  /** Milliseconds since 1970. */
  readonly epochMs: () => number;
}

const PASSING = new Set([408, 409, 425, 429]);

/** Undefined for what is no failure of the server or of the way to it, but a fault of ours. */
export function readFailure(error: unknown, context: FailureContext): Failure | undefined {
  const nothing = { status: undefined, retryAfterMs: undefined, parameter: undefined };
  const text = oneLine(messageOf(error), context.key);
  if (error instanceof SlowReply)
    return {
      ...nothing,
      passing: true,
      text,
      remedy: "raise requestTimeoutSeconds, or ask for fewer tokens",
    };
  if (error instanceof UnreadableReply || error instanceof SyntaxError)
    return {
      ...nothing,
      passing: true,
      text: error instanceof SyntaxError ? `its reply is not JSON (${text})` : text,
      remedy: "check that baseUrl is that of an OpenAI-compatible API (most end in /v1)",
    };
  if (isNetworkFailure(error))
    return {
      ...nothing,
      passing: true,
      text,
      remedy: "check that the server runs and that baseUrl is right",
    };
  if (!(error instanceof APIError)) return undefined;
  const status = typeof error.status === "number" ? error.status : undefined;
  const headers = error.headers instanceof Headers ? error.headers : undefined;
  const should = headers?.get("x-should-retry");
  return {
    status,
    // An error inside a stream has no status of its own.
    passing:
      should === "true" ||
      (should !== "false" && (status === undefined || PASSING.has(status) || status >= 500)),
    text,
    remedy: remedyFor(status, context),
    retryAfterMs: headers === undefined ? undefined : retryAfter(headers, context.epochMs()),
    parameter: status === 400 || status === 422 ? parameterOf(error, text) : undefined,
  };
}

function remedyFor(status: number | undefined, { keyVariable, key }: FailureContext): string {
  switch (status) {
    case 401:
    case 403:
      return key === undefined
        ? `it wants a key: put it into the environment variable ${keyVariable}`
        : `check the key in the environment variable ${keyVariable}`;
    case 404:
      return "check the model's name, and that baseUrl is that of an OpenAI-compatible API (most end in /v1)";
    case 413:
      return "the request is too large for it: show fewer or smaller images";
    case 429:
      return "lower maxConcurrent or raise maxRetries; or the account has nothing left";
    default:
      return status === undefined || status >= 500
        ? "look into the server's log"
        : "change what it complains of";
  }
}

/** Seconds or a date. A wish in the past is no wait. */
function retryAfter(headers: Headers, nowMs: number): number | undefined {
  const exact = Number(headers.get("retry-after-ms") ?? NaN);
  if (Number.isFinite(exact)) return Math.max(0, exact);
  const value = headers.get("retry-after");
  if (value === null) return undefined;
  const ms = /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

const NOT_TAKEN = /unsupported|unrecogni[sz]ed|unknown|unexpected|not (?:supported|permitted|allowed)/i;

/** Words of FastAPI's own, around the name of the field. */
const PYDANTIC = new Set(["type", "loc", "body", "msg", "extra_forbidden"]);

/** A field that the server does not take at all; not one whose value it finds wrong. */
function parameterOf(error: { readonly param?: unknown }, text: string): string | undefined {
  if (!NOT_TAKEN.test(text)) return undefined;
  if (typeof error.param === "string" && error.param !== "") return error.param;
  return [...text.matchAll(/['"`]([a-z_]+)['"`]/g)]
    .map(([, name]) => name)
    .find((name) => name !== undefined && !PYDANTIC.has(name));
}

function isNetworkFailure(error: unknown): boolean {
  if (error instanceof APIConnectionError) return true;
  // A connection that breaks while a reply is read: a TypeError of fetch, or a system error.
  if (!(error instanceof Error) || error instanceof APIError) return false;
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === "string" || (error instanceof TypeError && error.cause instanceof Error);
}

/** With the innermost cause, which is what tells a refused connection from an unknown host. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  let cause: unknown = error.cause;
  let innermost: Error | undefined;
  while (cause instanceof Error) {
    innermost = cause;
    cause = cause.cause;
  }
  const code = (innermost as NodeJS.ErrnoException | undefined)?.code;
  const detail =
    innermost === undefined ? undefined : innermost.message === "" ? code : (innermost.message ?? code);
  return detail === undefined || error.message.includes(detail)
    ? error.message
    : `${error.message.replace(/\.$/, "")} (${detail})`;
}

/** For one line of a message: without the key and control characters, at most 600 characters. */
export function oneLine(text: string, key: string | undefined): string {
  const scrubbed =
    key === undefined ? text : text.replaceAll(key, "[key]").replaceAll(encodeURIComponent(key), "[key]");
  const line = scrubbed.replace(/[\x00-\x1f\x7f-\x9f]+/g, " ").trim();
  return line.length > 600 ? `${line.slice(0, 599)}…` : line;
}
