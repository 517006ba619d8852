// Matplotlib: what is shown, what is put on it, and limits that show a part. Functions of pyplot act on the current axes, the
// same words as methods on their own.
import { pictureIn, numberOf } from "../cell.ts";
import { NUMBERS, picture, UNKNOWN } from "../values.ts";
import type { Arguments, Axes, Value } from "../values.ts";
import type { Use } from "./library.ts";

const SHOWS_PICTURE = new Set(["imshow", "matshow", "pcolormesh", "figimage"]);

const MARKS = new Set(
  (
    "plot scatter text annotate axhline axvline axline hlines vlines arrow add_patch add_artist add_line " +
    "add_collection fill fill_between contour contourf quiver grid axvspan axhspan bar barh pie stem step errorbar " +
    "table hist hist2d boxplot loglog semilogx semilogy stackplot"
  ).split(" "),
);

const LIMITS = new Set(["xlim", "ylim", "set_xlim", "set_ylim", "set_xbound", "set_ybound"]);

const newAxes = (): Axes => ({ type: "axes", pictured: false });

export function pyplotCall(name: string, use: Use): Value {
  const { args, cell } = use;
  switch (name) {
    case "imread":
      return picture("array");
    case "show":
    case "draw":
    case "pause":
      cell.shows();
      cell.axes = newAxes();
      return UNKNOWN;
    case "close":
    case "clf":
    case "cla":
      cell.axes = newAxes();
      return UNKNOWN;
    case "figure":
      cell.axes = newAxes();
      return { type: "helper", kind: "figure" };
    case "gcf":
      return { type: "helper", kind: "figure" };
    case "gca":
      return cell.axes;
    case "axes":
    case "subplot":
    case "subplot2grid":
      cell.axes = newAxes();
      return cell.axes;
    case "subplots":
      return { type: "tuple", items: [{ type: "helper", kind: "figure" }, subplots(args, use)] };
    case "subplot_mosaic":
      return {
        type: "tuple",
        items: [
          { type: "helper", kind: "figure" },
          { type: "axesGrid", byIndex: new Map() },
        ],
      };
    default:
      return axesMethod(cell.axes, name, use);
  }
}

function subplots(args: Arguments, { cell }: Use): Value {
  const count = (index: number, name: string): number | undefined => {
    const value = args.positional[index] ?? args.named.get(name);
    return value === undefined ? 1 : numberOf(value);
  };
  if (count(0, "nrows") !== 1 || count(1, "ncols") !== 1) return { type: "axesGrid", byIndex: new Map() };
  cell.axes = newAxes();
  return cell.axes;
}

export function axesMethod(axes: Axes, name: string, use: Use): Value {
  const { args, cell } = use;
  const [first] = args.positional;
  if (SHOWS_PICTURE.has(name)) {
    axes.pictured = true;
    cell.looksAt(first ?? UNKNOWN);
  } else if (MARKS.has(name)) {
    const pixels = pictureIn(args);
    if (pixels !== undefined && pixels.form !== "pil") cell.add("measure");
    if (name !== "grid" || numberOf(first) !== 0) cell.marks(axes);
  } else if (LIMITS.has(name)) {
    if (args.positional.length + args.named.size > 0 && !isWhole(args)) cell.limits(axes);
  } else if (name === "axis" && (first?.type === "tuple" || first?.type === "list")) cell.limits(axes);
  else if (name === "inset_axes") return newAxes();
  return UNKNOWN;
}

/** From 0 to the picture's width or height, in either direction. */
function isWhole({ positional }: Arguments): boolean {
  const ends = positional.flatMap((value) =>
    value.type === "tuple" || value.type === "list" ? (value.items ?? []) : [value],
  );
  const zero = ends.some((end) => numberOf(end) === 0 || numberOf(end) === -0.5);
  return zero && ends.some((end) => end.type === "number" && end.of?.factor === 1);
}

export function figureMethod(name: string, use: Use): Value {
  const { cell, args } = use;
  if (name === "show") cell.shows();
  if (name === "subplots") return subplots(args, use);
  if (name === "gca") return cell.axes;
  if (name === "add_subplot" || name === "add_axes") {
    cell.axes = newAxes();
    return cell.axes;
  }
  return name === "get_size_inches" ? NUMBERS : UNKNOWN;
}
