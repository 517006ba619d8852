// Pillow: functions of its modules, and the methods of its pictures.
import { argument, numberOf, textOf } from "../cell.ts";
import { list, listOf, NUMBERS, picture, plain, UNKNOWN } from "../values.ts";
import type { Arguments, Picture, Value } from "../values.ts";
import { cropped, resizedTo, scaledBy } from "./geometry.ts";
import { adjusts, constant, does, gives, named, same, subject } from "./library.ts";
import type { Handler, Library, Use } from "./library.ts";

const SHARPENING = ["SHARPEN", "UnsharpMask", "DETAIL", "EDGE_ENHANCE", "EDGE_ENHANCE_MORE"];

const fromArray: Handler = (use) => ({ ...subject(use), form: "pil" });

const difference: Handler = (use) => ({ ...subject(use, "pil"), difference: true });

const enhancer: Handler = (use) => ({ type: "helper", kind: "enhancer", of: subject(use, "pil") });

const resizing: Handler = (use) => resizedTo(subject(use, "pil"), argument(use.args, 1, "size"), use.cell);

export const PIL: Library = new Map<string, Handler>([
  ...named(
    "Image.open Image.new Image.frombytes Image.effect_noise ImageGrab.grab",
    constant(picture("pil")),
  ),
  ...named("Image.fromarray", fromArray),
  ...named("Image.merge Image.eval ImageOps.grayscale", adjusts),
  ...named("Image.blend Image.composite Image.alpha_composite ImageOps.exif_transpose ImageOps.expand", same),
  ...named("ImageOps.autocontrast ImageOps.equalize ImageOps.invert ImageOps.posterize", does("enhance")),
  ...named("ImageOps.solarize ImageOps.colorize ImageChops.invert", does("enhance")),
  ...named("ImageOps.mirror ImageOps.flip ImageChops.offset", does("transform")),
  ...named("ImageOps.crop ImageOps.fit", (use) => cropped(subject(use, "pil"), undefined, use.cell)),
  ...named("ImageOps.scale", (use) =>
    scaledBy(subject(use, "pil"), argument(use.args, 1, "factor"), use.cell),
  ),
  ...named("ImageOps.contain ImageOps.cover ImageOps.pad", resizing),
  ...named(
    "ImageEnhance.Contrast ImageEnhance.Sharpness ImageEnhance.Brightness ImageEnhance.Color",
    enhancer,
  ),
  ...named("ImageDraw.Draw ImageDraw.ImageDraw", constant({ type: "helper", kind: "brush" })),
  ...named("ImageChops.difference ImageChops.subtract ImageChops.logical_xor", difference),
  ...named(
    "ImageChops.add ImageChops.multiply ImageChops.screen ImageChops.lighter ImageChops.darker",
    adjusts,
  ),
  ...named("ImageStat.Stat", gives("measure", { type: "helper", kind: "statistics" })),
]);

type Method = (image: Picture, args: Arguments, use: Use) => Value;

const method = (names: string, does_: Method): [string, Method][] =>
  names.split(" ").map((name) => [name, does_]);

const METHODS = new Map<string, Method>([
  ...method("crop", (image, args, { cell }) => cropped(image, argument(args, 0, "box"), cell)),
  ...method("resize", (image, args, { cell }) => {
    const box = argument(args, 2, "box");
    const from = box === undefined || box.type === "none" ? image : cropped(image, box, cell);
    return resizedTo(from, argument(args, 0, "size"), cell);
  }),
  ...method("rotate transpose transform", (image, _, { cell }) => {
    cell.add("transform");
    return { ...image, dims: {} };
  }),
  ...method("filter", (image, args, { cell }) => {
    const kind = argument(args, 0, "filter");
    const sharpens =
      kind?.type === "symbol" && SHARPENING.some((name) => kind.path === `PIL.ImageFilter.${name}`);
    cell.add(sharpens ? "enhance" : "filter");
    return plain(image);
  }),
  ...method("convert", (image, args, { cell }) => {
    const mode = textOf(argument(args, 0, "mode"));
    if (mode === "1") cell.add("filter");
    const whole = mode === undefined || ["RGB", "RGBA", "1"].includes(mode);
    return whole ? image : { ...image, adjusted: true };
  }),
  ...method("point", (image, args, { cell, apply }) => {
    const table = argument(args, 0, "lut");
    if (table?.type === "function") apply(table, [NUMBERS]);
    cell.add(table?.type === "function" && table.compares() ? "filter" : "enhance");
    return plain(image);
  }),
  ...method("getpixel getcolors histogram getextrema getbbox getprojection entropy", (_, __, { cell }) => {
    cell.add("measure");
    return NUMBERS;
  }),
  ...method("getdata get_flattened_data", (image) => ({ ...image, form: "pixels" })),
  ...method("load", () => ({ type: "helper", kind: "pixelAccess" })),
  ...method("split", (image) => list([0, 1, 2].map(() => ({ ...image, adjusted: true })))),
  ...method("getchannel", (image) => ({ ...image, adjusted: true })),
  ...method("quantize", (image, _, { cell }) => {
    cell.add("segment");
    return plain(image);
  }),
  ...method("putpixel", (image, _, { cell }) => {
    cell.add("draw");
    return image;
  }),
  ...method("paste", (image, args, { cell }) => {
    const piece = args.positional[0];
    cell.add(
      piece?.type === "tuple" || piece?.type === "text" || numberOf(piece) !== undefined
        ? "draw"
        : "transform",
    );
    return image;
  }),
  ...method("show", (image, _, { cell }) => {
    cell.looksAt(image);
    return UNKNOWN;
  }),
  ...method("reduce", (image) => ({ ...image, dims: {} })),
  ...method("save tobytes close seek verify", () => UNKNOWN),
  ...method("getbands", () => listOf({ type: "text" })),
]);

export function pilMethod(image: Picture, name: string, use: Use): Value {
  return METHODS.get(name)?.(image, use.args, use) ?? image;
}

const MARKS = new Set(
  (
    "line rectangle rounded_rectangle ellipse circle polygon regular_polygon point arc chord pieslice text " +
    "multiline_text bitmap"
  ).split(" "),
);

/** `ImageDraw.Draw(image)`. */
export function brushMethod(name: string, { cell }: Use): Value {
  if (MARKS.has(name)) cell.add("draw");
  return NUMBERS;
}

/** What a name that was never assigned must be, to have this method: worth a guess only for PIL's own words. */
export function looksLikePil(name: string, args: Arguments): boolean {
  if (name === "crop") return args.positional.length + args.named.size === 1;
  if (name === "filter") {
    const kind = args.positional[0];
    return kind?.type === "symbol" && kind.path.startsWith("PIL.ImageFilter.");
  }
  return ["rotate", "getpixel", "resize", "convert", "thumbnail", "getcolors", "transpose"].includes(name);
}
