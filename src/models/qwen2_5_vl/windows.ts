// Order and attention bounds of the vision tower's patches. The processor emits patches merge cell by merge cell (2x2);
// the tower then regroups the cells by window, so that most blocks attend inside a window only. Same numbers as
// `get_vision_position_ids` and `get_window_index` of Transformers. The embedded engine leaves the patches in place and
// masks instead (engines/embedded/visionBatch.ts); its test holds the masks against the bounds given here.
import { DataError } from "../../core/errors.ts";
import type { PatchGrid } from "../../core/trajectory.ts";
import type { Qwen25VLVisionConfig } from "./config.ts";

/** Row and column of each patch in its image, in the order the processor emits patches. */
export interface PatchPositions {
  /** Length: patches of all grids. */
  readonly rows: Int32Array;
  readonly cols: Int32Array;
}

export interface WindowIndex {
  /** Permutation of merged cells: cell `index[i]` of the processor's order stands i-th when grouped by window. */
  readonly index: Int32Array;
  /** Its inverse, to bring merged outputs back to the processor's order. */
  readonly inverse: Int32Array;
  /** Bounds of the windows, in patches: 0, then the running end of each non-empty window. */
  readonly cuWindowSeqlens: Int32Array;
}

/** Number of patches of all grids. */
export function patchCount(grids: readonly PatchGrid[]): number {
  return grids.reduce((sum, [t, h, w]) => sum + t * h * w, 0);
}

export function visionPatchPositions(grids: readonly PatchGrid[], spatialMergeSize = 2): PatchPositions {
  const count = patchCount(grids);
  const rows = new Int32Array(count);
  const cols = new Int32Array(count);
  const m = spatialMergeSize;
  let at = 0;
  for (const grid of grids) {
    checkGrid(grid, m);
    const [t, h, w] = grid;
    for (let frame = 0; frame < t; frame++)
      for (let cellRow = 0; cellRow < h; cellRow += m)
        for (let cellCol = 0; cellCol < w; cellCol += m)
          for (let y = 0; y < m; y++)
            for (let x = 0; x < m; x++) {
              rows[at] = cellRow + y;
              cols[at++] = cellCol + x;
            }
  }
  return { rows, cols };
}

/** Groups the merged cells of all grids by attention window (row-major windows, row-major inside a window). */
export function windowIndex(
  grids: readonly PatchGrid[],
  vision: Pick<Qwen25VLVisionConfig, "windowSize" | "patchSize" | "spatialMergeSize">,
): WindowIndex {
  const m = vision.spatialMergeSize;
  const side = Math.floor(vision.windowSize / m / vision.patchSize);
  if (side < 1)
    throw new DataError(
      `window_size must be at least patch_size * spatial_merge_size = ${vision.patchSize * m}, got ${vision.windowSize}`,
    );
  const index = new Int32Array(patchCount(grids) / (m * m));
  const bounds = [0];
  let at = 0;
  let first = 0;
  for (const grid of grids) {
    checkGrid(grid, m);
    const height = grid[1] / m;
    const width = grid[2] / m;
    for (let frame = 0; frame < grid[0]; frame++, first += height * width)
      for (let top = 0; top < height; top += side)
        for (let left = 0; left < width; left += side) {
          for (let row = top; row < Math.min(top + side, height); row++)
            for (let col = left; col < Math.min(left + side, width); col++)
              index[at++] = first + row * width + col;
          bounds.push(at * m * m);
        }
  }
  const inverse = new Int32Array(index.length);
  index.forEach((cell, i) => (inverse[cell] = i));
  return { index, inverse, cuWindowSeqlens: Int32Array.from(bounds) };
}

/** Bounds of whole-image attention, in patches: 0, then the running end of every frame of every grid. */
export function imageSeqlens(grids: readonly PatchGrid[]): Int32Array {
  const bounds = [0];
  let end = 0;
  for (const [t, h, w] of grids)
    for (let frame = 0; frame < t; frame++) {
      end += h * w;
      bounds.push(end);
    }
  return Int32Array.from(bounds);
}

function checkGrid(grid: PatchGrid, m: number): void {
  const [t, h, w] = grid;
  if (!(t > 0 && h > 0 && w > 0) || h % m !== 0 || w % m !== 0)
    throw new DataError(
      `patch grid [${grid.join(", ")}]: sizes must be positive and height and width multiples of the merge size ${m}`,
    );
}
