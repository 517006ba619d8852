// The WebSocket to one kernel: messages out and in, in either of the two wire protocols, and one reason when it is over.
// The library's own connection is not used: it writes to the console, connects again by itself, and throws where
// nobody can catch it for a message that it cannot read.
import { randomUUID } from "node:crypto";
import { KernelMessage, ServerConnection } from "@jupyterlab/services";
import { WebSocket } from "ws";
import { ProtocolViolation } from "../frames.ts";
import { isRecord, type JupyterServer } from "./server.ts";

const PROTOCOL = KernelMessage.supportedKernelWebSocketProtocols.v1KernelWebsocketJupyterOrg;
/** One message; kernel.py sends parts of 4 MiB. */
const MAX_MESSAGE_BYTES = 64 << 20;

/** What is used of a kernel's message, checked. */
export interface KernelReply {
  readonly channel: string;
  readonly type: string;
  /** Id of the request it belongs to; empty for none. */
  readonly parent: string;
  readonly content: Record<string, unknown>;
  readonly buffers: readonly Buffer[];
}

export interface ChannelEvents {
  message(reply: KernelReply): void;
  /** The other side sent what is no message. */
  violation(detail: string): void;
  /** The connection is over, and it was not `close` that ended it. */
  lost(reason: string): void;
}

export class Channel {
  readonly #client: string;
  #ended = false;

  private constructor(
    readonly socket: WebSocket,
    client: string,
    readonly events: ChannelEvents,
  ) {
    this.#client = client;
    socket.on("message", (data: Buffer, binary: boolean) => this.#receive(data, binary));
    socket.on("error", (error) => this.#lose(error.message));
    socket.on("close", (code) => this.#lose(`closed with code ${code}`));
  }

  /** @throws Error whose message says why there is no connection. */
  static async open(
    server: JupyterServer,
    kernel: string,
    limitMs: number,
    events: ChannelEvents,
  ): Promise<Channel> {
    const client = randomUUID();
    const connect = (protocols: string[]): Promise<WebSocket> =>
      connected(
        new WebSocket(server.channelsUrl(kernel, client), protocols, {
          headers: server.headers,
          handshakeTimeout: limitMs,
          maxPayload: MAX_MESSAGE_BYTES,
          perMessageDeflate: false,
        }),
      );
    // An older server takes no offer of a protocol, which ends the first attempt.
    const socket = await connect([PROTOCOL]).catch((error: Error) => {
      if (!error.message.includes("subprotocol")) throw error;
      return connect([]);
    });
    return new Channel(socket, client, events);
  }

  /** Sends a request on the shell channel and returns its id. */
  send(
    type: "execute_request" | "kernel_info_request",
    content: object,
    buffers: readonly Uint8Array[] = [],
  ): string {
    const message = KernelMessage.createMessage({
      msgType: type as "execute_request",
      channel: "shell",
      session: this.#client,
      content: content as KernelMessage.IExecuteRequestMsg["content"],
      buffers: buffers.map(exactly),
    });
    this.socket.send(serializer.serialize(message, this.socket.protocol), () => undefined); // the end is told by "close"
    return message.header.msg_id;
  }

  close(): void {
    this.#ended = true;
    this.socket.terminate();
  }

  #lose(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.socket.terminate();
    this.events.lost(reason);
  }

  #receive(data: Buffer, binary: boolean): void {
    if (this.#ended) return;
    // Says at once that it came: the server holds its next small message back until then, else for 40 ms (Nagle).
    this.socket.pong();
    let reply: KernelReply;
    try {
      reply = decode(data, binary, this.socket.protocol);
    } catch (error) {
      this.events.violation(
        error instanceof ProtocolViolation ? error.message : "a message that cannot be read",
      );
      return;
    }
    this.events.message(reply);
  }
}

const { serializer } = ServerConnection.makeSettings({
  baseUrl: "http://localhost/",
  wsUrl: "ws://localhost/",
});

/** The library sends the whole of what lies under a view, so the bytes must have a place of their own. */
function exactly({ buffer, byteOffset, byteLength }: Uint8Array): ArrayBuffer {
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}

function connected(socket: WebSocket): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    socket.once("open", () => resolve(socket));
    socket.on("error", reject); // stays: an error without a listener would end the host
  });
}

/** @throws ProtocolViolation, or whatever the library throws, for what is no message. */
function decode(data: Buffer, binary: boolean, protocol: string): KernelReply {
  const bytes = (binary ? exactly(data) : data.toString("utf8")) as ArrayBuffer; // the library's type forgets the text
  const message: unknown = serializer.deserialize(bytes, protocol);
  if (!isRecord(message) || !isRecord(message["header"]) || !isRecord(message["content"]))
    throw new ProtocolViolation("a message without header or content");
  const { header, parent_header: parent, buffers } = message;
  const { msg_type: type } = header as Record<string, unknown>;
  const id = isRecord(parent) ? parent["msg_id"] : undefined;
  if (typeof type !== "string" || typeof message["channel"] !== "string")
    throw new ProtocolViolation("a message without type or channel");
  return {
    channel: message["channel"],
    type,
    parent: typeof id === "string" ? id : "",
    content: message["content"],
    buffers: Array.isArray(buffers) ? buffers.map(toBuffer) : [],
  };
}

function toBuffer(value: unknown): Buffer {
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof ArrayBuffer) return Buffer.from(value);
  throw new ProtocolViolation("a buffer that is none");
}
