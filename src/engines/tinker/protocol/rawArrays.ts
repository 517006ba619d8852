// Numbers as the raw little-endian bytes that the protobuf messages carry in their `bytes` fields. The views below are
// those of the machine itself, and every machine that ONNX Runtime is built for stores numbers little-endian.
import { ProtocolError, type WireTensor } from "./wire.ts";

/** Element types of a tensor on the wire, by their numbers in the enum DType. */
export const DTYPE = { float32: 1, int64: 2, int32: 3, bfloat16: 4 } as const;

const BYTES_OF = new Map<number, number>([
  [DTYPE.float32, 4],
  [DTYPE.int64, 8],
  [DTYPE.int32, 4],
  [DTYPE.bfloat16, 2],
]);

/** Bytes of one element. @throws ProtocolError for a type that is not known */
export function bytesPerElement(dtype: number, field: string): number {
  const bytes = BYTES_OF.get(dtype);
  if (bytes === undefined)
    throw new ProtocolError(field, "must be 1 (float32), 2 (int64), 3 (int32) or 4 (bfloat16)", dtype);
  return bytes;
}

/**
 * Elements of a tensor: bfloat16 becomes float32, which holds it exactly; int32 becomes int64, as the JSON form knows no
 * other. @throws ProtocolError for a length that is no multiple of an element, and for int64 values outside int32
 */
export function readElements(bytes: Uint8Array, dtype: number, field: string): Omit<WireTensor, "shape"> {
  switch (dtype) {
    case DTYPE.float32:
      return { dtype: "float32", data: readFloat32s(bytes, field) };
    case DTYPE.bfloat16:
      return { dtype: "float32", data: readBfloat16s(bytes, field) };
    case DTYPE.int32:
      return { dtype: "int64", data: readInt32s(bytes, field) };
    default:
      return { dtype: "int64", data: readInt64s(bytes, field) };
  }
}

export function elementBytes({ dtype, data }: Omit<WireTensor, "shape">): Uint8Array {
  return dtype === "float32" ? float32Bytes(data) : int64Bytes(data);
}

export function float32Bytes(values: ArrayLike<number>): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

export function int32Bytes(values: ArrayLike<number>): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}

/** Each value in 64 bits. */
export function int64Bytes(values: ArrayLike<number>): Uint8Array {
  const words = new Int32Array(values.length * 2);
  for (let i = 0; i < values.length; i++) {
    words[2 * i] = values[i] as number;
    words[2 * i + 1] = (values[i] as number) < 0 ? -1 : 0;
  }
  return new Uint8Array(words.buffer);
}

export function readFloat32s(bytes: Uint8Array, field: string): Float32Array {
  return new Float32Array(aligned(bytes, 4, field));
}

export function readInt32s(bytes: Uint8Array, field: string): Int32Array {
  return new Int32Array(aligned(bytes, 4, field));
}

export function readInt64s(bytes: Uint8Array, field: string): Int32Array {
  const words = new Int32Array(aligned(bytes, 8, field));
  const values = new Int32Array(words.length / 2);
  for (let i = 0; i < values.length; i++) {
    const low = words[2 * i] as number;
    const high = words[2 * i + 1] as number;
    // A value fits 32 bits when its upper word repeats the sign of the lower.
    if (high !== low >> 31)
      throw new ProtocolError(
        `${field}[${i}]`,
        "must fit a signed 32-bit integer",
        (BigInt(high) << 32n) | BigInt(low >>> 0),
      );
    values[i] = low;
  }
  return values;
}

function readBfloat16s(bytes: Uint8Array, field: string): Float32Array {
  const halves = new Uint16Array(aligned(bytes, 2, field));
  const bits = Uint32Array.from(halves, (half) => half << 16);
  return new Float32Array(bits.buffer);
}

/** A copy, whose buffer starts at a multiple of the element. */
function aligned(bytes: Uint8Array, size: number, field: string): ArrayBuffer {
  if (bytes.length % size !== 0)
    throw new ProtocolError(field, `must be a multiple of ${size} bytes`, `${bytes.length} bytes`);
  const buffer = new ArrayBuffer(bytes.length);
  new Uint8Array(buffer).set(bytes);
  return buffer;
}
