// The inputs and outputs of a sampling graph that carry keys and values. As lists they are keys, then values, layer by layer.
import type { Value } from "../../onnx/session.ts";
import { floats } from "./values.ts";

/** Adds cached keys and values, all of the shape `dims`, to the inputs. */
export function feedPast(
  feeds: Record<string, Value>,
  past: readonly Float32Array[],
  dims: readonly number[],
): void {
  const layers = past.length / 2;
  for (let i = 0; i < layers; i++) {
    feeds[`pastKey${i}`] = floats(past[i] as Float32Array, dims);
    feeds[`pastValue${i}`] = floats(past[layers + i] as Float32Array, dims);
  }
}

/** The new keys and values among the results. */
export function takeFresh(results: Readonly<Record<string, Value>>, layers: number): Float32Array[] {
  return Array.from({ length: 2 * layers }, (_, i) => {
    const name = i < layers ? `newKey${i}` : `newValue${i - layers}`;
    return results[name]?.data as Float32Array;
  });
}
