// The JSON header of a safetensors file, checked against the rules of the format: tensors tile the data exactly, without
// gaps or overlaps, each as long as its type and shape say.
import { DataError } from "../../core/errors.ts";
import { isTensorDtype, itemBytes, type TensorDtype } from "./tensorDtype.ts";

export interface TensorEntry {
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  /** Byte range [begin, end) in the data section. */
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** In the order of the data. */
  readonly tensors: Map<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** @throws DataError naming the file, the tensor and the rule. */
export function parseHeader(text: string, dataBytes: number, path: string): SafetensorsHeader {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new DataError(`${path}: the header is not JSON: ${(error as Error).message}`, { cause: error });
  }
  if (!isRecord(json)) throw new DataError(`${path}: the header must be a JSON object`);
  const metadata: Record<string, string> = {};
  const entries: [string, TensorEntry][] = [];
  for (const [name, value] of Object.entries(json)) {
    if (name === "__metadata__") Object.assign(metadata, parseMetadata(value, path));
    else entries.push([name, parseEntry(value, `${path}: tensor "${name}"`)]);
  }
  entries.sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const [name, entry] of entries) {
    if (entry.begin !== at) {
      const kind = entry.begin < at ? "overlaps the tensor before it" : "leaves a gap before it";
      throw new DataError(
        `${path}: tensor "${name}" starts at byte ${entry.begin} and ${kind}, which ends at ${at}`,
      );
    }
    at = entry.end;
  }
  if (at !== dataBytes)
    throw new DataError(`${path}: tensors take ${at} bytes, but the file holds ${dataBytes} bytes of data`);
  return { tensors: new Map(entries), metadata };
}

function parseEntry(value: unknown, where: string): TensorEntry {
  if (!isRecord(value)) throw new DataError(`${where}: must be an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isTensorDtype(dtype))
    throw new DataError(
      `${where}: dtype must be one of ${Object.keys(itemBytes).join(", ")}, got ${JSON.stringify(dtype)}`,
    );
  if (!isSizes(shape))
    throw new DataError(`${where}: shape must be a list of integers >= 0, got ${JSON.stringify(shape)}`);
  if (!isSizes(offsets) || offsets.length !== 2)
    throw new DataError(`${where}: data_offsets must be [begin, end], got ${JSON.stringify(offsets)}`);
  const [begin, end] = offsets as [number, number];
  const bytes = shape.reduce((product, n) => product * n, itemBytes[dtype]);
  if (end - begin !== bytes)
    throw new DataError(
      `${where}: ${dtype} [${shape.join(", ")}] takes ${bytes} bytes, but data_offsets span ${end - begin}`,
    );
  return { dtype, shape, begin, end };
}

function parseMetadata(value: unknown, path: string): Record<string, string> {
  if (!isRecord(value) || !Object.values(value).every((v) => typeof v === "string"))
    throw new DataError(`${path}: __metadata__ must map strings to strings`);
  return value as Record<string, string>;
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
