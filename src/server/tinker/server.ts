// The embedded engine behind the Tinker API over HTTP, with the semantics of the hosted service: sampling, training and
// checkpoints of several models at once, text and pictures, JSON and protobuf.
//
// It is meant for one's own machine and the machines one trusts: it has a key, but no TLS, no quotas and no CORS headers.
// Bodies must be declared as JSON or protobuf, which browsers ask permission for; requests that name another host than this
// machine, or come from another origin, are refused.
import { createHash, randomBytes, randomInt } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { PyVisionError } from "../../core/errors.ts";
import {
  encodeForwardBackwardOutputJson,
  encodeSampleOutputJson,
} from "../../engines/tinker/protocol/json.ts";
import { parseMessage, retrieveFutureRequest } from "../../engines/tinker/protocol/messages.ts";
import {
  encodeForwardBackwardOutputProto,
  encodeSampleOutputProto,
} from "../../engines/tinker/protocol/protobuf.ts";
import { ProtocolError } from "../../engines/tinker/protocol/wire.ts";
import {
  allow,
  checkCaller,
  checkKey,
  HttpError,
  isJson,
  pathOf,
  readBody,
  readJson,
  sendJson,
  startHttpServer,
  unlessAborted,
} from "../http.ts";
import { type Arrival, Arrivals } from "./arrivals.ts";
import { Downloads } from "./downloads.ts";
import { isOurs } from "./errors.ts";
import type { Outcome } from "./futures.ts";
import type { ServedCheckpoint } from "./models.ts";
import { OnceKeys } from "./onceKeys.ts";
import { OPERATIONS, type PostedBody } from "./operations.ts";
import { answerResource } from "./resources.ts";
import { TinkerService } from "./service.ts";

export interface TinkerServerOptions {
  /** At least one; each can be sampled from and trained, by several clients at once. */
  readonly models: readonly ServedCheckpoint[];
  /** Folder of checkpoints; made when it is not there. */
  readonly storeDir: string;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** Clients must send it as X-API-Key. Undefined: anybody may ask. */
  readonly key?: string;
  /** Of one run of a graph; 0, the default, is one per core. */
  readonly threads?: number;
  /** Models in training at once. Default 8. */
  readonly maxModels?: number;
  /** Silence after which a session ends. Default 600; 0 is never. */
  readonly sessionTimeoutSeconds?: number;
  /** Rows × longest row of one run of the training graph, where a client does not cut batches itself. Default 8192. */
  readonly microBatchTokens?: number;
  /** Sampling requests are gathered until none has come for so long. Default 10. */
  readonly gatherMs?: number;
  /** Requests of one call that are missing are waited for so long after the last of them. Default 5000. */
  readonly togetherMs?: number;
  /** How long a request for a result that is not there yet is held. Default 20 000. */
  readonly holdMs?: number;
  /** How long a result waits for its client, and how long it stays once fetched. Default 30 and 2 minutes. */
  readonly keepMs?: number;
  readonly keepFetchedMs?: number;
  /** Engines beside those in training, for weights that were saved; the least used goes beyond that. Default 8. */
  readonly maxSamplerEngines?: number;
  /** Longest body in bytes. Default 256 MiB. */
  readonly maxBodyBytes?: number;
  /**
   * Milliseconds of a steady clock, by which sessions and results age; gathering, pauses and held requests go by that of the
   * process all the same. Default: that of the process.
   */
  readonly ageNow?: () => number;
  /** One line about what happened. */
  readonly log?: (line: string) => void;
  /** Told of failures that are not the client's. */
  readonly onFailure?: (error: unknown) => void;
}

export interface TinkerServer {
  /** `http://HOST:PORT`: what clients take as the base URL. */
  readonly baseUrl: string;
  readonly service: TinkerService;
  /** Takes no more requests; ends models and engines when what is under way has ended. */
  close(): Promise<void>;
}

interface Context {
  readonly service: TinkerService;
  readonly downloads: Downloads;
  readonly onceKeys: OnceKeys;
  readonly key: string | undefined;
  readonly holdMs: number;
  readonly maxBodyBytes: number;
  readonly onFailure: (error: unknown) => void;
  /** Sampling requests that are being read. */
  readonly arrivals: Arrivals;
}

const MAX_GATHER_MS = 1000;
const TOGETHER_MS = 5000;
const RESULT_BYTES = 2 ** 28;
const SAMPLER_BYTES = 2 ** 32;
const MAX_PENDING = 20_000;

/** @throws DataError or EngineError when a checkpoint cannot be loaded, or it cannot listen there */
export async function startTinkerServer(options: TinkerServerOptions): Promise<TinkerServer> {
  const { gatherMs = 10, togetherMs = TOGETHER_MS, onFailure = () => undefined } = options;
  const now = (): number => performance.now();
  const clock = (): number => Date.now();
  const arrivals = new Arrivals(now);
  const service = await TinkerService.open({
    models: options.models,
    storeDir: options.storeDir,
    threads: options.threads ?? 0,
    microBatchTokens: options.microBatchTokens ?? 8192,
    maxModels: options.maxModels ?? 8,
    sessionTimeoutMs: 1000 * (options.sessionTimeoutSeconds ?? 600),
    snapshots: { maxEngines: options.maxSamplerEngines ?? 8, maxBytes: SAMPLER_BYTES },
    gather: { gatherMs, maxGatherMs: MAX_GATHER_MS, togetherMs, arriving: () => arrivals.any, now },
    futures: {
      run: randomBytes(4).toString("hex"),
      now: options.ageNow ?? now,
      keepMs: options.keepMs ?? 30 * 60_000,
      keepFetchedMs: options.keepFetchedMs ?? 120_000,
      maxBytes: RESULT_BYTES,
      maxPending: MAX_PENDING,
      onFailure,
    },
    clock,
    newId: () => randomBytes(8).toString("hex"),
    newSeed: () => randomInt(2 ** 32),
    log: options.log ?? (() => undefined),
  });
  const state: Context = {
    service,
    downloads: new Downloads(clock),
    onceKeys: new OnceKeys(),
    key: options.key,
    holdMs: options.holdMs ?? 20_000,
    maxBodyBytes: options.maxBodyBytes ?? 2 ** 28,
    onFailure,
    arrivals,
  };
  try {
    const { host = "127.0.0.1", port = 0 } = options;
    const server = await startHttpServer({ host, port }, async (request, response, { gone, any }) => {
      try {
        checkCaller(request, host);
        await route(state, any, request, response);
      } catch (error) {
        if (gone.aborted || response.destroyed) return;
        fail(response, error, onFailure);
      }
    });
    return {
      baseUrl: server.origin,
      service,
      close: async () => {
        await server.close();
        await service.close();
      },
    };
  } catch (error) {
    await service.close();
    throw error;
  }
}

async function route(
  context: Context,
  signal: AbortSignal,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const address = request.url ?? "/";
  const path = pathOf(address);
  const [, name] = /^\/api\/v1\/(.+)$/.exec(path) ?? [];
  if (name === undefined)
    throw new HttpError(`${path} is not served; the Tinker API is under /api/v1/`, { status: 404 });
  if (name === "healthz") {
    allow(request, "GET");
    sendJson(response, 200, { status: "ok" });
    return;
  }
  const { service, downloads, maxBodyBytes } = context;
  const query = new URL(address, "http://localhost").searchParams;
  if (name === "download") {
    const { place, what } = downloads.verify(query);
    await downloads.send(response, await service.checkpoint(place), what, signal);
    return;
  }
  const given = request.headers["x-api-key"];
  checkKey(context.key, typeof given === "string" ? given : undefined, "as X-API-Key");
  if (name === "retrieve_future") {
    allow(request, "POST");
    await retrieve(context, signal, request, response);
  } else if (Object.hasOwn(OPERATIONS, name)) {
    allow(request, "POST");
    await operate(context, name, signal, request, response);
  } else {
    const body = (): Promise<Buffer> => unlessAborted(readBody(request, maxBodyBytes), signal);
    const served = await answerResource({ service, downloads, request, response, query, body }, name);
    if (!served) throw new HttpError(`/api/v1/${name} is not served here`, { status: 404 });
  }
}

async function operate(
  context: Context,
  name: string,
  signal: AbortSignal,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const operation = OPERATIONS[name];
  if (operation === undefined) throw new Error(`internal: no operation ${name}`);
  const arrival = name === "asample" ? context.arrivals.begin() : undefined;
  try {
    const body = await postedBody(context, name, signal, request, arrival);
    const run = (): Promise<unknown> => operation.run(context.service, body);
    const key = request.headers["x-idempotency-key"];
    const reply = operation.once
      ? await context.onceKeys.once(typeof key === "string" ? key : undefined, body.digest, run)
      : await run();
    // The official SDK asks this on a connection that it then forgets open. Closed by its garbage collector at some later moment,
    // that took away the descriptor of another connection, and the program waited for ever (5 of 19 runs with SDK 0.38.0).
    if (name === "client/config") response.setHeader("connection", "close");
    sendJson(response, 200, reply);
  } finally {
    arrival?.end();
  }
}

async function postedBody(
  { maxBodyBytes }: Context,
  name: string,
  signal: AbortSignal,
  request: IncomingMessage,
  arrival: Arrival | undefined,
): Promise<PostedBody> {
  const isProtobuf = /^application\/x-protobuf\s*(;|$)/i.test(request.headers["content-type"] ?? "");
  if (!isProtobuf && !isJson(request))
    throw new HttpError(
      "the body must be declared with content-type: application/json or application/x-protobuf",
      { status: 415 },
    );
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity")
    throw new HttpError(`content-encoding: must be left out, as client/config says; got ${encoding}`, {
      status: 415,
    });
  const bytes = await unlessAborted(
    readBody(request, maxBodyBytes, () => arrival?.progress()),
    signal,
  );
  const digest = createHash("sha256").update(`${name}\n${isProtobuf}\n`).update(bytes).digest("base64");
  return { bytes, isProtobuf, digest };
}

async function retrieve(
  { service, holdMs }: Context,
  signal: AbortSignal,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await unlessAborted(readJson(request, 2 ** 16), signal);
  const { request_id: id } = parseMessage(retrieveFutureRequest, body);
  const outcome = await service.outcome(id, holdMs, signal);
  if (outcome === undefined) {
    const reason = service.futures.reason(id);
    sendJson(response, 200, {
      type: "try_again",
      request_id: id,
      queue_state: "active",
      ...(reason !== undefined && { queue_state_reason: reason }),
    });
    return;
  }
  sendOutcome(response, outcome, (request.headers.accept ?? "").includes("application/x-protobuf"));
}

function sendOutcome(response: ServerResponse, outcome: Outcome, asProtobuf: boolean): void {
  switch (outcome.type) {
    case "json":
    case "failure":
      sendJson(response, 200, outcome.body);
      return;
    case "forwardBackward":
      if (asProtobuf) sendBytes(response, encodeForwardBackwardOutputProto(outcome.output));
      else sendJson(response, 200, encodeForwardBackwardOutputJson(outcome.output));
      return;
    case "sample":
      if (asProtobuf) sendBytes(response, encodeSampleOutputProto(outcome.output));
      else sendJson(response, 200, encodeSampleOutputJson(outcome.output));
      return;
    default:
      outcome satisfies never;
  }
}

function sendBytes(response: ServerResponse, bytes: Uint8Array): void {
  response
    .writeHead(200, { "content-type": "application/x-protobuf", "content-length": bytes.length })
    .end(bytes);
}

function fail(response: ServerResponse, error: unknown, onFailure: (error: unknown) => void): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // What is left of the body is not read.
  response.setHeader("connection", "close");
  if (error instanceof ProtocolError)
    sendJson(response, 422, {
      detail: [{ type: "value_error", loc: ["body", error.field], msg: error.rule, input: error.message }],
    });
  else if (error instanceof HttpError)
    // The same again is refused again: clients that take a conflict for a passing one need not try.
    sendJson(
      response,
      error.status,
      { detail: error.message },
      error.status === 409 ? { "x-should-retry": "false" } : {},
    );
  else if (error instanceof PyVisionError && !isOurs(error))
    sendJson(response, 400, { detail: error.message });
  else {
    onFailure(error);
    sendJson(response, 500, { detail: "the server failed at this request; its own messages tell why" });
  }
}
