// What is known of a value without running anything: enough to tell a picture from a list, and a larger picture from a
// smaller one. `unknown` is an honest answer everywhere.

/** What a function was called with. */
export interface Arguments {
  readonly positional: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
}

/** The size of a picture. The object itself stands for the size: pictures of equal but unknown size share one. */
export interface Dims {
  readonly width?: number;
  readonly height?: number;
}

/**
 * `pil`: a PIL image. `array`: rows × columns (× channels). `frames`: a stack of such. `mask`: one truth value or label a
 * pixel. `pixels`: rows, columns or selections of pixels, no longer a picture.
 */
export interface Picture {
  readonly type: "picture";
  readonly form: "pil" | "array" | "frames" | "mask" | "pixels";
  readonly dims: Dims;
  /** Part of a larger picture. */
  readonly cropped: boolean;
  /** Its colours were changed or chosen, which counts once somebody looks at it. */
  readonly adjusted: boolean;
  /** It is the difference of two pictures, which counts once somebody looks at it. */
  readonly difference: boolean;
}

export interface NumberValue {
  readonly type: "number";
  readonly value?: number;
  /** A multiple of a picture's width or height. */
  readonly of?: { readonly dims: Dims; readonly factor: number };
}

/** A list, set or dictionary (then of its values). */
export interface List {
  readonly type: "list";
  element: Value;
  /** While every item is known. */
  items: Value[] | undefined;
}

export interface FunctionValue {
  readonly type: "function";
  /** Reads the body with these arguments. */
  readonly call: (args: Arguments) => Value;
  /** Whether something is compared in the body: of a function over levels of grey, that makes it a threshold. */
  readonly compares: () => boolean;
}

export interface ClassValue {
  readonly type: "class";
  readonly member: (name: string) => Value | undefined;
}

export interface Instance {
  readonly type: "instance";
  readonly of: ClassValue;
  readonly fields: Map<string, Value>;
}

export interface Axes {
  readonly type: "axes";
  /** Whether it shows a picture. */
  pictured: boolean;
}

/** What `subplots` gives: axes by the text of a literal index. */
export interface AxesGrid {
  readonly type: "axesGrid";
  readonly byIndex: Map<string, Axes>;
}

export type Value =
  | { readonly type: "unknown"; readonly free?: boolean }
  | { readonly type: "none" }
  | NumberValue
  /** Numbers of which none is a pixel. */
  | { readonly type: "numbers" }
  | { readonly type: "text"; readonly value?: string }
  /** A module, or something in it: "numpy", "PIL.Image.open". */
  | { readonly type: "symbol"; readonly path: string }
  | { readonly type: "tuple"; readonly items: readonly Value[] }
  | List
  | Picture
  | { readonly type: "video" }
  | Axes
  | AxesGrid
  /** A helper that a library hands out, made for a picture or not. */
  | { readonly type: "helper"; readonly kind: HelperKind; readonly of?: Value }
  | { readonly type: "method"; readonly on: Value; readonly name: string }
  | FunctionValue
  | ClassValue
  | Instance;

export type HelperKind =
  "brush" | "enhancer" | "pixelAccess" | "equaliser" | "finder" | "figure" | "statistics" | "capture";

export const UNKNOWN: Value = { type: "unknown" };
export const NONE: Value = { type: "none" };
export const NUMBERS: Value = { type: "numbers" };
export const TEXT: Value = { type: "text" };
export const NUMBER: NumberValue = { type: "number" };
export const VIDEO: Value = { type: "video" };

export function picture(form: Picture["form"], dims: Dims = {}): Picture {
  return { type: "picture", form, dims, cropped: false, adjusted: false, difference: false };
}

/** The same pixels' places in new pixels: what filters and masks give. */
export function plain(from: Picture, form: Picture["form"] = from.form): Picture {
  return { ...from, form, adjusted: false, difference: false };
}

export function list(items: readonly Value[]): List {
  return { type: "list", element: items.reduce(join, UNKNOWN), items: [...items] };
}

export function listOf(element: Value): List {
  return { type: "list", element, items: undefined };
}

const RANK: readonly Value["type"][] = ["unknown", "none", "number", "text", "numbers", "tuple", "list"];

/** What is known of a value that is one or the other: the more telling of the two. */
export function join(one: Value, other: Value): Value {
  if (one === other) return one;
  if (one.type === "list" && other.type === "list" && one.element !== other.element)
    return listOf(join(one.element, other.element));
  if (one.type === "number" && other.type === "number") return either(one, other);
  const rank = (value: Value): number => {
    const found = RANK.indexOf(value.type);
    return value.type === "picture" ? RANK.length + 1 : found === -1 ? RANK.length : found;
  };
  return rank(other) >= rank(one) ? other : one;
}

/** Both sides of a picture in one are still that multiple of it. */
function either(one: NumberValue, other: NumberValue): NumberValue {
  const same = one.of !== undefined && one.of.dims === other.of?.dims && one.of.factor === other.of.factor;
  return same ? { type: "number", of: one.of } : NUMBER;
}

/** An item of what is iterated over. */
export function elementOf(value: Value): Value {
  switch (value.type) {
    case "list":
      return value.element;
    case "tuple":
      return value.items.reduce(join, UNKNOWN);
    case "text":
      return TEXT;
    case "numbers":
      return NUMBERS;
    case "video":
      return picture("array");
    case "axesGrid":
      return gridAxes(value, "");
    case "picture":
      return value.form === "frames" ? { ...value, form: "array" } : { ...value, form: "pixels" };
    default:
      return UNKNOWN;
  }
}

export function gridAxes(grid: AxesGrid, index: string): Axes {
  const known = grid.byIndex.get(index);
  if (known !== undefined) return known;
  const axes: Axes = { type: "axes", pictured: false };
  grid.byIndex.set(index, axes);
  return axes;
}

/** Items by their place, for targets such as `a, b = value`. */
export function itemAt(value: Value, index: number): Value {
  if (value.type === "tuple") return value.items.at(index) ?? UNKNOWN;
  if (value.type === "list" && value.items !== undefined) return value.items.at(index) ?? value.element;
  if (value.type === "axesGrid") return gridAxes(value, String(index));
  return elementOf(value);
}
