// A proxy before a chat server that spoils replies by a script, to test what a client makes of them. One fault a request to
// chat/completions, in the order in which they arrive; everything else, and all that comes after the script, passes.
import { createServer, type IncomingMessage, request as startRequest, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Fault =
  | { readonly type: "none" }
  /** The whole reply, this much later. */
  | { readonly type: "slow"; readonly ms: number }
  /** An error as the OpenAI protocol words it, in place of the reply. */
  | { readonly type: "status"; readonly status: number; readonly retryAfter?: string }
  /** A page of HTML with status 502, as a gateway sends it. */
  | { readonly type: "gateway" }
  /** The connection is cut before a byte of the reply. */
  | { readonly type: "reset" }
  /** The connection is cut behind so many events of a stream, or behind half of a reply that is whole. */
  | { readonly type: "cut"; readonly afterEvents: number }
  /** The stream ends politely behind so many events: no finish reason, no [DONE]. Not for replies that are whole. */
  | { readonly type: "end"; readonly afterEvents: number }
  /** So many events of a stream (or half of a whole reply), then silence until the client goes. */
  | { readonly type: "stall"; readonly afterEvents: number }
  /** Status 200 with a body, or a second event, that is not JSON. */
  | { readonly type: "malformed" }
  /** A reply whose list of choices is empty. */
  | { readonly type: "emptyChoices" }
  /** The second event of a stream is an error body. A reply that is whole passes. */
  | { readonly type: "errorEvent" };

export interface SeenRequest {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
  /** Milliseconds of a steady clock. */
  readonly atMs: number;
  readonly fault: Fault["type"];
}

export interface FaultProxy {
  readonly baseUrl: string;
  /** Requests to chat/completions so far. */
  readonly seen: readonly SeenRequest[];
  /** Cuts what is still under way. */
  close(): Promise<void>;
}

/** @param target base URL of the server, e.g. http://127.0.0.1:8000/v1 */
export async function startFaultProxy(target: string, script: readonly Fault[]): Promise<FaultProxy> {
  const seen: SeenRequest[] = [];
  const { origin, pathname } = new URL(target);
  const server = createServer((request, response) => {
    const onBody = (body: Buffer): void => {
      const path = request.url ?? "/";
      const isChat = path.endsWith("/chat/completions");
      const fault: Fault = (isChat ? script[seen.length] : undefined) ?? { type: "none" };
      const { headers } = request;
      if (isChat) seen.push({ path, headers, body, atMs: performance.now(), fault: fault.type });
      spoil(fault, `${origin}${path}`, request, body, response);
    };
    read(request).then(onBody, () => response.destroy());
  });
  // Else a connection that was idle for five seconds may be closed just as it is used again.
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}${pathname}`,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function spoil(
  fault: Fault,
  url: string,
  request: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
): void {
  const on = (edit: (reply: Buffer, isStream: boolean) => void): void =>
    pass(url, request, body, response, edit);
  const open = (isStream: boolean): void =>
    void response.writeHead(200, { "content-type": contentType(isStream) });
  switch (fault.type) {
    case "none":
      on((reply) => response.end(reply));
      return;
    case "slow": {
      const timer = setTimeout(() => on((reply) => response.end(reply)), fault.ms);
      response.on("close", () => clearTimeout(timer));
      return;
    }
    case "status": {
      const text = `scripted failure ${fault.status}`;
      const error = { message: text, type: "server_error", param: null, code: null };
      response.writeHead(fault.status, {
        "content-type": contentType(false),
        ...(fault.retryAfter !== undefined && { "retry-after": fault.retryAfter }),
      });
      response.end(JSON.stringify({ error }));
      return;
    }
    case "gateway":
      response.writeHead(502, { "content-type": "text/html" }).end("<html><h1>502 Bad Gateway</h1></html>");
      return;
    case "reset":
      response.destroy();
      return;
    case "cut":
    case "stall":
      on((reply, isStream) => {
        open(isStream);
        const part = isStream ? eventsOf(reply).slice(0, fault.afterEvents).join("") : firstHalf(reply);
        // Written is not sent: the cut comes when the part has left.
        response.write(part, () => {
          if (fault.type === "cut") setTimeout(() => response.destroy(), 20);
        });
      });
      return;
    case "end":
      on((reply) => {
        open(true);
        response.end(eventsOf(reply).slice(0, fault.afterEvents).join(""));
      });
      return;
    case "malformed":
      on((reply, isStream) => {
        open(isStream);
        const [first = ""] = isStream ? eventsOf(reply) : [];
        response.end(isStream ? `${first}data: {"choices": [\n\ndata: [DONE]\n\n` : firstHalf(reply));
      });
      return;
    case "emptyChoices":
      on((reply, isStream) => {
        open(isStream);
        const empty = (json: string): string =>
          JSON.stringify({ ...(JSON.parse(json) as object), choices: [] });
        if (!isStream) response.end(empty(reply.toString("utf8")));
        else
          response.end(
            eventsOf(reply)
              .map((event) => event.replace(/^data: (\{.*\})/, (_, json: string) => `data: ${empty(json)}`))
              .join(""),
          );
      });
      return;
    case "errorEvent":
      on((reply, isStream) => {
        open(isStream);
        const error = {
          message: "scripted failure in the stream",
          type: "server_error",
          param: null,
          code: null,
        };
        if (isStream) response.end(`${eventsOf(reply)[0]}data: ${JSON.stringify({ error })}\n\n`);
        else response.end(reply);
      });
      return;
    default:
      fault satisfies never;
  }
}

/** Asks the server behind. `edit` gets its whole reply when that is a good one; any other is passed on as it is. */
function pass(
  url: string,
  { method, headers }: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
  edit: (reply: Buffer, isStream: boolean) => void,
): void {
  const { host: _, connection: __, ...kept } = headers;
  const ahead = startRequest(url, { method: method ?? "GET", headers: kept, agent: false }, (answer) => {
    void read(answer).then(
      (reply) => {
        const isStream = (answer.headers["content-type"] ?? "").startsWith("text/event-stream");
        const status = answer.statusCode ?? 502;
        if (status !== 200) response.writeHead(status, { "content-type": contentType(false) }).end(reply);
        else {
          response.setHeader("content-type", contentType(isStream));
          edit(reply, isStream);
        }
      },
      () => response.destroy(),
    );
  });
  ahead.on("error", () => response.destroy());
  response.on("close", () => ahead.destroy());
  ahead.end(body);
}

async function read(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Each with its blank line. */
function eventsOf(stream: Buffer): string[] {
  return stream.toString("utf8").match(/[^]*?\n\n/g) ?? [];
}

function firstHalf(reply: Buffer): Buffer {
  return reply.subarray(0, reply.length >> 1);
}

function contentType(isStream: boolean): string {
  return isStream ? "text/event-stream; charset=utf-8" : "application/json; charset=utf-8";
}
