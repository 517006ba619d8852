// Typed arrays as graph inputs.
import type { Value } from "../../onnx/session.ts";

export function floats(data: Float32Array, dims: readonly number[]): Value {
  return { data, dims };
}

export function ints(data: ArrayLike<number>, dims: readonly number[] = [data.length]): Value {
  const wide = new BigInt64Array(data.length);
  for (let i = 0; i < data.length; i++) wide[i] = BigInt(data[i] as number);
  return { data: wide, dims };
}

const rowCache = new Map<number, Value>();

/** 0, 1, ..., n - 1 as [1, n]. */
export function rowIds(n: number): Value {
  let value = rowCache.get(n);
  if (value === undefined) {
    if (rowCache.size > 256) rowCache.clear();
    rowCache.set(
      n,
      (value = ints(
        Int32Array.from({ length: n }, (_, i) => i),
        [1, n],
      )),
    );
  }
  return value;
}
