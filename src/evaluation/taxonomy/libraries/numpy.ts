// NumPy: functions, and the methods of arrays that are pixels. Without a picture among its arguments a call is arithmetic.
import { asPicture, pictureIn } from "../cell.ts";
import { binary } from "../operators.ts";
import { listOf, NUMBER, NUMBERS, plain } from "../values.ts";
import type { Picture, Value } from "../values.ts";
import type { Use } from "./library.ts";
import { REDUCTIONS, reduced } from "./reductions.ts";

const words = (text: string): ReadonlySet<string> => new Set(text.split(" "));

/** Make numbers out of nothing, or repeat what is given: no arithmetic yet. */
const MAKERS = words(
  "array asarray asanyarray ascontiguousarray zeros ones empty full zeros_like ones_like empty_like full_like " +
    "copy eye uint8 int32 int64 float32 float64 printoptions set_printoptions newaxis ndarray asfarray",
);
const COPIES = words("array asarray asanyarray ascontiguousarray copy asfarray");
const TURNS = words("rot90 flip fliplr flipud roll");
const PUTS_TOGETHER = words("hstack vstack concatenate tile block column_stack row_stack");
const FILTERS = words("gradient convolve fft.fft2 fft.ifft2 fft.fft");
const LOGIC = words("logical_and logical_or logical_not logical_xor isin bitwise_and bitwise_or invert");
const COMPARE: Readonly<Record<string, string>> = {
  greater: ">",
  greater_equal: ">=",
  less: "<",
  less_equal: "<=",
  equal: "==",
  not_equal: "!=",
  isclose: "==",
  subtract: "-",
  add: "+",
  multiply: "*",
  divide: "/",
  power: "**",
  dot: "+",
};

export function numpyCall(name: string, use: Use): Value {
  const { args, cell } = use;
  const [first, second] = args.positional;
  const pixels = pictureIn(args);
  if (pixels === undefined) return withoutPixels(name, use);
  if (COPIES.has(name)) return arrayOf(first ?? pixels, pixels);
  if (MAKERS.has(name)) return name.endsWith("_like") ? NUMBERS : pixels;
  if (name === "stack") return { ...pixels, form: pixels.form === "mask" ? "mask" : "frames" };
  if (name === "array_equal" || name === "allclose") {
    cell.add("measure");
    return NUMBER;
  }
  if (name === "where") return args.positional.length > 1 ? chosen(args.positional, pixels) : measured(use);
  if (name === "linalg.norm")
    return args.named.has("axis") ? { ...pixels, difference: pixels.form !== "pixels" } : measured(use);
  if (REDUCTIONS.has(name)) {
    const axis =
      name.includes("percentile") || name === "quantile"
        ? args.named.get("axis")
        : (args.named.get("axis") ?? second);
    return reduced(pixels, name, axis, cell);
  }
  const operator = Object.hasOwn(COMPARE, name) ? COMPARE[name] : undefined;
  if (operator !== undefined && first !== undefined && second !== undefined)
    return binary(first, operator, second, cell);
  if (LOGIC.has(name)) return plain(pixels, pixels.form === "pixels" ? "pixels" : "mask");
  const whole = pixels.form !== "pixels" && pixels.form !== "mask";
  if (TURNS.has(name) && whole) cell.add("transform");
  if (PUTS_TOGETHER.has(name) && whole && pixels.form !== "frames") {
    cell.add("transform");
    return { ...pixels, dims: {} };
  }
  if ((name === "repeat" || name === "kron") && whole) cell.add("zoom");
  if (FILTERS.has(name)) cell.add("filter");
  if (["ravel", "reshape"].includes(name)) return { ...pixels, form: "pixels" };
  return pixels;
}

function withoutPixels(name: string, { cell }: Use): Value {
  if (!MAKERS.has(name)) cell.calculates();
  return NUMBERS;
}

function measured({ cell }: Use): Value {
  cell.add("measure");
  return NUMBERS;
}

/** `np.where(mask, a, b)`: a picture if one of the two is. */
function chosen(values: readonly Value[], pixels: Picture): Value {
  const [, a, b] = values;
  return asPicture(a) ?? asPicture(b) ?? pixels;
}

function arrayOf(given: Value, pixels: Picture): Value {
  if (given.type === "list" || given.type === "tuple")
    return { ...pixels, form: pixels.form === "pixels" ? "pixels" : "frames" };
  return pixels.form === "pil" ? { ...pixels, form: "array" } : pixels;
}

export function arrayMethod(pixels: Picture, name: string, use: Use): Value {
  const { args, cell } = use;
  if (REDUCTIONS.has(name)) return reduced(pixels, name, args.named.get("axis") ?? args.positional[0], cell);
  if (name === "flatten" || name === "ravel") return { ...pixels, form: "pixels" };
  if (name === "reshape") {
    const [shape] = args.positional;
    const sides = shape?.type === "tuple" ? shape.items.length : args.positional.length;
    return sides >= 3 ? pixels : { ...pixels, form: "pixels" };
  }
  if (name === "tolist") return listOf({ ...pixels, form: "pixels" });
  if (name === "dot") return { ...pixels, adjusted: true };
  return pixels;
}
