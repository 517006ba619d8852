// The ground of every picture: mid-grey with coloured mottling at two scales and fine pixel noise. Three periodic
// tiles are made once (from a fixed seed of their own) and summed at random offsets, four bytes at a time as 32-bit
// words: the tiles are bounded, so no byte ever carries into its neighbour, and a bead of 100 levels on top never
// clips (clipping would bias its average).
import { randomStream } from "../../core/random.ts";
import type { Random } from "../../core/random.ts";
import type { Box } from "./vocabulary.ts";

export const TILE_SIZE = 512;
/** Horizontal offsets and box edges are multiples of this many px (4 px of RGB are three words). */
export const ALIGNMENT = 4;
const GROUND_LEVEL = 128;
const COARSE_RANGE = 9;
const FINE_RANGE = 7;
const NOISE_RANGE = 9;

const WORDS_PER_ROW = (TILE_SIZE * 3) / 4;
let tiles: readonly [coarse: Uint32Array, fine: Uint32Array, noise: Uint32Array] | undefined;

/** RGB bytes of the ground inside `box`; `offsets` are the six tile offsets of a Scene. */
export function groundPixels(offsets: readonly number[], box: Box): Uint8Array {
  tiles ??= makeTiles();
  const [coarse, fine, noise] = tiles;
  const [left, top, right, bottom] = box;
  const [coarseX = 0, coarseY = 0, fineX = 0, fineY = 0, noiseX = 0, noiseY = 0] = offsets;
  if ([left, right, coarseX, fineX, noiseX].some((x) => x % ALIGNMENT !== 0))
    throw new Error(
      `internal: box [${box.join()}] and tile offsets [${offsets.join()}] must be aligned to ${ALIGNMENT} px`,
    );
  const words = new Uint32Array(((right - left) * (bottom - top) * 3) / 4);
  const wrap = (value: number): number => value % TILE_SIZE;
  let at = 0;
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right;) {
      const cx = wrap(x + coarseX);
      const fx = wrap(x + fineX);
      const nx = wrap(x + noiseX);
      // Up to the next column where one of the tiles wraps.
      const run = Math.min(right - x, TILE_SIZE - Math.max(cx, fx, nx));
      const end = at + (run * 3) / 4;
      let c = wrap(y + coarseY) * WORDS_PER_ROW + (cx * 3) / 4;
      let f = wrap(y + fineY) * WORDS_PER_ROW + (fx * 3) / 4;
      let n = wrap(y + noiseY) * WORDS_PER_ROW + (nx * 3) / 4;
      while (at < end) words[at++] = (coarse[c++] as number) + (fine[f++] as number) + (noise[n++] as number);
      x += run;
    }
  }
  return new Uint8Array(words.buffer);
}

/** Each tile's bytes are not negative; the noise carries the ground level, so that the sum of all three is centred. */
function makeTiles(): [Uint32Array, Uint32Array, Uint32Array] {
  const random = randomStream("world", "ground");
  const noise = new Uint8Array(TILE_SIZE * TILE_SIZE * 3);
  const base = GROUND_LEVEL - COARSE_RANGE - FINE_RANGE;
  for (let i = 0; i < noise.length; i++) noise[i] = base + random.below(2 * NOISE_RANGE + 1) - NOISE_RANGE;
  const words = (tile: Uint8Array): Uint32Array => new Uint32Array(tile.buffer);
  return [words(mottle(8, COARSE_RANGE, random)), words(mottle(24, FINE_RANGE, random)), words(noise)];
}

/** Smooth periodic noise: `cells` x `cells` random knots a channel, smoothly interpolated, in [0, 2 range]. */
function mottle(cells: number, range: number, random: Random): Uint8Array {
  const knots = Float64Array.from({ length: cells * cells * 3 }, () => random.next() * 2 * range);
  const knot = (cx: number, cy: number, channel: number): number =>
    knots[((cy % cells) * cells + (cx % cells)) * 3 + channel] as number;
  const tile = new Uint8Array(TILE_SIZE * TILE_SIZE * 3);
  for (let y = 0; y < TILE_SIZE; y++) {
    const [cy, v] = cell(y, cells);
    for (let x = 0; x < TILE_SIZE; x++) {
      const [cx, u] = cell(x, cells);
      for (let channel = 0; channel < 3; channel++) {
        const above = knot(cx, cy, channel) * (1 - u) + knot(cx + 1, cy, channel) * u;
        const below = knot(cx, cy + 1, channel) * (1 - u) + knot(cx + 1, cy + 1, channel) * u;
        tile[(y * TILE_SIZE + x) * 3 + channel] = Math.round(above * (1 - v) + below * v);
      }
    }
  }
  return tile;
}

function cell(position: number, cells: number): [index: number, fraction: number] {
  const exact = (position * cells) / TILE_SIZE;
  const index = Math.floor(exact);
  const t = exact - index;
  return [index, t * t * (3 - 2 * t)];
}
