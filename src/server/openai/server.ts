// The embedded engine behind the OpenAI protocol over HTTP: /v1/models, /v1/chat/completions (whole or as a stream of
// server-sent events) and /health. One model, text and pictures in, text out.
//
// It is meant for one's own machine and the machines one trusts: it has a key, but no TLS, no quotas and no CORS headers.
// Web pages of others cannot use it: bodies must be declared as JSON, which browsers ask permission for, and requests that
// name another host than this machine, or come from another origin, are refused.
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  allow,
  checkCaller,
  checkKey,
  HttpError,
  pathOf,
  readJson,
  sendJson,
  startHttpServer,
  unlessAborted,
} from "../http.ts";
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
  const startedAt = Math.floor(options.now() / 1000);
  const server = await startHttpServer(options, async (request, response, { gone, any }) => {
    response.setHeader("x-request-id", options.newId());
    try {
      checkCaller(request, options.host);
      await route(options, startedAt, any, request, response);
    } catch (error) {
      if (gone.aborted || response.destroyed) return;
      fail(response, error, options.onFailure);
    }
  });
  return { baseUrl: `${server.origin}/v1`, close: () => server.close() };
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
  const [, given] = /^Bearer +(.+)$/i.exec(request.headers.authorization ?? "") ?? [];
  checkKey(options.key, given, "as Authorization: Bearer KEY");
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

function fail(response: ServerResponse, error: unknown, onFailure: OpenAiServerOptions["onFailure"]): void {
  if (!(error instanceof HttpError)) onFailure?.(error);
  const { status, body } = asRequestError(error);
  if (!response.headersSent) {
    // What is left of the body is not read.
    response.setHeader("connection", "close");
    sendJson(response, status, body);
    return;
  }
  sendEvent(response, body);
  response.end();
}

function asRequestError(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  if (!(error instanceof HttpError))
    return new RequestError("the engine could not answer; the server's own messages tell why", {
      status: 500,
      type: "server_error",
      code: "internal_error",
    });
  const { message, status, code } = error;
  return new RequestError(message, {
    status,
    ...(status >= 500 && { type: "server_error" }),
    ...(code !== undefined && { code }),
  });
}

function sendEvent(response: ServerResponse, body: unknown): void {
  response.write(`data: ${JSON.stringify(body)}\n\n`);
}
