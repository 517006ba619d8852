// What went wrong between us and a Tinker server, as data first (retries decide by it), then as an error with the server, the
// request and a remedy in its text. Texts of the server are shown in one line, cut, without the key.
import { EngineError } from "../../core/errors.ts";

/**
 * `refused`: the server would not do it. `failed`: it took it and could not do it. `unreachable`: no connection was made, so
 * nothing was handed in. `lost`: no reply came to something that may have been taken. `gone`: the server does not know the
 * model, session or result any more. `deadline`: no result in time.
 */
export type FailureKind = "refused" | "failed" | "unreachable" | "lost" | "gone" | "deadline";

export class TinkerError extends EngineError {
  constructor(
    message: string,
    readonly kind: FailureKind,
    /** HTTP status, where there was one. */
    readonly status?: number,
  ) {
    super(message);
  }
}

/** No whole reply came. */
export class NoReply extends Error {
  constructor(
    message: string,
    /** Whether the request cannot have reached the server. */
    readonly neverSent: boolean,
    /** Whether it was our own patience that ended it. */
    readonly timedOut = false,
  ) {
    super(message);
  }
}

/** Errors before a connection stands. */
const NEVER_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** What `fetch` threw, read down to its innermost cause, which tells a refused connection from an unknown host. */
export function noReply(error: unknown): NoReply {
  let innermost: unknown = error;
  while (innermost instanceof Error && innermost.cause !== undefined) innermost = innermost.cause;
  // Node tries each address of a host and gives all their errors at once.
  if (innermost instanceof AggregateError && innermost.errors.length > 0) innermost = innermost.errors[0];
  const code = (innermost as NodeJS.ErrnoException | undefined)?.code;
  const text =
    innermost instanceof Error && innermost.message !== "" ? innermost.message : String(code ?? error);
  return new NoReply(text, code !== undefined && NEVER_SENT.has(code));
}

/** For one line of a message: without the key and control characters, at most 600 characters. */
export function oneLine(text: string, key: string | undefined): string {
  const scrubbed =
    key === undefined ? text : text.replaceAll(key, "[key]").replaceAll(encodeURIComponent(key), "[key]");
  const line = scrubbed.replace(/[\x00-\x1f\x7f-\x9f]+/g, " ").trim();
  return line.length > 600 ? `${line.slice(0, 599)}…` : line;
}

/** The words in the body of a refusal: FastAPI's `detail`, a string or a list of findings, or ours. */
export function toldError(body: unknown): string {
  if (typeof body === "string") return body;
  if (typeof body !== "object" || body === null) return String(body);
  const { detail, error, message } = body as Readonly<Record<string, unknown>>;
  const told = detail ?? error ?? message ?? body;
  if (Array.isArray(told)) return told.slice(0, 4).map(finding).join("; ");
  return typeof told === "string" ? told : JSON.stringify(told);
}

/** One of pydantic's: {type, loc, msg, input}. */
function finding(one: unknown): string {
  if (typeof one !== "object" || one === null) return String(one);
  const { loc, msg } = one as { readonly loc?: unknown; readonly msg?: unknown };
  const at = Array.isArray(loc) ? loc.filter((part) => part !== "body").join(".") : "";
  return typeof msg === "string" ? (at === "" ? msg : `${at}: ${msg}`) : JSON.stringify(one);
}

export function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
}

/** @param status undefined where no reply came */
export function remedyFor(status: number | undefined, keyVariable: string, hasKey: boolean): string {
  switch (status) {
    case undefined:
      return "check that the server runs and that engine.baseUrl is right";
    case 401:
    case 403:
      return hasKey
        ? `check the key in the environment variable ${keyVariable}`
        : `it wants a key: put it into the environment variable ${keyVariable}`;
    case 402:
      return "the account has nothing left";
    case 404:
      return "check that engine.baseUrl is that of a Tinker server and engine.dialect the right one";
    case 413:
      return "the request is too large for it: show fewer or smaller images";
    case 429:
      return "lower engine.maxConcurrent";
    default:
      if (isRedirect(status))
        return "set engine.baseUrl to the address of the server itself: redirects are not followed";
      return status >= 500 ? "look into the server's log" : "change what it complains of";
  }
}
