// Pictures for the comparison of image processors: noise, which shows every deviation of a resampling kernel, and a smooth
// drawing with edges, which is what people show a model.
import type { RgbImage } from "../../../core/image.ts";
import type { PixelLimits } from "../../../models/qwen2_5_vl/imageProcessor.ts";
import { hashImage } from "../../../models/qwen2_5_vl/testFixtures.ts";
import { writePicture, type Job } from "./harness.ts";

export interface Picture {
  readonly name: string;
  readonly image: RgbImage;
  readonly limits: PixelLimits;
}

/** [width, height]: tiny, exact multiples of 28, halves that round to even, shrunk, enlarged, narrow and wide. */
const SIZES = [
  [28, 28], [1, 1], [29, 27], [42, 70], [14, 84], [56, 112], [100, 75], [98, 126], [320, 240], [333, 251],
  [640, 12], [7, 900], [512, 512], [400, 301], [97, 389], [224, 225], [800, 600], [61, 61], [150, 449], [1021, 67],
] as const; // prettier-ignore

const LIMITS: readonly PixelLimits[] = [
  { minPixels: 784, maxPixels: 12_544 },
  { minPixels: 3136, maxPixels: 200_704 },
  { minPixels: 50_176, maxPixels: 100_352 },
];

export function pictures(): Picture[] {
  return SIZES.flatMap(([width, height], i) =>
    LIMITS.map((limits, k) => ({
      name: `${width}x${height}, ${limits.minPixels} to ${limits.maxPixels} pixels`,
      image: (i + k) % 2 === 0 ? hashImage(width, height, i) : drawing(width, height),
      limits,
    })),
  );
}

/** A gradient, a disc and stripes. */
function drawing(width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  const radius = Math.min(width, height) / 3;
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const inside = Math.hypot(x - width / 2, y - height / 2) < radius;
      data[at++] = inside ? 220 : Math.floor((255 * x) / width);
      data[at++] = inside ? 40 : Math.floor((255 * y) / height);
      data[at++] = (x >> 3) % 2 === 0 ? 30 : 200;
    }
  return { width, height, data };
}

/** Writes the pictures into `dir` and returns the job for reference/processing.py. */
export async function processorJob(dir: string, all: readonly Picture[]): Promise<Job> {
  const described = [];
  for (const [i, { image, limits }] of all.entries())
    described.push({ ...(await writePicture(dir, `picture-${i}`, image)), limits });
  return { task: "processor", pictures: described } as Job;
}

/** What reference/processing.py says of a picture. */
export interface ProcessedPicture {
  /** Grids [t, h, w]. */
  readonly pil: readonly number[];
  readonly torchvision: readonly number[];
  /** Of the patches as little-endian float32. */
  readonly sha256: { readonly pil: string; readonly torchvision: string };
}
