// From a picture to what the vision tower reads: smart resize to a multiple of 28 pixels within a pixel budget, CLIP
// normalisation, and cutting into patches. Same numbers and order as Transformers' Qwen2VLImageProcessor.
import type { RgbImage } from "../../core/image.ts";
import type { ViewImage } from "../../core/trajectory.ts";
import { DataError } from "../../core/errors.ts";
import { resizeBicubic } from "./resize.ts";

/** Bounds on the number of pixels an image has after resizing. */
export interface PixelLimits {
  readonly minPixels: number;
  readonly maxPixels: number;
}

export const patchSize = 14;
export const mergeSize = 2;
export const temporalPatchSize = 2;
/** Values in one patch: channels * frames * side * side. */
export const patchValues = 3 * temporalPatchSize * patchSize * patchSize;
export const imageMean = [0.48145466, 0.4578275, 0.40821073] as const;
export const imageStd = [0.26862954, 0.26130258, 0.27577711] as const;

const factor = patchSize * mergeSize;
const maxAspectRatio = 200;

/**
 * The size an image is shown at: both sides multiples of 28, area within the limits, aspect ratio kept as far as
 * that allows.
 * @throws DataError when one side is more than 200 times the other.
 */
export function smartResize(
  height: number,
  width: number,
  { minPixels, maxPixels }: PixelLimits,
): { height: number; width: number } {
  if (!(Number.isInteger(height) && Number.isInteger(width) && height > 0 && width > 0))
    throw new DataError(`image of ${width}x${height} pixels: both sides must be at least 1`);
  if (Math.max(height, width) / Math.min(height, width) > maxAspectRatio)
    throw new DataError(
      `image of ${width}x${height} pixels: its aspect ratio exceeds ${maxAspectRatio}; crop it before showing it`,
    );
  const fit = (side: number, round: (x: number) => number): number => round(side / factor) * factor;
  const h = fit(height, roundHalfToEven);
  const w = fit(width, roundHalfToEven);
  if (h * w > maxPixels) {
    const beta = Math.sqrt((height * width) / maxPixels);
    return {
      height: Math.max(factor, fit(height / beta, Math.floor)),
      width: Math.max(factor, fit(width / beta, Math.floor)),
    };
  }
  if (h * w < minPixels) {
    const beta = Math.sqrt(minPixels / (height * width));
    return { height: fit(height * beta, Math.ceil), width: fit(width * beta, Math.ceil) };
  }
  return { height: Math.max(factor, h), width: Math.max(factor, w) };
}

/** Python's round(): halves go to the even neighbour. */
function roundHalfToEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Of the published 7B model in the method's runs. */
export const referenceLimits: PixelLimits = { minPixels: 3_136, maxPixels: 2_000_000 };

/**
 * Placeholder tokens of an image of this size: one for every 28 x 28 pixels after the resize.
 * @throws DataError when one side is more than 200 times the other.
 */
export function visualTokens(width: number, height: number, limits: PixelLimits): number {
  const shown = smartResize(height, width, limits);
  return (shown.height / factor) * (shown.width / factor);
}

/** Resizes to the processor's grid. @throws DataError for an extreme aspect ratio. */
export function viewImage(image: RgbImage, limits: PixelLimits): ViewImage {
  if (image.data.length !== image.width * image.height * 3)
    throw new DataError(
      `image of ${image.width}x${image.height} pixels must have ${image.width * image.height * 3} bytes of RGB, got ${image.data.length}`,
    );
  const { height, width } = smartResize(image.height, image.width, limits);
  const grid = [1, height / patchSize, width / patchSize] as const;
  return {
    pixels: resizeBicubic(image, width, height),
    grid,
    tokenCount: (grid[1] * grid[2]) / (mergeSize * mergeSize),
  };
}

/** Normalised value of each byte, per channel, computed in float32 steps as numpy does. */
const normalised: readonly Float32Array[] = imageMean.map((mean, channel) =>
  Float32Array.from({ length: 256 }, (_, byte) =>
    Math.fround(
      Math.fround(Math.fround(byte * (1 / 255)) - Math.fround(mean)) / Math.fround(imageStd[channel] ?? 1),
    ),
  ),
);

/**
 * Patches [h * w, 3 * 2 * 14 * 14] of one image, values in the order channel, frame, row, column. Patches come merge cell
 * by merge cell (row-major cells, row-major inside a cell). Both frames are the same picture.
 */
export function preprocess(view: ViewImage): Float32Array {
  const [t, h, w] = view.grid;
  const { data, width, height } = view.pixels;
  if (t !== 1 || height !== h * patchSize || width !== w * patchSize)
    throw new DataError(
      `internal: grid [${view.grid.join(", ")}] does not fit an image of ${width}x${height} pixels`,
    );
  const out = new Float32Array(h * w * patchValues);
  const frameValues = patchSize * patchSize;
  let patch = 0;
  for (let cellRow = 0; cellRow < h; cellRow += mergeSize)
    for (let cellCol = 0; cellCol < w; cellCol += mergeSize)
      for (let row = cellRow; row < cellRow + mergeSize; row++)
        for (let col = cellCol; col < cellCol + mergeSize; col++, patch += patchValues)
          normalised.forEach((table, channel) => {
            const start = patch + channel * temporalPatchSize * frameValues;
            let to = start;
            for (let y = 0; y < patchSize; y++) {
              let from = ((row * patchSize + y) * width + col * patchSize) * 3 + channel;
              for (let x = 0; x < patchSize; x++, from += 3)
                out[to++] = table[data[from] as number] as number;
            }
            for (let frame = 1; frame < temporalPatchSize; frame++)
              out.copyWithin(start + frame * frameValues, start, start + frameValues);
          });
  return out;
}
