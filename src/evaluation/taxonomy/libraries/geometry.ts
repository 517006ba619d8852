// Crops and new sizes, which PIL, OpenCV, scikit-image and SciPy all have.
import { numberOf } from "../cell.ts";
import type { Cell } from "../cell.ts";
import { elementOf, itemAt } from "../values.ts";
import type { Dims, Picture, Value } from "../values.ts";

const side = (value: number | undefined): value is number => value !== undefined && value > 0;

function dimsOf(width: number | undefined, height: number | undefined): Dims {
  return { ...(side(width) && { width }), ...(side(height) && { height }) };
}

/** @param box left, upper, right, lower */
export function cropped(from: Picture, box: Value | undefined, cell: Cell): Picture {
  cell.add("crop");
  const items = box?.type === "tuple" || box?.type === "list" ? (box.items ?? []) : [];
  const [left, upper, right, lower] = items.map((item) => numberOf(item));
  const between = (from_: number | undefined, to: number | undefined): number | undefined =>
    from_ === undefined || to === undefined ? undefined : to - from_;
  return { ...from, dims: dimsOf(between(left, right), between(upper, lower)), cropped: true };
}

/**
 * To a new width and height. Larger is a zoom, smaller is none; where sizes are not known, a part of a picture made another
 * size was made larger to be seen.
 */
export function resized(
  from: Picture,
  width: Value | undefined,
  height: Value | undefined,
  cell: Cell,
): Picture {
  const ratios = [ratio(width, from.dims, from.dims.width), ratio(height, from.dims, from.dims.height)];
  const known = ratios.filter((one) => one !== undefined);
  const grows = known.length === 0 ? from.cropped : known.reduce((product, one) => product * one, 1) > 1;
  if (grows) cell.add("zoom");
  return { ...from, dims: dimsOf(numberOf(width), numberOf(height)) };
}

/** The same, of one value that holds both. */
export function resizedTo(from: Picture, size: Value | undefined, cell: Cell): Picture {
  return size === undefined ? from : resized(from, itemAt(size, 0), itemAt(size, 1), cell);
}

/** By a factor, or by one for each axis. */
export function scaledBy(from: Picture, factor: Value | undefined, cell: Cell): Picture {
  const by =
    numberOf(factor) ?? (factor === undefined ? undefined : numberOf(elementOf(factor))) ?? largest(factor);
  if (by === undefined ? from.cropped : by > 1) cell.add("zoom");
  return { ...from, dims: {} };
}

function largest(value: Value | undefined): number | undefined {
  const items = value?.type === "tuple" || value?.type === "list" ? (value.items ?? []) : [];
  const numbers = items.map(numberOf).filter((item) => item !== undefined);
  return numbers.length === 0 ? undefined : Math.max(...numbers);
}

function ratio(target: Value | undefined, dims: Dims, current: number | undefined): number | undefined {
  if (target?.type !== "number") return undefined;
  if (target.of?.dims === dims) return target.of.factor;
  return target.value === undefined || current === undefined ? undefined : target.value / current;
}
