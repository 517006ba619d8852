// A proxy before a Tinker server that spoils replies by a script, to test what a client makes of them: one fault a request, by
// the path below /api/v1, in the order in which the requests to that path arrive. What comes after the script passes.
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request as startRequest,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";

export type Fault =
  | { readonly type: "none" }
  /** The server never hears of it: the connection is cut. */
  | { readonly type: "reset" }
  /** The server does it, and the connection is cut before a byte of the reply. */
  | { readonly type: "lostReply" }
  /** The server does it, and the connection is cut behind half of the reply's body. */
  | { readonly type: "cut" }
  /** In place of the server, or of its reply when it has done the request (`afterwards`). */
  | {
      readonly type: "status";
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: unknown;
      readonly afterwards?: boolean;
    }
  /** A gateway's page of HTML. */
  | { readonly type: "gateway" }
  /** "Not yet", without asking the server. */
  | { readonly type: "tryAgain"; readonly status?: 200 | 408; readonly queueState?: string }
  /** Status 200 with a body that is no reply of this protocol. */
  | { readonly type: "malformed" };

/** Which fault the nth request to a path gets, counted from 0; undefined is none. */
export type Script = (path: string, n: number) => Fault | undefined;

export interface FaultProxy {
  readonly baseUrl: string;
  /** Paths of the requests so far, with the fault that each got. */
  readonly seen: readonly { readonly path: string; readonly fault: Fault["type"] }[];
  /** The server behind it; undefined: connections are cut, as when there is none. */
  target: string | undefined;
  /** Cuts all that is under way, and what comes until there is a target again: the server has died. */
  goDown(): void;
  script: Script;
  /** Called when a request has come in, before anything is done about it. */
  onRequest: ((path: string) => void) | undefined;
  close(): Promise<void>;
}

export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const seen: { path: string; fault: Fault["type"] }[] = [];
  const counts = new Map<string, number>();
  const server = createServer((request, response) => {
    read(request).then(
      (body) => {
        const path = (request.url ?? "/").replace(/^\/api\/v1\//, "");
        const n = counts.get(path) ?? 0;
        counts.set(path, n + 1);
        const fault = proxy.script(path, n) ?? { type: "none" };
        seen.push({ path, fault: fault.type });
        proxy.onRequest?.(path);
        void spoil(proxy.target, fault, request, body, response).catch(() => response.destroy());
      },
      () => response.destroy(),
    );
  });
  // Else a connection that was idle for five seconds may be closed just as it is used again.
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const proxy: FaultProxy = {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    target,
    script: () => undefined,
    onRequest: undefined,
    goDown: () => {
      proxy.target = undefined;
      server.closeAllConnections();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return proxy;
}

/** The faults of each path, in order. */
export function scripted(faults: Readonly<Record<string, readonly Fault[]>>): Script {
  return (path, n) => faults[path]?.[n];
}

interface Answer {
  readonly status: number;
  /** Without those of the connection. */
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

async function spoil(
  target: string | undefined,
  fault: Fault,
  request: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
): Promise<void> {
  const ask = (): Promise<Answer> => ahead(target, request, body);
  switch (fault.type) {
    case "none": {
      const answer = await ask();
      response.writeHead(answer.status, answer.headers).end(answer.body);
      return;
    }
    case "reset":
      response.destroy();
      return;
    case "lostReply":
      await ask();
      response.destroy();
      return;
    case "cut": {
      const { status, headers, body: whole } = await ask();
      response.writeHead(status, { ...headers, "content-length": whole.length });
      // Written is not sent: the cut comes when the part has left.
      response.write(whole.subarray(0, whole.length >> 1), () => setTimeout(() => response.destroy(), 10));
      return;
    }
    case "status":
      if (fault.afterwards === true) await ask();
      sendJson(response, fault.status, fault.body ?? { detail: `scripted ${fault.status}` }, fault.headers);
      return;
    case "gateway":
      response.writeHead(502, { "content-type": "text/html" }).end("<html><h1>502 Bad Gateway</h1></html>");
      return;
    case "tryAgain": {
      const { request_id } = JSON.parse(body.toString("utf8")) as { request_id: string };
      const queue_state = fault.queueState ?? "active";
      sendJson(response, fault.status ?? 200, { type: "try_again", request_id, queue_state });
      return;
    }
    case "malformed":
      await ask();
      sendJson(response, 200, { unexpected: true });
      return;
    default:
      fault satisfies never;
  }
}

function ahead(
  target: string | undefined,
  { method, url, headers }: IncomingMessage,
  body: Buffer,
): Promise<Answer> {
  if (target === undefined) return Promise.reject(new Error("there is no server behind the proxy"));
  const { host: _, connection: __, ...kept } = headers;
  return new Promise((resolve, reject) => {
    const options = { method: method ?? "GET", headers: kept, agent: false } as const;
    const question = startRequest(`${target}${url ?? "/"}`, options, (answer) => {
      const { connection: _c, "keep-alive": __, "transfer-encoding": ___, ...given } = answer.headers;
      const status = answer.statusCode ?? 502;
      read(answer).then((reply) => resolve({ status, headers: given, body: reply }), reject);
    });
    question.on("error", reject);
    question.end(body);
  });
}

function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

async function read(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
