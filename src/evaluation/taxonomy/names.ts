// What a name means that the code did not assign itself: what the session holds from the start, what Python brings, and the
// usual aliases of libraries, which code uses now and then without an import.
import { picture, VIDEO } from "./values.ts";
import type { Value } from "./values.ts";
import type { Context } from "./session.ts";

const USUAL: Readonly<Record<string, string>> = {
  np: "numpy",
  numpy: "numpy",
  plt: "matplotlib.pyplot",
  cv2: "cv2",
  Image: "PIL.Image",
  ImageOps: "PIL.ImageOps",
  ImageEnhance: "PIL.ImageEnhance",
  ImageFilter: "PIL.ImageFilter",
  ImageDraw: "PIL.ImageDraw",
  ImageChops: "PIL.ImageChops",
  ImageStat: "PIL.ImageStat",
  ndimage: "scipy.ndimage",
  math: "math",
  display: "IPython.display.display",
  decord: "decord",
  VideoReader: "decord.VideoReader",
};

const BUILT_IN = new Set(
  (
    "abs all any bool bytes callable chr dict dir divmod enumerate eval exec filter float getattr hasattr hash " +
    "input int isinstance iter len list map max min next open ord pow print range repr reversed round set setattr " +
    "slice sorted str sum super tuple type vars zip"
  ).split(" "),
);

/** Names that modules are known by in other words. */
const CANONICAL: readonly (readonly [string, string])[] = [
  ["pylab", "matplotlib.pyplot"],
  ["skimage.filters.rank", "skimage.filters"],
  ["scipy.ndimage.filters", "scipy.ndimage"],
  ["scipy.ndimage.morphology", "scipy.ndimage"],
  ["scipy.ndimage.interpolation", "scipy.ndimage"],
  ["scipy.ndimage.measurements", "scipy.ndimage"],
  ["matplotlib.image", "matplotlib.pyplot"],
  ["IPython.core.display", "IPython.display"],
];

export function symbol(path: string): Value {
  for (const [from, to] of CANONICAL)
    if (path === from || path.startsWith(`${from}.`))
      return { type: "symbol", path: to + path.slice(from.length) };
  return { type: "symbol", path };
}

export function nameValue(name: string, { scope, session }: Context): Value {
  const assigned = scope.get(name);
  if (assigned !== undefined) return assigned;
  if (isNumbered(name, "image_clue_")) {
    // One object for the whole trajectory, so that sizes read from it in one cell say something in the next.
    const clue = picture("pil");
    session.globals.set(name, clue);
    return clue;
  }
  if (isNumbered(name, "video_clue_")) return VIDEO;
  if (BUILT_IN.has(name)) return symbol(`builtins.${name}`);
  const usual = USUAL[name];
  if (usual !== undefined && Object.hasOwn(USUAL, name)) return symbol(usual);
  const starred = session.starred[0];
  if (starred !== undefined) return symbol(`${starred}.${name}`);
  return { type: "unknown", free: true };
}

function isNumbered(name: string, prefix: string): boolean {
  if (!name.startsWith(prefix) || name.length === prefix.length) return false;
  return [...name.slice(prefix.length)].every((char) => char >= "0" && char <= "9");
}
