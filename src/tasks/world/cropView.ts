// How a small crop looks as a matplotlib figure, without Python: for pretraining the eye. matplotlib's default
// ("auto") interpolation enlarges by a factor that is neither whole nor above 3 with a Hann window of radius 1, that
// is, a cosine blend of the two nearest pixels along each axis. The other two methods are there so that pretraining
// can vary the look and the eye does not hang on one filter.
import type { RgbImage } from "../../core/image.ts";
import type { Random } from "../../core/random.ts";

export const INTERPOLATIONS = ["hann", "linear", "nearest"] as const;
export type Interpolation = (typeof INTERPOLATIONS)[number];

/** Side of an observed figure in px, as the tool's figure settings make it. */
export const FIGURE_SIZE = 84;

/** Mostly matplotlib's own look, sometimes another. */
export function drawInterpolation(random: Random): Interpolation {
  const u = random.next();
  return u < 0.7 ? "hann" : u < 0.85 ? "linear" : "nearest";
}

/** The crop enlarged to `size` x `size` px. */
export function figureOf(
  crop: RgbImage,
  interpolation: Interpolation = "hann",
  size = FIGURE_SIZE,
): RgbImage {
  const data = new Uint8Array(size * size * 3);
  const columns = Array.from({ length: size }, (_, i) => tap(i, size, crop.width, interpolation));
  const rows = Array.from({ length: size }, (_, i) => tap(i, size, crop.height, interpolation));
  let at = 0;
  for (const [y0, y1, v] of rows) {
    for (const [x0, x1, u] of columns) {
      for (let channel = 0; channel < 3; channel++) {
        const pixel = (x: number, y: number): number =>
          crop.data[(y * crop.width + x) * 3 + channel] as number;
        const above = pixel(x0, y0) * (1 - u) + pixel(x1, y0) * u;
        const below = pixel(x0, y1) * (1 - u) + pixel(x1, y1) * u;
        data[at++] = Math.round(above * (1 - v) + below * v);
      }
    }
  }
  return { width: size, height: size, data };
}

/** Two source positions and the weight of the second for output position i. */
function tap(
  i: number,
  size: number,
  sourceSize: number,
  interpolation: Interpolation,
): readonly [first: number, second: number, weight: number] {
  const centre = ((i + 0.5) * sourceSize) / size;
  const clamp = (index: number): number => Math.min(sourceSize - 1, Math.max(0, index));
  if (interpolation === "nearest") return [clamp(Math.floor(centre)), clamp(Math.floor(centre)), 0];
  const first = Math.floor(centre - 0.5);
  const t = centre - 0.5 - first;
  return [clamp(first), clamp(first + 1), interpolation === "linear" ? t : 0.5 - 0.5 * Math.cos(Math.PI * t)];
}
