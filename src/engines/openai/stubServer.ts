// A chat server for tests, in the same process: answers each request as the next line of a script says, and keeps what it
// was asked. It knows nothing of models; the real one is in src/server/openai/.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface StubRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
}

export type StubAnswer = (response: ServerResponse, request: StubRequest) => void | Promise<void>;

export interface StubServer {
  readonly baseUrl: string;
  readonly requests: readonly StubRequest[];
  /** Most requests that were open at once. */
  readonly mostAtOnce: () => number;
  close(): Promise<void>;
}

/** @param script answers in order; the last one answers all further requests */
export async function stubServer(...script: readonly StubAnswer[]): Promise<StubServer> {
  const requests: StubRequest[] = [];
  let open = 0;
  let most = 0;
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    most = Math.max(most, ++open);
    response.on("close", () => open--);
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const text = Buffer.concat(chunks).toString("utf8");
      const request: StubRequest = {
        path: `${incoming.method} ${incoming.url}`,
        headers: incoming.headers,
        body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>),
      };
      const answer = script[Math.min(requests.length, script.length - 1)];
      requests.push(request);
      void answer?.(response, request);
    });
  });
  // Else a connection that was idle for five seconds may be closed just as it is used again.
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    mostAtOnce: () => most,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function json(
  body: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): StubAnswer {
  return raw(JSON.stringify(body), status, headers);
}

export function raw(text: string, status = 200, headers: Readonly<Record<string, string>> = {}): StubAnswer {
  return (response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(text);
  };
}

/** A whole reply. `choice` adds to or replaces fields of its only choice. */
export function says(
  text: string,
  choice: Readonly<Record<string, unknown>> = {},
  top: Readonly<Record<string, unknown>> = {},
): StubAnswer {
  return json({
    id: "chatcmpl-1",
    object: "chat.completion",
    model: "served",
    choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop", ...choice }],
    usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
    ...top,
  });
}

/** Server-sent events, one for each item; ends with [DONE] unless `cut`, which breaks the connection. */
export function streams(pieces: readonly unknown[], { cut = false } = {}): StubAnswer {
  return async (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const piece of pieces) {
      response.write(`data: ${typeof piece === "string" ? piece : JSON.stringify(piece)}\n\n`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (cut) response.destroy();
    else response.end("data: [DONE]\n\n");
  };
}

/** One event of a stream. */
export function piece(
  text: string | undefined,
  choice: Readonly<Record<string, unknown>> = {},
  top: Readonly<Record<string, unknown>> = {},
): unknown {
  return {
    model: "served",
    choices: [
      { index: 0, delta: text === undefined ? {} : { content: text }, finish_reason: null, ...choice },
    ],
    ...top,
  };
}
