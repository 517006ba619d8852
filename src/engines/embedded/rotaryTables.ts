// Cosines and sines of rotary positions, one row per token, ready for the graph.
import type { Qwen25VLConfig } from "../../models/qwen2_5_vl/config.ts";
import { headDim, visionHeadDim } from "../../models/qwen2_5_vl/config.ts";
import type { PatchPositions } from "../../models/qwen2_5_vl/windows.ts";

const VISION_ROPE_THETA = 10000;

export interface RotaryRows {
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/** M-RoPE: which of the three positions (time, height, width) turns frequency i, and how fast. */
export class MropeTables {
  readonly width: number;
  private readonly axis: Uint8Array;
  private readonly frequency: Float64Array;

  constructor(config: Qwen25VLConfig) {
    this.width = headDim(config) / 2;
    this.axis = Uint8Array.from(config.mropeSection.flatMap((n, axis) => Array<number>(n).fill(axis)));
    this.frequency = Float64Array.from(
      { length: this.width },
      (_, i) => config.ropeTheta ** (-i / this.width),
    );
  }

  /** Writes one token's row; `positions` has layout [3, stride], read at `column`. */
  write(out: RotaryRows, row: number, positions: ArrayLike<number>, stride: number, column: number): void {
    for (let i = 0; i < this.width; i++) {
      const angle =
        (positions[(this.axis[i] as number) * stride + column] as number) * (this.frequency[i] as number);
      out.cos[row * this.width + i] = Math.cos(angle);
      out.sin[row * this.width + i] = Math.sin(angle);
    }
  }

  allocate(rows: number): RotaryRows {
    return { cos: new Float32Array(rows * this.width), sin: new Float32Array(rows * this.width) };
  }
}

/** 2-D positions of patches: the first half of the frequencies turns with the row, the second with the column. */
export function visionRotary(positions: PatchPositions, config: Qwen25VLConfig): RotaryRows {
  const half = visionHeadDim(config) / 4;
  const width = 2 * half;
  const rows = positions.rows.length;
  const cos = new Float32Array(rows * width);
  const sin = new Float32Array(rows * width);
  for (let n = 0; n < rows; n++)
    for (let i = 0; i < half; i++) {
      const frequency = VISION_ROPE_THETA ** (-i / half);
      [positions.rows[n] as number, positions.cols[n] as number].forEach((position, k) => {
        cos[n * width + k * half + i] = Math.cos(position * frequency);
        sin[n * width + k * half + i] = Math.sin(position * frequency);
      });
    }
  return { cos, sin };
}
