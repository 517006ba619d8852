// A server for the tests of faults that a real one cannot be brought to: it speaks the older wire protocol (JSON, binary
// only with buffers) and answers kernel messages as a test says.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { after } from "node:test";
import { type WebSocket, WebSocketServer } from "ws";

export interface Request {
  readonly op: string;
  readonly nonce: string;
  readonly code?: string;
}

/** What a test does with one execute_request. */
export interface Call {
  readonly request: Request;
  readonly socket: WebSocket;
  /** Sends a message that belongs to this request. */
  send(channel: string, type: string, content: object, buffers?: readonly Buffer[]): void;
  /** Sends the parts of an answer and the shell's reply, as kernel.py and a kernel do. */
  answer(reply: object, payload?: readonly Buffer[]): void;
}

export interface FakeServer {
  readonly baseUrl: string;
  /** `METHOD path` of every request but those for channels. */
  readonly requests: readonly string[];
  /** Status that GET of a kernel answers; 0 never answers. */
  kernelStatus: number;
  /** Does what a kernel does with a cell; the set-up is answered already. */
  onRun: (call: Call) => void;
  /** Whether kernels answer at all. */
  awake: boolean;
}

/** @param specsStatus answered to the first request of all */
export async function startFakeServer(specsStatus = 200): Promise<FakeServer> {
  const requests: string[] = [];
  let kernels = 0;
  const http = createServer((request: IncomingMessage, response: ServerResponse) => {
    const path = (request.url ?? "").replace(/\?.*/, "");
    requests.push(`${request.method} ${path}`);
    const reply = (status: number, body?: object): void => {
      response.writeHead(status, { "Content-Type": "application/json" }).end(body && JSON.stringify(body));
    };
    if (path === "/api/kernelspecs") return reply(specsStatus, { kernelspecs: { python3: {} } });
    if (path === "/api/kernels") return reply(201, { id: `kernel-${++kernels}`, name: "python3" });
    if (request.method === "DELETE") return reply(204);
    if (request.method === "POST") return reply(204); // interrupt
    if (fake.kernelStatus > 0) reply(fake.kernelStatus, { execution_state: "busy" });
  });
  const sockets = new WebSocketServer({ server: http, handleProtocols: () => false });
  sockets.on("connection", (socket) => {
    socket.on("message", (data: Buffer, binary: boolean) => {
      if (!fake.awake) return;
      const { header, buffers } = binary ? unpack(data) : unpackText(data);
      const call = makeCall(socket, header, buffers);
      if (header.msg_type === "kernel_info_request")
        call.send("shell", "kernel_info_reply", { status: "ok", language_info: { name: "python" } });
      else if (call.request.op !== "run") call.answer({});
      else fake.onRun(call);
    });
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const address = http.address();
  assert.ok(typeof address === "object" && address !== null);
  after(() => {
    sockets.clients.forEach((client) => client.terminate());
    http.closeAllConnections();
    http.close();
  });
  const fake: FakeServer = {
    baseUrl: `http://127.0.0.1:${address.port}/`,
    requests,
    kernelStatus: 200,
    onRun: (call) => call.answer({ outcome: { type: "ok" }, stdout: "", figures: [] }),
    awake: true,
  };
  return fake;
}

interface Header {
  readonly msg_id: string;
  readonly msg_type: string;
}

function makeCall(socket: WebSocket, parent: Header, buffers: readonly Buffer[]): Call {
  const send: Call["send"] = (channel, type, content, parts = []) => {
    const header = {
      msg_id: `${Math.random()}`,
      msg_type: type,
      session: "s",
      username: "",
      date: "",
      version: "5.3",
    };
    const text = JSON.stringify({ channel, header, parent_header: parent, metadata: {}, content });
    socket.send(parts.length === 0 ? text : pack([Buffer.from(text), ...parts]));
  };
  const request = JSON.parse(buffers[0]?.toString("utf8") ?? `{"op":"","nonce":""}`) as Request;
  const answer: Call["answer"] = (reply, payload = []) => {
    const parts = [Buffer.from(JSON.stringify({ figures: [], ...reply })), ...payload];
    send("shell", "execute_reply", { status: "ok" });
    parts.forEach((part, i) =>
      send(
        "iopub",
        "comm_msg",
        { comm_id: "pyvision", data: { nonce: request.nonce, part: i, parts: parts.length } },
        [part],
      ),
    );
    send("iopub", "status", { execution_state: "idle" });
  };
  return { request, socket, send, answer };
}

/** Number of pieces and their offsets (u32, big endian), then the pieces. */
export function pack(pieces: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(4 * (pieces.length + 1));
  head.writeUInt32BE(pieces.length, 0);
  let at = head.length;
  for (const [i, piece] of pieces.entries()) {
    head.writeUInt32BE(at, 4 * (i + 1));
    at += piece.length;
  }
  return Buffer.concat([head, ...pieces]);
}

function unpack(data: Buffer): { header: Header; buffers: Buffer[] } {
  const count = data.readUInt32BE(0);
  const starts = Array.from({ length: count }, (_, i) => data.readUInt32BE(4 * (i + 1)));
  const [text = Buffer.alloc(0), ...buffers] = starts.map((start, i) => data.subarray(start, starts[i + 1]));
  return { ...unpackText(text), buffers };
}

function unpackText(data: Buffer): { header: Header; buffers: Buffer[] } {
  return { header: (JSON.parse(data.toString("utf8")) as { header: Header }).header, buffers: [] };
}
