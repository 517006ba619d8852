// A picture as the escape sequence that makes a terminal draw it at the cursor, in the picture's own pixels.
import { encode as encodePng } from "fast-png";
import type { RgbImage } from "../../../core/image.ts";
import { resizeBicubic } from "../../../models/qwen2_5_vl/resize.ts";
import type { CellSize, Graphics } from "./graphics.ts";
import { sixel } from "./sixel.ts";

/** Base64 characters of one Kitty command; the protocol's own limit. */
const KITTY_CHUNK = 4096;
/** iTerm2 refused longer sequences than 1 MiB before it knew files in parts; a part stays well below it. */
const ITERM_PART = 200_000;

/** @returns escape sequences, without a line end */
export function encodeImage(image: RgbImage, graphics: Graphics): string {
  switch (graphics) {
    case "kitty":
      return kitty(image);
    case "iterm2":
      return iterm2(image);
    case "sixel":
      return sixel(image);
    default:
      return graphics satisfies never;
  }
}

/** Shrunk, if need be, to what fits the columns and at most `rows` rows. */
export function fitToTerminal(image: RgbImage, columns: number, rows: number, cell: CellSize): RgbImage {
  const scale = Math.min(1, (columns * cell.width) / image.width, (rows * cell.height) / image.height);
  if (scale === 1) return image;
  const side = (length: number): number => Math.max(1, Math.floor(length * scale));
  return resizeBicubic(image, side(image.width), side(image.height));
}

function pngBase64({ width, height, data }: RgbImage): { base64: string; bytes: number } {
  const png = encodePng({ width, height, data, channels: 3 });
  return { base64: Buffer.from(png).toString("base64"), bytes: png.length };
}

/** a=T: send and show; f=100: a PNG file; q=2: no answer, which would be read as keys. Only the last chunk has m=0. */
function kitty(image: RgbImage): string {
  const chunks = cut(pngBase64(image).base64, KITTY_CHUNK);
  return chunks
    .map((chunk, i) => {
      const more = i < chunks.length - 1 ? 1 : 0;
      return `\x1b_G${i === 0 ? `a=T,f=100,q=2,m=${more}` : `m=${more},q=2`};${chunk}\x1b\\`;
    })
    .join("");
}

/** One sequence, or, for what is larger than a part, a file in parts (iTerm2 3.5, WezTerm). */
function iterm2(image: RgbImage): string {
  const { base64, bytes } = pngBase64(image);
  const about = `inline=1;size=${bytes};width=${image.width}px;height=${image.height}px;preserveAspectRatio=1`;
  const parts = cut(base64, ITERM_PART);
  if (parts.length === 1) return `\x1b]1337;File=${about}:${base64}\x07`;
  const middle = parts.map((part) => `\x1b]1337;FilePart=${part}\x07`).join("");
  return `\x1b]1337;MultipartFile=${about}\x07${middle}\x1b]1337;FileEnd\x07`;
}

function cut(text: string, length: number): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += length) pieces.push(text.slice(at, at + length));
  return pieces;
}
