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

/** Cuts a byte stream into frames, whatever the chunk borders. A frame is kept once, in a buffer of its own size. */
export class FrameReader {
  readonly #lengths = Buffer.alloc(8);
  #body: Buffer | undefined;
  #headerBytes = 0;
  /** Bytes of the lengths, then of the body, that are there. */
  #filled = 0;

  constructor(readonly limits: FrameLimits) {}

  /** Whether bytes of an unfinished frame are held. */
  get midFrame(): boolean {
    return this.#filled > 0 || this.#body !== undefined;
  }

  /** @throws ProtocolViolation for lengths over the limits or a header that is not JSON. */
  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = [];
    for (let at = 0; at < chunk.length;) {
      const target = this.#body ?? this.#lengths;
      const copied = chunk.copy(target, this.#filled, at);
      at += copied;
      this.#filled += copied;
      if (this.#filled < target.length) continue;
      this.#filled = 0;
      if (this.#body === undefined) this.#readLengths();
      if (this.#body?.length === 0 || target !== this.#lengths) frames.push(this.#finish());
    }
    return frames;
  }

  #readLengths(): void {
    const [header, payload] = [this.#lengths.readUInt32LE(0), this.#lengths.readUInt32LE(4)];
    if (header > this.limits.headerBytes || payload > this.limits.payloadBytes)
      throw new ProtocolViolation(`a frame of ${header} + ${payload} bytes`);
    this.#headerBytes = header;
    this.#body = Buffer.allocUnsafeSlow(header + payload);
  }

  #finish(): Frame {
    const body = this.#body as Buffer;
    this.#body = undefined;
    try {
      return {
        header: JSON.parse(body.toString("utf8", 0, this.#headerBytes)) as unknown,
        payload: body.subarray(this.#headerBytes),
      };
    } catch {
      throw new ProtocolViolation("a frame whose header is not JSON");
    }
  }
}
