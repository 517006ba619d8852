// A batch of training in requests of bounded size, and their results as those of one. Servers say how much they take at once
// (client/config); pictures reach the bytes first, text the count.
import type { ForwardBackwardOutput, WireDatum } from "./wire.ts";

export interface ChunkLimits {
  /** Datums of one request. */
  readonly maxCount: number;
  /** Bytes of one request, by `wireBytes`; a datum above it goes alone. */
  readonly maxBytes: number;
}

export const CHUNK_LIMITS: ChunkLimits = { maxCount: 1024, maxBytes: 5_000_000 };

/** The batch in order, in as few requests as the limits allow; none for an empty batch. */
export function splitCall(
  data: readonly WireDatum[],
  { maxCount, maxBytes }: ChunkLimits = CHUNK_LIMITS,
): WireDatum[][] {
  const requests: WireDatum[][] = [];
  let bytes = 0;
  for (const datum of data) {
    const size = wireBytes(datum);
    const last = requests.at(-1);
    if (last === undefined || last.length >= maxCount || bytes + size > maxBytes) {
      requests.push([datum]);
      bytes = size;
    } else {
      last.push(datum);
      bytes += size;
    }
  }
  return requests;
}

/** What a datum takes as protobuf, without its names and tags. */
export function wireBytes(datum: WireDatum): number {
  let bytes = 0;
  for (const chunk of datum.chunks)
    bytes += chunk.type === "encoded_text" ? chunk.tokens.length * 4 : chunk.data.length;
  for (const { dtype, data } of Object.values(datum.inputs))
    bytes += data.length * (dtype === "int64" ? 8 : 4);
  return bytes;
}

/**
 * Outputs in order, and metrics by the reduction behind the colon of their names: `mean` and `slack` (maximum minus mean)
 * count each part by its datums, `unique` keeps every value under names of its own, `hash2` and `hash_unordered` add whole
 * numbers modulo 2^64. A metric without a reduction that is known is kept where the parts agree, and `last` where not; one
 * that some part does not tell is left out.
 */
export function mergeOutputs(parts: readonly ForwardBackwardOutput[]): ForwardBackwardOutput {
  const [first] = parts;
  if (first === undefined) return { outputType: "", outputs: [], metrics: {} };
  if (parts.length === 1) return first;
  const counts = parts.map((part) => part.outputs.length);
  const metrics = Object.keys(first.metrics).flatMap((key): [string, number][] => {
    const values = parts.flatMap((part) => part.metrics[key] ?? []);
    return values.length === parts.length ? reduced(key, values, counts) : [];
  });
  return {
    outputType: first.outputType,
    outputs: parts.flatMap((part) => part.outputs),
    metrics: Object.fromEntries(metrics),
  };
}

function reduced(key: string, values: readonly number[], counts: readonly number[]): [string, number][] {
  const last = values.at(-1) as number;
  switch (key.slice(key.lastIndexOf(":") + 1)) {
    case "sum":
      return [[key, values.reduce((sum, value) => sum + value, 0)]];
    case "mean":
      return [[key, mean(values, counts)]];
    case "min":
      return [[key, values.reduce((a, b) => Math.min(a, b))]];
    case "max":
      return [[key, values.reduce((a, b) => Math.max(a, b))]];
    case "slack":
      return [[key, values.reduce((a, b) => Math.max(a, b)) - mean(values, counts)]];
    case "hash2":
    case "hash_unordered":
      return [[key, wrappedSum(values)]];
    case "unique":
      return values.map((value, i) => [i === 0 ? key : `${key}_${i}`, value]);
    case "last":
      return [[key, last]];
    default:
      return values.every((value) => value === last) ? [[key, last]] : [];
  }
}

/** Each value counts as often as its part has datums; once where none has any. */
function mean(values: readonly number[], counts: readonly number[]): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return total === 0
    ? values.reduce((sum, value) => sum + value, 0) / values.length
    : values.reduce((sum, value, i) => sum + value * (counts[i] as number), 0) / total;
}

function wrappedSum(values: readonly number[]): number {
  if (!values.every(Number.isFinite)) return Number.NaN;
  return Number(
    BigInt.asUintN(
      64,
      values.reduce((sum, value) => sum + BigInt(Math.trunc(value)), 0n),
    ),
  );
}
