// A picture in few colours, by median cut (Heckbert 1982): the box of colours with the largest spread, weighed by its
// pixels, is cut at its median, until there are enough boxes. A picture with few colours keeps them exactly.
import type { RgbImage } from "../../../core/image.ts";

export type Colour = readonly [red: number, green: number, blue: number];

export interface Quantised {
  readonly palette: readonly Colour[];
  /** Row-major positions in the palette. */
  readonly indices: Uint8Array;
}

interface Entry {
  readonly colour: Colour;
  readonly key: number;
  readonly count: number;
}

interface Box {
  readonly entries: readonly Entry[];
  readonly pixels: number;
  readonly channel: 0 | 1 | 2;
  /** Of that channel, the widest. */
  readonly spread: number;
}

/** @param most colours, from 2 to 256 */
export function quantise({ data }: RgbImage, most: number): Quantised {
  const counts = new Map<number, number>();
  for (let at = 0; at < data.length; at += 3) {
    const key = keyAt(data, at);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const entries = [...counts].map(([key, count]): Entry => ({ key, count, colour: colourOf(key) }));
  const boxes = [boxOf(entries)];
  while (boxes.length < most) {
    const widest = boxes.reduce((a, b) => (b.spread * b.pixels > a.spread * a.pixels ? b : a));
    if (widest.spread === 0) break;
    boxes.splice(boxes.indexOf(widest), 1, ...halves(widest));
  }
  const indexOf = new Map<number, number>();
  boxes.forEach((box, i) => box.entries.forEach(({ key }) => indexOf.set(key, i)));
  const indices = new Uint8Array(data.length / 3);
  for (let i = 0; i < indices.length; i++) indices[i] = indexOf.get(keyAt(data, 3 * i)) as number;
  return { palette: boxes.map(mean), indices };
}

function keyAt(data: Uint8Array, at: number): number {
  return ((data[at] as number) << 16) | ((data[at + 1] as number) << 8) | (data[at + 2] as number);
}

function colourOf(key: number): Colour {
  return [key >> 16, (key >> 8) & 255, key & 255];
}

function boxOf(entries: readonly Entry[]): Box {
  const spreads = ([0, 1, 2] as const).map((channel) => {
    let [low, high] = [255, 0];
    for (const { colour } of entries) {
      low = Math.min(low, colour[channel]);
      high = Math.max(high, colour[channel]);
    }
    return { channel, spread: Math.max(0, high - low) };
  });
  const widest = spreads.reduce((a, b) => (b.spread > a.spread ? b : a));
  return { entries, pixels: entries.reduce((n, { count }) => n + count, 0), ...widest };
}

/** Each with half of the pixels, as nearly as whole colours allow, and at least one colour. */
function halves({ entries, pixels, channel }: Box): [Box, Box] {
  const sorted = [...entries].sort((a, b) => a.colour[channel] - b.colour[channel] || a.key - b.key);
  let [at, sum] = [0, 0];
  while (at < sorted.length - 1 && sum < pixels / 2) sum += (sorted[at++] as Entry).count;
  return [boxOf(sorted.slice(0, at)), boxOf(sorted.slice(at))];
}

function mean({ entries, pixels }: Box): Colour {
  const of = (channel: 0 | 1 | 2): number =>
    Math.round(entries.reduce((sum, { colour, count }) => sum + colour[channel] * count, 0) / pixels);
  return [of(0), of(1), of(2)];
}
