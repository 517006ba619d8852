// What an index takes out of a value. Only of pixels are slices crops: the slice of a list is none.
import type { Cell } from "./cell.ts";
import { elementOf, gridAxes, itemAt, list, NUMBER, NUMBERS, TEXT, UNKNOWN } from "./values.ts";
import type { Picture, Value } from "./values.ts";

export type IndexPart =
  | { readonly type: "index"; readonly value: Value }
  | { readonly type: "slice"; readonly bounded: boolean; readonly backwards: boolean }
  | { readonly type: "ellipsis" };

/** @param text the index as written: axes of a grid are known by it */
export function taken(from: Value, parts: readonly IndexPart[], text: string, cell: Cell): Value {
  const [first] = parts;
  const index = first?.type === "index" ? first.value : undefined;
  switch (from.type) {
    case "video":
      cell.add("sampleFrames");
      return { type: "picture", form: index === undefined || isMany(index) ? "frames" : "array", ...NEW };
    case "picture":
      return ofPicture(from, parts, cell);
    case "axesGrid":
      return index?.type === "number" && index.value === undefined ? elementOf(from) : gridAxes(from, text);
    case "list":
    case "tuple":
      if (index?.type === "number" && index.value !== undefined) return itemAt(from, index.value);
      if (first?.type === "slice") return from.type === "tuple" ? list(from.items) : from;
      return elementOf(from);
    case "text":
      return TEXT;
    case "numbers":
      return parts.some((part) => part.type !== "index" || isMany(part.value)) ? NUMBERS : NUMBER;
    case "helper":
      if (from.kind !== "pixelAccess") return UNKNOWN;
      cell.add("measure");
      return NUMBERS;
    default:
      return UNKNOWN;
  }
}

const NEW = { dims: {}, cropped: false, adjusted: false, difference: false } as const;

const isMany = (value: Value): boolean =>
  value.type === "numbers" || value.type === "list" || value.type === "picture" || value.type === "tuple";

function ofPicture(from: Picture, parts: readonly IndexPart[], cell: Cell): Value {
  if (from.form === "pil") return UNKNOWN;
  if (from.form === "pixels") {
    // A pixel of a row, or a value of a pixel.
    const single = parts.every((part) => part.type === "index" && !isMany(part.value));
    if (single) cell.add("measure");
    return from;
  }
  if (from.form !== "frames") return ofPlane(from, parts, cell);
  const [first, ...rest] = parts;
  if (first?.type === "ellipsis") return ofPlane(from, parts, cell);
  const whole = first?.type === "slice" && !first.bounded;
  if (!whole) cell.add("sampleFrames");
  const one = first?.type === "index" && !isMany(first.value);
  const chosen: Picture = one ? { ...from, form: "array" } : from;
  return rest.length === 0 ? chosen : ofPlane(chosen, rest, cell);
}

/** Rows, columns, channels. */
function ofPlane(from: Picture, parts: readonly IndexPart[], cell: Cell): Value {
  if (parts[0]?.type === "ellipsis") {
    const channel = parts[1];
    return channel?.type === "index" && channel.value.type !== "none" ? { ...from, adjusted: true } : from;
  }
  const [row, column, channel] = parts.filter(
    (part) => !(part.type === "index" && part.value.type === "none"),
  );
  if (row === undefined) return from;
  if (row.type === "index") {
    const point = isPoint(row.value);
    if (point || (column?.type === "index" && !isMany(row.value))) {
      cell.add("measure");
      return { ...from, form: "pixels" };
    }
    return { ...from, form: "pixels" };
  }
  if (column?.type === "index") return { ...from, form: "pixels" };
  if (channel?.type === "index" && from.form !== "mask")
    return { ...sliced(from, [row, column], cell), adjusted: true };
  return sliced(from, [row, column], cell);
}

/** `array[(y, x)]` reads one pixel. */
const isPoint = (value: Value): boolean =>
  value.type === "tuple" && value.items.length >= 2 && value.items.every((item) => item.type === "number");

function sliced(from: Picture, places: readonly (IndexPart | undefined)[], cell: Cell): Picture {
  const slices = places.filter((part) => part?.type === "slice");
  if (slices.some((slice) => slice.backwards && !slice.bounded)) cell.add("transform");
  if (!slices.some((slice) => slice.bounded)) return from;
  if (from.form !== "mask") cell.add("crop");
  return { ...from, dims: {}, cropped: true };
}
