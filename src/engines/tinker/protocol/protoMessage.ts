// Reading one protobuf message field by field. Whatever is wrong with the bytes (cut off, another wire type, a number out
// of range, no UTF-8) becomes a ProtocolError with the path of the field; fields that are not asked for are passed over.
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { ProtocolError } from "./wire.ts";

const INT32_MAX = 0x7fffffff;

/** Calls `visit` for every field of the message, in the order of the bytes. */
export function readMessage(bytes: Uint8Array, path: string, visit: (field: ProtoField) => void): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const at = reader.pos;
    const [number, wireType] = guarded(path, () => reader.tag());
    const field = new ProtoField(reader, number, wireType, path);
    visit(field);
    field.skipIfUnread();
    if (reader.pos <= at || reader.pos > reader.len) throw cutOff(path);
  }
}

/** The value behind one tag; each method reads it as one type and checks that the bytes say so, too. */
export class ProtoField {
  readonly number: number;
  readonly #reader: BinaryReader;
  readonly #wireType: WireType;
  readonly #path: string;
  #read = false;

  constructor(reader: BinaryReader, number: number, wireType: WireType, path: string) {
    this.#reader = reader;
    this.number = number;
    this.#wireType = wireType;
    this.#path = path;
  }

  /** A view of the message's own bytes. */
  bytes(name: string): Uint8Array {
    return this.#take(name, WireType.LengthDelimited, (reader) => reader.bytes());
  }

  text(name: string): string {
    return this.#take(name, WireType.LengthDelimited, (reader) => reader.string(true));
  }

  double(name: string): number {
    return this.#take(name, WireType.Bit64, (reader) => reader.double());
  }

  bool(name: string): boolean {
    return this.#take(name, WireType.Varint, (reader) => reader.bool());
  }

  /** Of any integer or enum field. */
  whole(name: string, least = 0, most = INT32_MAX): number {
    const value = this.#take(name, WireType.Varint, (reader) => reader.int64());
    return inRange(value, least, most, join(this.#path, name));
  }

  /** The next value, or values, of a repeated integer field: packed together or one by one. */
  wholes(name: string, into: number[], most: number): void {
    if (this.#wireType !== WireType.LengthDelimited) into.push(this.whole(name));
    else {
      const field = join(this.#path, name);
      const packed = new BinaryReader(this.bytes(name));
      while (packed.pos < packed.len) {
        const value = guarded(field, () => packed.int64());
        if (packed.pos > packed.len) throw cutOff(field);
        into.push(inRange(value, 0, INT32_MAX, field));
        if (into.length > most) break;
      }
    }
    if (into.length > most)
      throw new ProtocolError(join(this.#path, name), `must be at most ${most} numbers`, into.length);
  }

  skipIfUnread(): void {
    if (!this.#read) guarded(this.#path, () => this.#reader.skip(this.#wireType, this.number));
  }

  #take<T>(name: string, wireType: WireType, read: (reader: BinaryReader) => T): T {
    const field = join(this.#path, name);
    if (this.#wireType !== wireType)
      throw new ProtocolError(
        field,
        `its bytes must be of wire type ${wireType} (${WireType[wireType]})`,
        this.#wireType,
      );
    this.#read = true;
    return guarded(field, () => read(this.#reader));
  }
}

/** `a.b`; the outermost message has the empty path. */
export function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function guarded<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new ProtocolError(
      field === "" ? "body" : field,
      `cannot be read as protobuf (${error instanceof Error ? error.message : String(error)})`,
    );
  }
}

function cutOff(path: string): ProtocolError {
  return new ProtocolError(path === "" ? "body" : path, "cannot be read as protobuf (premature end)");
}

function inRange(value: bigint | number | string, least: number, most: number, field: string): number {
  const number = Number(value);
  if (number < least || number > most)
    throw new ProtocolError(field, `must be a whole number from ${least} to ${most}`, value);
  return number;
}
