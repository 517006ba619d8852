// The embedded engine behind the OpenAI protocol over HTTP: /v1/models, /v1/chat/completions (whole or as a stream of
// server-sent events) and /health. One model, text and pictures in, text out.
//
// It is meant for one's own machine and the machines one trusts: it has a key, but no TLS, no quotas and no CORS headers. A
// web page of somebody else's cannot use it without help of a name server that turns its name into this machine's address;
// bodies must be declared as JSON, which browsers ask permission for. Where that is a worry, take a key.
import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { EngineError } from "../../core/errors.ts";
import {
  closingChunk,
  completionBody,
  type Envelope,
  modelBody,
  openingChunk,
  pieceChunk,
  usageChunk,
} from "./bodies.ts";
import type { ChatRun, ChatService } from "./chatService.ts";
import { parseChatCall } from "./requestBody.ts";
import { RequestError } from "./requestError.ts";

export interface OpenAiServerOptions {
  readonly service: ChatService;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Clients must send it as `Authorization: Bearer KEY`. Undefined: anybody may ask. */
  readonly key?: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** A new identifier, different from all others. */
  readonly newId: () => string;
  /** Longest body in bytes. Default 64 MiB. */
  readonly maxBodyBytes?: number;
  /** Told of failures that are not the client's. */
  readonly onFailure?: (error: unknown) => void;
}

export interface OpenAiServer {
  /** `http://HOST:PORT/v1` */
  readonly baseUrl: string;
  /** Takes no more requests, ends those under way after their next piece with 503, and waits for them. */
  close(): Promise<void>;
}

/** @throws EngineError when it cannot listen there. */
export async function startOpenAiServer(options: OpenAiServerOptions): Promise<OpenAiServer> {
  const running = new Set<Promise<void>>();
  const stopping = new AbortController();
  const startedAt = Math.floor(options.now() / 1000);
  const server = createServer((request, response) => {
    const work = answer(options, startedAt, stopping.signal, request, response);
    running.add(work);
    void work.finally(() => running.delete(work));
  });
  // Longer than clients keep a connection for their next request: else one may be closed just as it is used again.
  server.keepAliveTimeout = 75_000;
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return {
    baseUrl: `http://${host}:${port}/v1`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      stopping.abort(
        new RequestError("the server is being stopped", {
          status: 503,
          type: "server_error",
          code: "stopping",
        }),
      );
      await Promise.all(running);
      server.closeAllConnections();
      await closed;
    },
  };
}

function listen(server: Server, { host, port }: OpenAiServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const why =
        error.code === "EADDRINUSE" ? "the port is taken; choose another, or 0 for any" : error.message;
      reject(new EngineError(`cannot serve on ${host} port ${port}: ${why}`, { cause: error }));
    });
    server.listen(port, host, resolve);
  });
}

/** Never rejects. */
async function answer(
  options: OpenAiServerOptions,
  startedAt: number,
  stopping: AbortSignal,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => gone.abort(new Error("the client has gone")));
  response.setHeader("x-request-id", options.newId());
  try {
    await route(options, startedAt, AbortSignal.any([stopping, gone.signal]), request, response);
  } catch (error) {
    if (gone.signal.aborted || response.destroyed) return;
    fail(response, error, options.onFailure);
  }
}

async function route(
  options: OpenAiServerOptions,
  startedAt: number,
  signal: AbortSignal,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { model } = options.service;
  const path = pathOf(request.url ?? "/");
  if (path === "/health") {
    allow(request, "GET");
    response.writeHead(200).end();
    return;
  }
  checkKey(options.key, request.headers.authorization);
  if (path === "/v1/models") {
    allow(request, "GET");
    sendJson(response, 200, { object: "list", data: [modelBody(model, startedAt)] });
  } else if (path === `/v1/models/${model.id}`) {
    allow(request, "GET");
    sendJson(response, 200, modelBody(model, startedAt));
  } else if (path === "/v1/chat/completions") {
    allow(request, "POST");
    await complete(options, signal, request, response);
  } else
    throw new RequestError(`${path} is not served; there are /v1/models, /v1/chat/completions and /health`, {
      status: 404,
      code: "not_found",
    });
}

async function complete(
  { service, now, newId, maxBodyBytes = 64 * 2 ** 20 }: OpenAiServerOptions,
  signal: AbortSignal,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const call = parseChatCall(await unlessAborted(readJson(request, maxBodyBytes), signal));
  const run = service.begin(call);
  const created = Math.floor(now() / 1000);
  const envelope: Envelope = { id: `chatcmpl-${newId()}`, created, model: service.model, call, run };
  const pieces = run.reply(signal);
  try {
    if (call.stream) await stream(envelope, pieces, response);
    else {
      let next = await pieces.next();
      while (next.done !== true) next = await pieces.next();
      sendJson(response, 200, completionBody(envelope, next.value));
    }
  } finally {
    await pieces.return(undefined as never); // ends it when something above has failed; else nothing happens
  }
}

/** @throws the signal's reason as soon as it is aborted, whatever the work does then */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject);
  });
}

async function stream(
  envelope: Envelope,
  pieces: ReturnType<ChatRun["reply"]>,
  response: ServerResponse,
): Promise<void> {
  // The first piece before the status: what fails until then is told by it.
  let next = await pieces.next();
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
  });
  sendEvent(response, openingChunk(envelope));
  for (; next.done !== true; next = await pieces.next()) {
    const chunk = pieceChunk(envelope, next.value);
    if (chunk !== undefined) sendEvent(response, chunk);
  }
  sendEvent(response, closingChunk(envelope, next.value));
  if (envelope.call.streamUsage) sendEvent(response, usageChunk(envelope, next.value));
  response.end("data: [DONE]\n\n");
}

function pathOf(address: string): string {
  const path = address.replace(/[?#].*$/s, "");
  try {
    return decodeURIComponent(path);
  } catch (error) {
    throw new RequestError(`the address is not valid: ${path}`, { status: 400 }, { cause: error });
  }
}

function allow(request: IncomingMessage, method: string): void {
  if (request.method !== method)
    throw new RequestError(`${request.method} is not possible here, only ${method}`, {
      status: 405,
      code: "method_not_allowed",
    });
}

function checkKey(key: string | undefined, authorization: string | undefined): void {
  if (key === undefined) return;
  const [, given] = /^Bearer +(.+)$/i.exec(authorization ?? "") ?? [];
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  if (given !== undefined && timingSafeEqual(digest(given), digest(key))) return;
  throw new RequestError(
    given === undefined
      ? "no key was sent: send the server's key as Authorization: Bearer KEY"
      : "the key is not the server's",
    { status: 401, code: "invalid_api_key" },
  );
}

async function readJson(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  if (!/^application\/json\s*(;|$)/i.test(request.headers["content-type"] ?? ""))
    throw new RequestError("the body must be declared with content-type: application/json", { status: 415 });
  const tooLong = (): RequestError =>
    new RequestError(`the body is longer than ${maxBytes} bytes; send fewer or smaller pictures`, {
      status: 413,
      code: "request_too_large",
    });
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLong();
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw tooLong();
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch (error) {
    throw new RequestError(
      `the body is not JSON: ${(error as Error).message}`,
      { status: 400 },
      { cause: error },
    );
  }
}

function fail(response: ServerResponse, error: unknown, onFailure: OpenAiServerOptions["onFailure"]): void {
  const known = error instanceof RequestError;
  if (!known) onFailure?.(error);
  const { status, body } = known
    ? error
    : new RequestError("the engine could not answer; the server's own messages tell why", {
        status: 500,
        type: "server_error",
        code: "internal_error",
      });
  if (!response.headersSent) {
    // What is left of the body is not read.
    response.setHeader("connection", "close");
    sendJson(response, status, body);
    return;
  }
  sendEvent(response, body);
  response.end();
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify(body));
}

function sendEvent(response: ServerResponse, body: unknown): void {
  response.write(`data: ${JSON.stringify(body)}\n\n`);
}
