// Images as one padded batch [images, longest] for the vision tower, with the biases that say which patches see each
// other: those of one window, or of the whole image; padding sees only itself and is seen by nobody.
import type { ViewImage } from "../../core/trajectory.ts";
import type { Qwen25VLConfig } from "../../models/qwen2_5_vl/config.ts";
import { preprocess } from "../../models/qwen2_5_vl/imageProcessor.ts";
import { visionPatchPositions } from "../../models/qwen2_5_vl/windows.ts";
import type { Value } from "../../onnx/session.ts";
import { visionRotary } from "./rotaryTables.ts";
import { floats, rowIds } from "./values.ts";

export const BLOCKED = -1e9;

export interface VisionBatch {
  readonly feeds: Record<string, Value>;
  /** Row of the tower's output for every placeholder token, image after image. */
  readonly featureRows: readonly number[];
}

export function visionBatch(images: readonly ViewImage[], config: Qwen25VLConfig): VisionBatch {
  const { vision } = config;
  const merge = vision.spatialMergeSize;
  const lengths = images.map(({ grid: [t, h, w] }) => t * h * w);
  const longest = Math.max(...lengths);
  const values = vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2;
  const rows = images.length * longest;
  const patches = new Float32Array(rows * values);
  const patchRows = new Int32Array(rows);
  const patchColumns = new Int32Array(rows);
  const windowBias = new Float32Array(rows * longest).fill(BLOCKED);
  const imageBias = new Float32Array(rows * longest).fill(BLOCKED);
  const featureRows: number[] = [];
  const windowSide = Math.floor(vision.windowSize / merge / vision.patchSize) * merge; // in patches
  images.forEach((image, b) => {
    const length = lengths[b] as number;
    patches.set(preprocess(image), b * longest * values);
    const positions = visionPatchPositions([image.grid], merge);
    patchRows.set(positions.rows, b * longest);
    patchColumns.set(positions.cols, b * longest);
    const window = (n: number): number => {
      const down = Math.floor((positions.rows[n] as number) / windowSide);
      return down * 65536 + Math.floor((positions.cols[n] as number) / windowSide);
    };
    const windows = Int32Array.from({ length }, (_, n) => window(n));
    for (let n = 0; n < longest; n++) {
      const at = (b * longest + n) * longest;
      if (n >= length) {
        windowBias[at + n] = imageBias[at + n] = 0;
        continue;
      }
      imageBias.fill(0, at, at + length);
      for (let m = 0; m < length; m++) if (windows[m] === windows[n]) windowBias[at + m] = 0;
    }
    const cells = merge * merge;
    for (let cell = 0; cell < length / cells; cell++) featureRows.push((b * longest) / cells + cell);
  });
  const { cos, sin } = visionRotary({ rows: patchRows, cols: patchColumns }, config);
  const feeds = {
    patches: floats(patches, [rows, values]),
    patchCos: floats(cos, [rows, cos.length / rows]),
    patchSin: floats(sin, [rows, sin.length / rows]),
    patchRows: rowIds(rows),
    windowBias: floats(windowBias, [images.length, 1, longest, longest]),
    imageBias: floats(imageBias, [images.length, 1, longest, longest]),
  };
  return { feeds, featureRows };
}
