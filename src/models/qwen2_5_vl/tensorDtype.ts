// The element types of safetensors files that model checkpoints use.

export type TensorDtype = "F32" | "F16" | "BF16" | "I32" | "I64";

/** Bytes an element takes in the file. */
export const itemBytes: Readonly<Record<TensorDtype, number>> = { F32: 4, F16: 2, BF16: 2, I32: 4, I64: 8 };

export function isTensorDtype(name: unknown): name is TensorDtype {
  return typeof name === "string" && Object.hasOwn(itemBytes, name);
}
