// Reading JSON of which nothing is known yet: each function checks one kind of value and names its field when it is another.
import { ProtocolError } from "./wire.ts";

const INT32_MAX = 0x7fffffff;

export type JsonObject = Readonly<Record<string, unknown>>;

export function objectAt(value: unknown, field: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new ProtocolError(field, "must be an object", value);
  return value as JsonObject;
}

export function listAt(value: unknown, field: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new ProtocolError(field, "must be a list", value);
  return value;
}

export function textAt(value: unknown, field: string): string {
  if (typeof value !== "string") throw new ProtocolError(field, "must be text", value);
  return value;
}

export function numberAt(value: unknown, field: string): number {
  if (typeof value !== "number" || !Number.isFinite(value))
    throw new ProtocolError(field, "must be a finite number", value);
  return value;
}

export function wholeAt(value: unknown, field: string, least = 0, most = INT32_MAX): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most)
    throw new ProtocolError(field, `must be a whole number from ${least} to ${most}`, value);
  return value;
}

export function wholesAt(value: unknown, field: string, least = 0): Int32Array {
  const list = listAt(value, field);
  const wholes = new Int32Array(list.length);
  for (let i = 0; i < list.length; i++) {
    const item = list[i];
    // The field's path is only put together for a fault: lists are long.
    if (typeof item !== "number" || !Number.isInteger(item) || item < least || item > INT32_MAX)
      throw new ProtocolError(`${field}[${i}]`, `must be a whole number from ${least} to ${INT32_MAX}`, item);
    wholes[i] = item;
  }
  return wholes;
}

export function floatsAt(value: unknown, field: string): Float32Array {
  const list = listAt(value, field);
  const floats = new Float32Array(list.length);
  for (let i = 0; i < list.length; i++) floats[i] = floatAt(list[i], `${field}[`, i);
  return floats;
}

/** A number that float32 can hold; rounded to it. */
function floatAt(item: unknown, field: string, i: number): number {
  if (typeof item !== "number" || !Number.isFinite(Math.fround(item)))
    throw new ProtocolError(`${field}${i}]`, "must be a finite number of 32 bits", item);
  return item;
}

/** Null counts as missing: servers in Python write what is not there so. */
export function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined || value === null ? undefined : read(value);
}

/** Entries of an object, in its order; fromEntries makes an object of them whatever their names are. */
export function mapEntries<T>(
  value: unknown,
  field: string,
  read: (value: unknown, field: string) => T,
): Record<string, T> {
  return Object.fromEntries(
    Object.entries(objectAt(value, field)).map(([key, item]) => [key, read(item, `${field}.${key}`)]),
  );
}
