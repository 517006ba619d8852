// How a small crop looks as a matplotlib figure, without Python: for pretraining the eye. matplotlib's default
// ("auto") interpolation enlarges by a factor that is neither whole nor above 3 with a Hann window of radius 1, that
// is, a cosine blend of the two nearest pixels along each axis. The other two methods are there so that pretraining
// can vary the look and the eye does not hang on one filter.
import type { RgbImage } from "../../core/image.ts";
import type { Random } from "../../core/random.ts";

export type Interpolation = "hann" | "linear" | "nearest";

/** Side of an observed figure in px, as the tool's figure settings make it. */
const FIGURE_SIZE = 84;

/** Mostly matplotlib's own look, sometimes another. */
export function drawInterpolation(random: Random): Interpolation {
  const u = random.next();
  return u < 0.7 ? "hann" : u < 0.85 ? "linear" : "nearest";
}

/** The crop enlarged to `size` x `size` px: first each row, then each column. */
export function figureOf(
  crop: RgbImage,
  interpolation: Interpolation = "hann",
  size = FIGURE_SIZE,
): RgbImage {
  const columns = taps(size, crop.width, interpolation);
  const rows = taps(size, crop.height, interpolation);
  const wide = new Float32Array(size * crop.height * 3);
  for (let y = 0; y < crop.height; y++) {
    for (let x = 0; x < size; x++) {
      const first = (y * crop.width + (columns.first[x] as number)) * 3;
      const second = (y * crop.width + (columns.second[x] as number)) * 3;
      const weight = columns.weight[x] as number;
      const to = (y * size + x) * 3;
      for (let c = 0; c < 3; c++) {
        const value = crop.data[first + c] as number;
        wide[to + c] = value + weight * ((crop.data[second + c] as number) - value);
      }
    }
  }
  const rowValues = size * 3;
  const data = new Uint8Array(size * rowValues);
  for (let y = 0; y < size; y++) {
    const first = (rows.first[y] as number) * rowValues;
    const second = (rows.second[y] as number) * rowValues;
    const weight = rows.weight[y] as number;
    for (let i = 0; i < rowValues; i++) {
      const value = wide[first + i] as number;
      data[y * rowValues + i] = Math.round(value + weight * ((wide[second + i] as number) - value));
    }
  }
  return { width: size, height: size, data };
}

/** For each output position two source positions and the weight of the second. */
interface Taps {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly weight: Float32Array;
}

function taps(size: number, sourceSize: number, interpolation: Interpolation): Taps {
  const first = new Int32Array(size);
  const second = new Int32Array(size);
  const weight = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const centre = ((i + 0.5) * sourceSize) / size - 0.5;
    const t = centre - Math.floor(centre);
    weight[i] =
      interpolation === "linear"
        ? t
        : interpolation === "hann"
          ? 0.5 - 0.5 * Math.cos(Math.PI * t)
          : t < 0.5
            ? 0
            : 1;
    first[i] = Math.max(0, Math.floor(centre));
    second[i] = Math.min(sourceSize - 1, Math.floor(centre) + 1);
  }
  return { first, second, weight };
}
