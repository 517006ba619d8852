// Sixel, DEC's bitmap graphics: bands of six rows; in each band, for each colour, one character a column whose six bits say
// which rows have it. Repeats are written as !count. https://vt100.net/docs/vt3xx-gp/chapter14.html
import type { RgbImage } from "../../../core/image.ts";
import { quantise } from "./palette.ts";

const FIRST = 63; // "?": no row of the six

/** At most 256 colours. Pixels of the last band that the picture does not have stay as they are (P2 = 1). */
export function sixel(image: RgbImage): string {
  const { width, height } = image;
  const { palette, indices } = quantise(image, 256);
  const percent = (value: number): number => Math.round((value * 100) / 255);
  const colours = palette.map(([r, g, b], i) => `#${i};2;${percent(r)};${percent(g)};${percent(b)}`);
  let out = `\x1bP0;1;0q"1;1;${width};${height}${colours.join("")}`;
  for (let top = 0; top < height; top += 6) {
    if (top > 0) out += "-";
    out += band(indices, width, top, Math.min(6, height - top));
  }
  return `${out}\x1b\\`;
}

function band(indices: Uint8Array, width: number, top: number, rows: number): string {
  const bits = new Map<number, Uint8Array>();
  for (let row = 0; row < rows; row++)
    for (let x = 0; x < width; x++) {
      const colour = indices[(top + row) * width + x] as number;
      let columns = bits.get(colour);
      if (columns === undefined) bits.set(colour, (columns = new Uint8Array(width)));
      columns[x] = (columns[x] as number) | (1 << row);
    }
  return [...bits]
    .sort(([a], [b]) => a - b)
    .map(([colour, columns]) => `#${colour}${runs(columns)}`)
    .join("$");
}

/** Run-length coded; what is empty at the end is left out. */
function runs(columns: Uint8Array): string {
  let end = columns.length;
  while (end > 0 && columns[end - 1] === 0) end--;
  let out = "";
  for (let at = 0; at < end;) {
    const value = columns[at] as number;
    let next = at + 1;
    while (next < end && columns[next] === value) next++;
    const char = String.fromCharCode(FIRST + value);
    const length = next - at;
    out += length > 3 ? `!${length}${char}` : char.repeat(length);
    at = next;
  }
  return out;
}
