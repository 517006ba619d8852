// The page's server: reads only, and only the runs it was given. A request must name this server as its host, so that no
// other site can read runs by pointing a name of its own at this machine.
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { isIP, isIPv6, type AddressInfo } from "node:net";
import { ConfigError, DataError } from "../core/errors.ts";
import { isOwnName, parseHost } from "../core/ownHost.ts";
import { pageBundle } from "./pageBundle.ts";
import { servedHtml, servedPolicy } from "./pageHtml.ts";
import type { ChangeEvent, TrajectoryAnswer } from "./protocol.ts";
import type { RunCollection } from "./runCollection.ts";
import type { RunData } from "./runData.ts";
import { joinTables } from "./tableCodec.ts";

export interface ViewerServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** How often runs are looked at for news while a page listens. */
  readonly pollMs?: number;
}

export interface ViewerServer {
  readonly url: string;
  close(): Promise<void>;
}

interface Reply {
  readonly type: string;
  readonly body: string | Uint8Array;
  /** Names its content, so it never changes. */
  readonly lasting?: boolean;
}

/** @throws ConfigError when the port is taken or the address is not this machine's */
export async function startViewer(
  runs: RunCollection,
  { host, port, pollMs = 1000 }: ViewerServerOptions,
): Promise<ViewerServer> {
  const listeners = new Set<ServerResponse>();
  const known = new Map<string, string>();
  const server = createServer((request, response) => {
    void answer(request, response).catch((error: unknown) => {
      const status = error instanceof DataError || error instanceof RangeError ? 404 : 500;
      send(response, status, { type: "text/plain; charset=utf-8", body: (error as Error).message });
    });
  });

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const plain = (status: number, body: string): void =>
      send(response, status, { type: "text/plain; charset=utf-8", body });
    if (!allowedHost(request.headers.host, host, (server.address() as AddressInfo).port))
      return plain(403, "this server answers only to its own address");
    if (request.method !== "GET" && request.method !== "HEAD") return plain(405, "this server only shows");
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://viewer");
    if (pathname === "/api/events") return listen(response);
    const reply = await replyTo(runs, pathname, searchParams);
    if (reply === undefined) return plain(404, "there is nothing here");
    send(response, 200, reply);
  };

  const listen = (response: ServerResponse): void => {
    response.writeHead(200, {
      ...commonHeaders,
      "content-type": "text/event-stream",
      "cache-control": "no-store",
    });
    response.write(": listening\n\n");
    listeners.add(response);
    known.clear(); // whoever comes new hears of every run once
    response.on("close", () => listeners.delete(response));
  };

  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(listenFault(error, host, port)));
    server.listen(port, host, resolve);
  });
  const poll = setInterval(() => {
    if (listeners.size === 0) return;
    for (const run of runs.opened()) {
      run.update();
      const event = changeOf(run);
      const text = JSON.stringify(event);
      if (known.get(run.key) === text) continue;
      known.set(run.key, text);
      for (const response of listeners) response.write(`data: ${text}\n\n`);
    }
  }, pollMs);
  const at = server.address() as AddressInfo;
  const shown = host === "0.0.0.0" || host === "::" ? "localhost" : isIPv6(host) ? `[${host}]` : host;
  return {
    url: `http://${shown}:${at.port}/`,
    close: async () => {
      clearInterval(poll);
      for (const response of listeners) response.end();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const commonHeaders = {
  "content-security-policy": `${servedPolicy}; frame-ancestors 'none'`,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
} as const;

function send(response: ServerResponse, status: number, { type, body, lasting }: Reply): void {
  if (response.headersSent) {
    response.end();
    return;
  }
  response.writeHead(status, {
    ...commonHeaders,
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": lasting === true ? "private, max-age=31536000, immutable" : "no-store",
  });
  response.end(response.req.method === "HEAD" ? undefined : body);
}

async function replyTo(
  runs: RunCollection,
  pathname: string,
  search: URLSearchParams,
): Promise<Reply | undefined> {
  if (pathname === "/") return { type: "text/html; charset=utf-8", body: servedHtml() };
  if (pathname === "/page.js")
    return { type: "text/javascript; charset=utf-8", body: (await pageBundle()).script };
  if (pathname === "/page.css") return { type: "text/css; charset=utf-8", body: (await pageBundle()).style };
  if (pathname === "/api/runs") return json(runs.list());
  const [, api, word, key, ...rest] = pathname.split("/").map(decoded);
  if (api !== "api" || word !== "runs" || key === undefined) return undefined;
  const run = runs.get(key);
  return run === undefined ? undefined : replyOfRun(run, rest, search);
}

async function replyOfRun(
  run: RunData,
  [what, set, index]: readonly (string | undefined)[],
  search: URLSearchParams,
): Promise<Reply | undefined> {
  switch (what) {
    case undefined:
      run.update();
      return json(overviewSince(run, search));
    case "table": {
      const blocks = search.getAll("set").map((name) => run.table(name));
      return { type: "application/octet-stream", body: joinTables(blocks) };
    }
    case "trajectory": {
      if (set === undefined) return undefined;
      const trajectory = run.trajectory(set, wholeNumber(index));
      return json({ set, index: wholeNumber(index), trajectory } satisfies TrajectoryAnswer);
    }
    case "tokens":
      return set === undefined ? undefined : json(await run.tokens(set, wholeNumber(index)));
    case "image": {
      const body = readFileSync(run.imagePath((set ?? "").replace(/\.png$/, "")));
      return { type: "image/png", body, lasting: true };
    }
    default:
      return undefined;
  }
}

/** Only what is new, when the page's generation is still the run's. */
function overviewSince(run: RunData, search: URLSearchParams): unknown {
  const generation = search.get("generation");
  const same = generation !== null && Number(generation) === run.overview(Infinity, Infinity).generation;
  const from = (name: string): number => (same ? wholeNumber(search.get(name) ?? "0") : 0);
  return run.overview(from("metrics"), from("sets"));
}

function changeOf(run: RunData): ChangeEvent {
  const { generation, state, sets, metrics } = run.overview();
  return { key: run.key, generation, state, metrics: metrics.steps.length, sets: sets.length };
}

function json(value: unknown): Reply {
  return { type: "application/json; charset=utf-8", body: JSON.stringify(value) };
}

/** @throws RangeError */
function wholeNumber(text: string | undefined): number {
  if (text === undefined || !/^\d{1,9}$/.test(text)) throw new RangeError("a whole number belongs here");
  return Number(text);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Loopback names, or the address that was asked to be listened at; behind 0.0.0.0 any literal address. */
export function allowedHost(header: string | undefined, host: string, port: number): boolean {
  const asked = parseHost(header);
  if (asked === undefined || (asked.port ?? 80) !== port) return false;
  if (isOwnName(asked.name, host)) return true;
  const anyAddress = host === "0.0.0.0" || host === "::";
  return anyAddress && isIP(asked.name) !== 0;
}

function listenFault(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === "EADDRINUSE")
    return new ConfigError(`--port ${port}: is in use at ${host}; choose another, or 0 for a free one`);
  if (error.code === "EACCES")
    return new ConfigError(`--port ${port}: may not be used without more rights; choose one above 1023`);
  if (["EADDRNOTAVAIL", "ENOTFOUND", "EAI_AGAIN"].includes(error.code ?? ""))
    return new ConfigError(`--host ${host}: is no address of this machine; 127.0.0.1 always is`);
  return error;
}
