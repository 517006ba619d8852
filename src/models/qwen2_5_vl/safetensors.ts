// Reading and writing the safetensors format: 8 bytes of header length, a JSON header, raw little-endian data. The
// header comes from outside, so it is checked completely (types, sizes, bounds, no gap, no overlap) before a byte of
// data is read. Files are written beside their destination and renamed, so a crash never leaves half a checkpoint.
// Byte order is the machine's own: little-endian, as every platform of Node in use is.
import { open, type FileHandle } from "node:fs/promises";
import { DataError } from "../../core/errors.ts";
import { writeAtomically } from "./atomicFile.ts";
import { bfloatToFloat, floatToBfloat, floatToHalf, halfToFloat } from "./halfFloat.ts";
import { parseHeader, type TensorEntry } from "./safetensorsHeader.ts";
import { itemBytes, type TensorDtype } from "./tensorDtype.ts";

export type TensorData = Float32Array | Int32Array | BigInt64Array;

export interface StoredTensor {
  /** Type in the file. F16 and BF16 are widened to Float32Array in memory. Default on writing: by the array's type. */
  readonly dtype?: TensorDtype;
  readonly shape: readonly number[];
  /** Row-major; length is the product of shape. */
  readonly data: TensorData;
}

export interface SafetensorsFile {
  readonly tensors: Map<string, StoredTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

const maxHeaderBytes = 100_000_000;
const maxReadBytes = 1 << 30;

/** @throws DataError when the file is missing, truncated, or breaks the format's rules. */
export async function readSafetensors(path: string): Promise<SafetensorsFile> {
  const file = await openForRead(path);
  try {
    const { size } = await file.stat();
    if (size < 8) throw new DataError(`${path}: a safetensors file has at least 8 bytes, got ${size}`);
    const prefix = await readBytes(file, 0, 8, path);
    const headerBytes = Number(new DataView(prefix).getBigUint64(0, true));
    if (headerBytes > maxHeaderBytes || headerBytes > size - 8)
      throw new DataError(
        `${path}: header of ${headerBytes} bytes does not fit a file of ${size}; it is damaged`,
      );
    const text = new TextDecoder().decode(await readBytes(file, 8, headerBytes, path));
    const dataStart = 8 + headerBytes;
    const header = parseHeader(text, size - dataStart, path);
    const tensors = new Map<string, StoredTensor>();
    for (const [name, entry] of header.tensors) {
      const bytes = await readBytes(file, dataStart + entry.begin, entry.end - entry.begin, path);
      tensors.set(name, { dtype: entry.dtype, shape: entry.shape, data: decodeData(entry, bytes) });
    }
    return { tensors, metadata: header.metadata };
  } finally {
    await file.close();
  }
}

/**
 * Writes all tensors in a fixed order (widest type first, then by name), so equal content gives equal bytes.
 * @throws DataError when a shape does not match its data.
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<readonly [string, StoredTensor]>,
  metadata: Readonly<Record<string, string>> = { format: "pt" },
): Promise<void> {
  const items = [...tensors].map(([name, tensor]) => ({
    name,
    tensor,
    dtype: tensor.dtype ?? dtypeOf(tensor.data),
  }));
  items.sort(
    (a, b) => itemBytes[b.dtype] - itemBytes[a.dtype] || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
  const header = new Map<string, unknown>();
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const { name, tensor, dtype } of items) {
    const count = tensor.shape.reduce((product, n) => product * n, 1);
    if (count !== tensor.data.length)
      throw new DataError(
        `${name}: shape [${tensor.shape.join(", ")}] holds ${count} values, but data has ${tensor.data.length}`,
      );
    if (name === "__metadata__" || header.has(name))
      throw new DataError(`tensor name "${name}" is reserved or given twice`);
    const bytes = encodeData(name, dtype, tensor.data);
    header.set(name, { dtype, shape: tensor.shape, data_offsets: [at, at + bytes.byteLength] });
    chunks.push(bytes);
    at += bytes.byteLength;
  }
  const sortedMetadata = Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)));
  let json = JSON.stringify({ __metadata__: sortedMetadata, ...Object.fromEntries(header) });
  json += " ".repeat((8 - (Buffer.byteLength(json) % 8)) % 8);
  const prefix = new Uint8Array(8);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(Buffer.byteLength(json)), true);
  await writeAtomically(path, [prefix, Buffer.from(json), ...chunks]);
}

async function openForRead(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (error) {
    throw new DataError(`${path}: cannot be opened: ${(error as Error).message}`, { cause: error });
  }
}

async function readBytes(
  file: FileHandle,
  position: number,
  length: number,
  path: string,
): Promise<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const { bytesRead } = await file.read(bytes, at, Math.min(length - at, maxReadBytes), position + at);
    if (bytesRead === 0)
      throw new DataError(`${path}: ends at byte ${position + at}, ${length - at} bytes short`);
    at += bytesRead;
  }
  return bytes.buffer;
}

function decodeData(entry: TensorEntry, bytes: ArrayBuffer): TensorData {
  switch (entry.dtype) {
    case "F32":
      return new Float32Array(bytes);
    case "F16":
      return halfToFloat(new Uint16Array(bytes));
    case "BF16":
      return bfloatToFloat(new Uint16Array(bytes));
    case "I32":
      return new Int32Array(bytes);
    case "I64":
      return new BigInt64Array(bytes);
    default:
      return entry.dtype satisfies never;
  }
}

function encodeData(name: string, dtype: TensorDtype, data: TensorData): Uint8Array {
  if (dtype !== dtypeOf(data) && !(data instanceof Float32Array && (dtype === "F16" || dtype === "BF16")))
    throw new DataError(`${name}: a ${data.constructor.name} cannot be written as ${dtype}`);
  const stored =
    data instanceof Float32Array && dtype === "F16"
      ? floatToHalf(data)
      : data instanceof Float32Array && dtype === "BF16"
        ? floatToBfloat(data)
        : data;
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}

function dtypeOf(data: TensorData): TensorDtype {
  return data instanceof Float32Array ? "F32" : data instanceof Int32Array ? "I32" : "I64";
}
