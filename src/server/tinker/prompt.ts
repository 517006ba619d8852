// The prompt of a sampling request: chunks of the wire as segments of the engine, and keys of what it begins with, by which
// a sequence that it goes on from is found.
import type { Segment } from "../../core/trajectory.ts";
import { ProtocolError, type WireChunk } from "../../engines/tinker/protocol/wire.ts";
import type { Pictures } from "../pictures.ts";

export interface Prompt {
  readonly segments: readonly Segment[];
  /** Placeholders expanded. */
  readonly tokens: readonly number[];
  readonly prefixes: Prefixes;
}

/** @throws ProtocolError or DataError for what this model cannot read */
export function promptOf(chunks: readonly WireChunk[], imagePadId: number, pictures: Pictures): Prompt {
  const segments: Segment[] = [];
  const tokens: number[] = [];
  const prefixes = new Prefixes();
  let text: number[] = [];
  const endText = (): void => {
    if (text.length > 0) segments.push({ type: "text", source: "prompt", tokens: text });
    text = [];
  };
  chunks.forEach((chunk, c) => {
    const field = `prompt.chunks[${c}]`;
    if (chunk.type === "encoded_text") {
      checkText(chunk.tokens, imagePadId, field);
      for (const token of chunk.tokens) {
        text.push(token);
        tokens.push(token);
        prefixes.token(token);
      }
      return;
    }
    endText();
    const { view, digest } = pictures.read(chunk.data, `in ${field}`);
    checkExpected(chunk.expectedTokens, view.tokenCount);
    segments.push({ type: "image", source: "prompt", image: view });
    prefixes.image(digest);
    for (let i = 0; i < view.tokenCount; i++) {
      tokens.push(imagePadId);
      prefixes.token(imagePadId);
    }
  });
  endText();
  if (tokens.length === 0) throw new ProtocolError("prompt.chunks", "must hold at least one token", chunks);
  return { segments, tokens, prefixes };
}

/** @throws ProtocolError */
export function checkText(tokens: Int32Array, imagePadId: number, field: string): void {
  if (tokens.length === 0)
    throw new ProtocolError(`${field}.tokens`, "must not be empty; leave the chunk out");
  if (tokens.includes(imagePadId))
    throw new ProtocolError(
      `${field}.tokens`,
      `must not hold the image placeholder; an image is a chunk of its own and stands for its placeholders`,
      imagePadId,
    );
}

/** In the words of the hosted service. @throws ProtocolError */
export function checkExpected(expected: number | undefined, count: number): void {
  if (expected !== undefined && expected !== count)
    throw new ProtocolError(
      "expected_tokens",
      `Expected ${expected} tokens, got ${count} from image; make the picture's size what the model's processor makes of it`,
    );
}

/** Digests of every beginning of a sequence, 64 bits each, its pictures' content included. */
export class Prefixes {
  private a = 0x9e3779b9;
  private b = 0x243f6a88;
  private readonly states: number[] = [];

  /** How many tokens there are. */
  get length(): number {
    return this.states.length / 2;
  }

  /** Comes before the tokens of its placeholders. */
  image(digest: string): void {
    const bytes = Buffer.from(digest, "base64");
    this.mix(bytes.readInt32LE(0));
    this.mix(bytes.readInt32LE(4));
  }

  token(token: number): void {
    this.mix(token);
    this.states.push(this.a >>> 0, this.b >>> 0);
  }

  /** Of the first `length` tokens. */
  key(length: number): string {
    return `${length}/${this.states[2 * length - 2]}/${this.states[2 * length - 1]}`;
  }

  /** Of all of them and some more. */
  keyWith(tokens: readonly number[]): string {
    const longer = new Prefixes();
    longer.a = this.a;
    longer.b = this.b;
    for (const token of tokens) longer.mix(token);
    return `${this.length + tokens.length}/${longer.a >>> 0}/${longer.b >>> 0}`;
  }

  private mix(value: number): void {
    this.a = Math.imul(this.a ^ value, 0x85ebca6b);
    this.a ^= this.a >>> 13;
    this.b = Math.imul((this.b + value) | 0, 0xc2b2ae35) ^ this.a;
    this.b ^= this.b >>> 16;
  }
}
