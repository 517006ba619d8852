// Frames on a session's socket: u32 header length, u32 payload length (little endian), JSON header, raw bytes. What
// arrives was written by a process that ran model-written code: lengths are bounded before anything is kept.

export interface Frame {
  readonly header: unknown;
  readonly payload: Buffer;
}

export interface FrameLimits {
  readonly headerBytes: number;
  readonly payloadBytes: number;
}

/** The other side did not keep to the protocol; the session is to be ended. */
export class ProtocolViolation extends Error {
  override readonly name = "ProtocolViolation";
}

/** A frame without payload: the host never sends one. */
export function encodeFrame(header: object): Buffer {
  const text = Buffer.from(JSON.stringify(header), "utf8");
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32LE(text.length, 0);
  return Buffer.concat([lengths, text]);
}

/** Cuts a byte stream into frames, whatever the chunk borders. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #size = 0;
  /** Bytes the next frame takes in all, once its two lengths are known. */
  #wanted = 8;
  #headerBytes = -1;

  constructor(readonly limits: FrameLimits) {}

  /** Whether bytes of an unfinished frame are held. */
  get midFrame(): boolean {
    return this.#size > 0;
  }

  /** @throws ProtocolViolation for lengths over the limits or a header that is not JSON. */
  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    const frames: Frame[] = [];
    while (this.#size >= this.#wanted) {
      const bytes = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
      this.#chunks = [bytes];
      if (this.#headerBytes < 0) this.#readLengths(bytes);
      else frames.push(this.#cut(bytes));
    }
    return frames;
  }

  #readLengths(bytes: Buffer): void {
    const [header, payload] = [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
    if (header > this.limits.headerBytes || payload > this.limits.payloadBytes)
      throw new ProtocolViolation(`a frame of ${header} + ${payload} bytes`);
    this.#headerBytes = header;
    this.#wanted = 8 + header + payload;
  }

  #cut(bytes: Buffer): Frame {
    const [headerEnd, end] = [8 + this.#headerBytes, this.#wanted];
    const rest = bytes.subarray(end);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#size = rest.length;
    this.#headerBytes = -1;
    this.#wanted = 8;
    try {
      return {
        header: JSON.parse(bytes.toString("utf8", 8, headerEnd)) as unknown,
        payload: bytes.subarray(headerEnd, end),
      };
    } catch {
      throw new ProtocolViolation("a frame whose header is not JSON");
    }
  }
}
