// JSON by bytes (RFC 8259), strictly and without building a value: where a value ends, or the first byte that no JSON has
// there. `JSON.parse` needs the whole text in memory and names no byte of a file of many rows; this walks a file of any
// size with one block of it in memory. It does not look at whether the text is UTF-8; who reads a row does.
import type { FileBytes } from "./fileBytes.ts";

const BLOCK = 1 << 20;
/** Deeper nesting is taken for damage. */
const MAX_DEPTH = 256;

export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const OPEN_ARRAY = 0x5b;
export const CLOSE_ARRAY = 0x5d;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;
export const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
/** In place of a byte where there is none. */
export const END = -1;

/** What `valueEnd` looks for next inside a container. */
type Expected = "value" | "valueOrClose" | "key" | "keyOrClose" | "colon" | "commaOrClose";

export interface Damage {
  /** Of the first byte that does not belong there; the size of the file (or of the line) when it is cut off. */
  readonly offset: number;
  readonly reason: string;
}

export class JsonScanner {
  /** Position of the next byte. */
  at = 0;
  /** Why the last `valueEnd` failed. */
  damage: Damage = { offset: 0, reason: "" };
  private readonly block: Buffer;
  private blockStart = 0;
  private blockLength = 0;
  private limit: number;

  constructor(private readonly file: FileBytes) {
    this.block = Buffer.allocUnsafeSlow(Math.max(1, Math.min(BLOCK, file.size)));
    this.limit = file.size;
  }

  /** From here on the file counts as ending at `end`. Default: its size. */
  endAt(end: number = this.file.size): void {
    this.limit = end;
  }

  /** The byte at `at`, or END. */
  peek(): number {
    const { at } = this;
    if (at >= this.limit) return END;
    const i = at - this.blockStart;
    if (i >= 0 && i < this.blockLength) return this.block[i] as number;
    return this.load() ? (this.block[0] as number) : END;
  }

  /** Goes to the next byte that is no white space, and returns it. */
  skipSpace(): number {
    for (;;) {
      const byte = this.peek();
      if (byte !== 0x20 && byte !== NEWLINE && byte !== 0x0d && byte !== 0x09) return byte;
      this.at++;
    }
  }

  /** Position of the next `byte` from `at` on, or the end; `at` stays. */
  find(byte: number): number {
    const from = this.at;
    try {
      while (this.peek() !== END) {
        const i = this.block.subarray(0, this.blockLength).indexOf(byte, this.at - this.blockStart);
        if (i >= 0) return Math.min(this.blockStart + i, this.limit);
        this.at = this.blockStart + this.blockLength;
      }
      return this.limit;
    } finally {
      this.at = from;
    }
  }

  /**
   * Reads the value that begins at `at`, leading white space allowed.
   * @returns the position behind it, where `at` then is, or -1 with `damage` set
   */
  valueEnd(): number {
    const containers: number[] = [];
    let expected: Expected = "value";
    for (;;) {
      const byte = this.skipSpace();
      switch (expected) {
        case "valueOrClose":
        case "value":
          if (byte === CLOSE_ARRAY && expected === "valueOrClose") {
            this.at++;
            containers.pop();
            break;
          }
          if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
            if (containers.length === MAX_DEPTH) return this.fail(`nested deeper than ${MAX_DEPTH} levels`);
            this.at++;
            containers.push(byte);
            expected = byte === OPEN_OBJECT ? "keyOrClose" : "valueOrClose";
            continue;
          }
          if (!this.scalar(byte)) return -1;
          break;
        case "keyOrClose":
        case "key":
          if (byte === CLOSE_OBJECT && expected === "keyOrClose") {
            this.at++;
            containers.pop();
            break;
          }
          if (byte !== QUOTE) return this.unexpected("a key in double quotes");
          if (!this.string()) return -1;
          expected = "colon";
          continue;
        case "colon":
          if (byte !== COLON) return this.unexpected("':' after a key");
          this.at++;
          expected = "value";
          continue;
        case "commaOrClose": {
          const inObject = containers[containers.length - 1] === OPEN_OBJECT;
          if (byte === COMMA) {
            this.at++;
            expected = inObject ? "key" : "value";
            continue;
          }
          if (byte !== (inObject ? CLOSE_OBJECT : CLOSE_ARRAY))
            return this.unexpected(inObject ? "',' or '}'" : "',' or ']'");
          this.at++;
          containers.pop();
          break;
        }
        default:
          return expected satisfies never;
      }
      // A value has ended.
      if (containers.length === 0) return this.at;
      expected = "commaOrClose";
    }
  }

  /** Sets `damage` at the byte where `at` is. @returns -1 */
  unexpected(wanted: string): -1 {
    const byte = this.peek();
    return this.fail(
      byte === END ? `ends where ${wanted} must stand` : `has ${nameOf(byte)} where ${wanted} must stand`,
    );
  }

  private fail(reason: string): -1 {
    this.damage = { offset: this.at, reason };
    return -1;
  }

  private scalar(byte: number): boolean {
    if (byte === QUOTE) return this.string();
    if (byte === 0x2d || isDigit(byte)) return this.number();
    for (const word of WORDS) if (byte === word[0]) return this.word(word);
    this.unexpected("a value");
    return false;
  }

  private word(word: Buffer): boolean {
    for (const byte of word) {
      if (this.peek() !== byte) {
        this.unexpected(`the rest of ${word.toString()}`);
        return false;
      }
      this.at++;
    }
    return true;
  }

  private number(): boolean {
    if (this.peek() === 0x2d) this.at++;
    if (this.peek() === 0x30) this.at++;
    else if (!this.digits()) return false;
    if (this.peek() === 0x2e) {
      this.at++;
      if (!this.digits()) return false;
    }
    if ((this.peek() | 0x20) !== 0x65) return true;
    this.at++;
    if (this.peek() === 0x2b || this.peek() === 0x2d) this.at++;
    return this.digits();
  }

  /** One digit or more. */
  private digits(): boolean {
    const start = this.at;
    while (isDigit(this.peek())) this.at++;
    if (this.at === start) this.unexpected("a digit");
    return this.at > start;
  }

  private string(): boolean {
    this.at++;
    for (;;) {
      // Most bytes of a data set are looked at here: straight from the block.
      const end = Math.min(this.blockLength, this.limit - this.blockStart);
      let i = this.at - this.blockStart;
      let byte = 0;
      while (
        i >= 0 &&
        i < end &&
        (byte = this.block[i] as number) !== QUOTE &&
        byte !== BACKSLASH &&
        byte >= 0x20
      )
        i++;
      if (i < 0 || i >= end) {
        if (i >= 0) this.at = Math.max(this.at, this.blockStart + end);
        if (this.peek() !== END) continue;
        this.fail("ends inside a string");
        return false;
      }
      this.at = this.blockStart + i;
      if (byte === QUOTE) {
        this.at++;
        return true;
      }
      if (byte !== BACKSLASH) {
        this.fail(
          `has ${nameOf(byte)} inside a string; write it as an escape, or close the string before it`,
        );
        return false;
      }
      if (!this.escape()) return false;
    }
  }

  private escape(): boolean {
    this.at++;
    const kind = this.peek();
    if (!ESCAPES.includes(kind)) {
      this.unexpected('one of "\\/bfnrtu after a backslash');
      return false;
    }
    this.at++;
    for (let i = 0; kind === 0x75 && i < 4; i++) {
      if (!isHexDigit(this.peek())) {
        this.unexpected("a hexadecimal digit of \\u");
        return false;
      }
      this.at++;
    }
    return true;
  }

  /** Makes the block begin at `at`. */
  private load(): boolean {
    this.blockStart = this.at;
    this.blockLength = this.file.readInto(this.block, this.at);
    return this.blockLength > 0;
  }
}

const WORDS = ["true", "false", "null"].map((word) => Buffer.from(word));
const ESCAPES = [...Buffer.from('"\\/bfnrtu')];

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isHexDigit(byte: number): boolean {
  return isDigit(byte) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}

/** As a message shows it. */
function nameOf(byte: number): string {
  if (byte === NEWLINE) return "a line break";
  if (byte < 0x20) return `a control character (0x${byte.toString(16).padStart(2, "0")})`;
  return byte < 0x7f ? `'${String.fromCharCode(byte)}'` : `byte 0x${byte.toString(16)}`;
}
