// Multimodal rotary positions (M-RoPE): every token has a time, a height and a width position. Text counts on all three
// together; an image holds time still and spreads its merged cells over height and width; what follows an image
// starts after the largest position used so far. Same numbers as `get_rope_index` of Transformers for still images.
import { DataError } from "../../core/errors.ts";
import type { PatchGrid } from "../../core/trajectory.ts";
import type { Qwen25VLConfig } from "./config.ts";

/** What positions depend on; a whole Qwen25VLConfig fits. */
export type PositionConfig = Pick<Qwen25VLConfig, "imageTokenId"> & {
  readonly vision: Pick<Qwen25VLConfig["vision"], "spatialMergeSize">;
};

/** Positions of a stretch of n tokens, layout [3, n]: all times, then all heights, then all widths. */
export type Positions = Int32Array;

/**
 * Where the next token stands. Appending stretch by stretch gives the numbers of the whole sequence, which is what
 * decoding with a KV cache needs. Starting in the middle is `new MropeState(merge, next)`.
 */
export class MropeState {
  readonly #mergeSize: number;
  #next: number;

  constructor(spatialMergeSize: number, next = 0) {
    this.#mergeSize = spatialMergeSize;
    this.#next = next;
  }

  /** Position of the next text token: largest position so far + 1. */
  get next(): number {
    return this.#next;
  }

  /** An independent copy, for branching off a shared prompt. */
  clone(): MropeState {
    return new MropeState(this.#mergeSize, this.#next);
  }

  /** Positions [3, n] of n text tokens. */
  appendText(n: number): Positions {
    const out = new Int32Array(3 * n);
    this.#writeText(out, 0, n, n);
    return out;
  }

  /** Positions [3, cells] of an image's placeholder tokens. @throws DataError when the grid is not a still image's. */
  appendImage(grid: PatchGrid): Positions {
    const cells = mergedCells(grid, this.#mergeSize);
    const out = new Int32Array(3 * cells);
    this.#writeImage(out, 0, cells, grid);
    return out;
  }

  /** Writes n text positions at column `at` of the [3, stride] array `out`. */
  #writeText(out: Positions, at: number, stride: number, n: number): void {
    for (let axis = 0; axis < 3; axis++)
      for (let i = 0; i < n; i++) out[axis * stride + at + i] = this.#next + i;
    this.#next += n;
  }

  #writeImage(out: Positions, at: number, stride: number, grid: PatchGrid): void {
    const height = grid[1] / this.#mergeSize;
    const width = grid[2] / this.#mergeSize;
    const base = this.#next;
    for (let row = 0; row < height; row++)
      for (let col = 0; col < width; col++) {
        const i = at + row * width + col;
        out[i] = base;
        out[stride + i] = base + row;
        out[2 * stride + i] = base + col;
      }
    this.#next = base + Math.max(height, width);
  }

  /** Continues with a whole stretch of tokens, images by their placeholders. See {@link mropePositions}. */
  append(tokens: ArrayLike<number>, grids: readonly PatchGrid[], imageTokenId: number): Positions {
    const total = tokens.length;
    const out = new Int32Array(3 * total);
    let at = 0;
    let image = 0;
    while (at < total) {
      let end = at;
      while (end < total && tokens[end] !== imageTokenId) end++;
      this.#writeText(out, at, total, end - at);
      at = end;
      if (at === total) break;
      const grid = grids[image];
      if (grid === undefined)
        throw new DataError(
          `token ${at} is an image placeholder, but there are only ${grids.length} image grids`,
        );
      const cells = mergedCells(grid, this.#mergeSize);
      for (end = at; end < at + cells; end++)
        if (tokens[end] !== imageTokenId)
          throw new DataError(
            `image ${image} with grid [${grid.join(", ")}] takes ${cells} placeholder tokens, but only ${end - at} stand at token ${at}`,
          );
      this.#writeImage(out, at, total, grid);
      at = end;
      image++;
    }
    if (image !== grids.length)
      throw new DataError(
        `${grids.length} image grids were given, but the tokens hold placeholders for ${image}`,
      );
    return out;
  }
}

/**
 * Positions of a whole sequence, layout [3, T].
 * @throws DataError when placeholders and grids do not match one for one.
 */
export function mropePositions(
  tokens: ArrayLike<number>,
  grids: readonly PatchGrid[],
  config: PositionConfig,
): Positions {
  return new MropeState(config.vision.spatialMergeSize).append(tokens, grids, config.imageTokenId);
}

/** Placeholder tokens an image of this grid takes. */
export function mergedCells(grid: PatchGrid, spatialMergeSize: number): number {
  const [t, h, w] = grid;
  if (t !== 1)
    throw new DataError(`image grid [${grid.join(", ")}]: a still image has 1 temporal patch, got ${t}`);
  if (!(h > 0 && w > 0) || h % spatialMergeSize !== 0 || w % spatialMergeSize !== 0)
    throw new DataError(
      `image grid [${grid.join(", ")}]: height and width must be positive multiples of the merge size ${spatialMergeSize}`,
    );
  return (t * h * w) / (spatialMergeSize * spatialMergeSize);
}
