// What the servers share: listening and ending, addresses, methods, keys, bodies. They differ in what they answer and in
// how they word a refusal: a handler gets the request, and an `HttpError` says which status a failure has.
import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { EngineError, PyVisionError } from "../core/errors.ts";
import { isLoopback, isOwnName, parseHost } from "../core/ownHost.ts";

export interface HttpErrorDetails {
  readonly status: number;
  /** For programs, e.g. `method_not_allowed`. */
  readonly code?: string;
}

/** A request that is refused: what its client is told, and the status that goes with it. */
export class HttpError extends PyVisionError {
  override readonly name: string = "HttpError";
  readonly status: number;
  readonly code: string | undefined;

  constructor(message: string, { status, code }: HttpErrorDetails, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
    this.code = code;
  }
}

export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

export interface HttpServer {
  /** `http://HOST:PORT` */
  readonly origin: string;
  /** Takes no more requests, aborts the signal of those under way with 503, and waits for them. */
  close(): Promise<void>;
}

/**
 * @param handle never rejects; its signal is aborted when the client has gone (`gone`), and when the server ends
 * @throws EngineError when it cannot listen there
 */
export async function startHttpServer(
  { host, port }: ListenOptions,
  handle: (
    request: IncomingMessage,
    response: ServerResponse,
    signals: { readonly gone: AbortSignal; readonly any: AbortSignal },
  ) => Promise<void>,
): Promise<HttpServer> {
  const running = new Set<Promise<void>>();
  const stopping = new AbortController();
  const server = createServer((request, response) => {
    const gone = new AbortController();
    response.on("close", () => gone.abort(new Error("the client has gone")));
    const any = AbortSignal.any([stopping.signal, gone.signal]);
    const work = handle(request, response, { gone: gone.signal, any });
    running.add(work);
    void work.finally(() => running.delete(work));
  });
  // Longer than clients keep a connection for their next request: else one may be closed just as it is used again.
  server.keepAliveTimeout = 75_000;
  await listen(server, host, port);
  const address = server.address() as AddressInfo;
  return {
    origin: `http://${host.includes(":") ? `[${host}]` : host}:${address.port}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      stopping.abort(new HttpError("the server is being stopped", { status: 503, code: "stopping" }));
      await Promise.all(running);
      server.closeAllConnections();
      await closed;
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const why =
        error.code === "EADDRINUSE" ? "the port is taken; choose another, or 0 for any" : error.message;
      reject(new EngineError(`cannot serve on ${host} port ${port}: ${why}`, { cause: error }));
    });
    server.listen(port, host, resolve);
  });
}

/** Path of an address without its query, decoded. @throws HttpError (400) */
export function pathOf(address: string): string {
  const path = address.replace(/[?#].*$/s, "");
  try {
    return decodeURIComponent(path);
  } catch (error) {
    throw new HttpError(`the address is not valid: ${path}`, { status: 400 }, { cause: error });
  }
}

/** @throws HttpError (405) */
export function allow(request: IncomingMessage, method: string): void {
  if (request.method !== method)
    throw new HttpError(`${request.method} is not possible here, only ${method}`, {
      status: 405,
      code: "method_not_allowed",
    });
}

/**
 * Refuses what a page of the web sends behind its reader's back: by a name of its own that leads here, or from its own
 * origin. A port is not looked at: the way here may lead through a tunnel.
 * @param host where the server listens; behind an address that others reach, any name may be this machine's
 * @throws HttpError (403)
 */
export function checkCaller(request: IncomingMessage, host: string): void {
  const { host: named, origin } = request.headers;
  const shown = (text: string | undefined): string => JSON.stringify((text ?? "").slice(0, 100));
  const name = parseHost(named)?.name;
  if (isLoopback(host) && (name === undefined || !isOwnName(name, host)))
    throw new HttpError(
      `this server answers only to its own address, as localhost, 127.0.0.1 or ${host}; the request's Host is ${shown(named)}`,
      { status: 403, code: "foreign_host" },
    );
  const changes = request.method !== "GET" && request.method !== "HEAD";
  if (changes && origin !== undefined && hostOf(origin) !== named?.toLowerCase())
    throw new HttpError(
      `this server takes no requests from pages of another origin; it is ${shown(origin)}`,
      {
        status: 403,
        code: "foreign_origin",
      },
    );
}

/** With its port where that is not the scheme's; undefined for what has none, as "null". */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

/**
 * @param given what the client sent, undefined when nothing
 * @param how to send it, e.g. "as Authorization: Bearer KEY"
 * @throws HttpError (401) unless it is the key, or there is none
 */
export function checkKey(key: string | undefined, given: string | undefined, how: string): void {
  if (key === undefined) return;
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  if (given !== undefined && timingSafeEqual(digest(given), digest(key))) return;
  throw new HttpError(
    given === undefined ? `no key was sent: send the server's key ${how}` : "the key is not the server's",
    { status: 401, code: "invalid_api_key" },
  );
}

export function isJson(request: IncomingMessage): boolean {
  return /^application\/json\s*(;|$)/i.test(request.headers["content-type"] ?? "");
}

/** @param onBytes called whenever some have come. @throws HttpError (413) */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
  onBytes: () => void = () => undefined,
): Promise<Buffer> {
  const tooLong = (): HttpError =>
    new HttpError(`the body is longer than ${maxBytes} bytes; send fewer or smaller pictures`, {
      status: 413,
      code: "request_too_large",
    });
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLong();
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    onBytes();
    length += chunk.length;
    if (length > maxBytes) throw tooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** @throws HttpError (400) */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch (error) {
    throw new HttpError(
      `the body is not JSON: ${(error as Error).message}`,
      { status: 400 },
      { cause: error },
    );
  }
}

/** @throws HttpError: 415 for what is not declared as JSON, 400 for what is none, 413 for too much of it */
export async function readJson(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  if (!isJson(request))
    throw new HttpError("the body must be declared with content-type: application/json", { status: 415 });
  return parseJson(await readBody(request, maxBytes));
}

/** @throws the signal's reason as soon as it is aborted, whatever the work does then */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

/** Always with its length: some clients take a refusal without one for a proxy's, and try again. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response
    .writeHead(status, {
      "content-type": "application/json; charset=utf-8",
      "content-length": bytes.length,
      ...headers,
    })
    .end(bytes);
}
