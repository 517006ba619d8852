// Puts an answer together that came in parts (kernel.py `_answer`): a JSON header first, then the pictures' pixels.
import { type Frame, ProtocolViolation } from "../frames.ts";
import type { KernelReply } from "./channel.ts";
import { isRecord } from "./server.ts";

/** RGB bytes of one reply; worker/figures.py keeps below it. */
const MAX_PAYLOAD_BYTES = 256 << 20;
/** Parts of 4 MiB, and the last one of each picture. */
const MAX_PARTS = 4096;

export class ReplyParts {
  readonly #parts: Buffer[] = [];
  #bytes = 0;
  #wanted = Infinity;

  constructor(readonly nonce: string) {}

  /** Takes the next part; messages of other senders are left alone. @throws ProtocolViolation for a part out of order. */
  add({ content, buffers }: KernelReply): void {
    const data = content["data"];
    if (content["comm_id"] !== "pyvision" || !isRecord(data)) return;
    const { nonce, part, parts } = data;
    if (nonce !== this.nonce) throw new ProtocolViolation("a reply to another request");
    if (part !== this.#parts.length || typeof parts !== "number" || !(parts >= 1 && parts <= MAX_PARTS))
      throw new ProtocolViolation("a part out of order");
    if (part > 0 && parts !== this.#wanted) throw new ProtocolViolation("another number of parts");
    const [bytes] = buffers;
    if (bytes === undefined || buffers.length > 1)
      throw new ProtocolViolation("a part that is not one buffer");
    this.#wanted = parts;
    this.#bytes += bytes.length;
    if (this.#bytes > MAX_PAYLOAD_BYTES || this.#parts.length >= this.#wanted)
      throw new ProtocolViolation("more than one reply");
    this.#parts.push(bytes);
  }

  /** The answer, when all of it is there. @throws ProtocolViolation */
  whole(): Frame | undefined {
    if (this.#parts.length < this.#wanted) return undefined;
    const [header = Buffer.alloc(0), ...rest] = this.#parts;
    try {
      return { header: JSON.parse(header.toString("utf8")) as unknown, payload: Buffer.concat(rest) };
    } catch {
      return { header: undefined, payload: Buffer.alloc(0) }; // refused by whoever reads it
    }
  }
}
