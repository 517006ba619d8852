// Decodes picture files at the edge of the system: everything behind this point works on raw RGB (core/image.ts).
import { readFile } from "node:fs/promises";
import { type DecodedPng, decode as decodePng } from "fast-png";
import jpeg from "jpeg-js";
import { DataError } from "../core/errors.ts";
import type { RgbImage } from "../core/image.ts";
import { boundedPng, jpegLimits, MAX_PIXELS, TooLarge } from "./mediaBounds.ts";
import { decodeWebp, isWebp } from "./webp.ts";

/**
 * Reads a PNG (every colour type and depth), a JPEG (of an MPO, which is several behind each other, the first) or a still WebP,
 * told apart by content. Transparency is laid on white.
 * @throws DataError when the file cannot be read, is none of them, or is damaged.
 */
export async function loadImage(path: string): Promise<RgbImage> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === "ENOENT" ? "there is no such file" : error.message;
    throw new DataError(`image ${path}: cannot be read (${why})`);
  });
  return decodeImage(bytes, path);
}

/**
 * The same for bytes in memory.
 * @param name for messages
 * @param maxPixels width × height; what has more is refused before it is decoded
 * @throws DataError
 */
export function decodeImage(bytes: Uint8Array, name: string, maxPixels = MAX_PIXELS): RgbImage {
  const decoder = isPng(bytes) ? fromPng : isJpeg(bytes) ? fromJpeg : isWebp(bytes) ? fromWebp : undefined;
  if (decoder === undefined)
    throw new DataError(
      `image ${name}: must be PNG or JPEG or WebP, but its content is none of them; convert it first`,
    );
  try {
    return decoder(bytes, maxPixels);
  } catch (error) {
    if (error instanceof TooLarge) throw new DataError(`image ${name}: ${error.message}`);
    throw new DataError(
      `image ${name}: is damaged (${error instanceof Error ? error.message : String(error)})`,
    );
  }
}

function isPng(bytes: Uint8Array): boolean {
  return [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a].every((byte, i) => bytes[i] === byte);
}

function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

function fromJpeg(bytes: Uint8Array, maxPixels: number): RgbImage {
  const { width, height, data } = jpeg.decode(bytes, {
    useTArray: true,
    formatAsRGBA: false,
    ...jpegLimits(bytes, maxPixels),
  });
  return { width, height, data };
}

function fromWebp(bytes: Uint8Array, maxPixels: number): RgbImage {
  const { width, height, data: rgba } = decodeWebp(bytes, maxPixels);
  const data = new Uint8Array(width * height * 3);
  for (let at = 0; at < width * height; at++) {
    const alpha = rgba[4 * at + 3] as number;
    for (let channel = 0; channel < 3; channel++)
      data[3 * at + channel] = onWhite(rgba[4 * at + channel] as number, alpha);
  }
  return { width, height, data };
}

function fromPng(bytes: Uint8Array, maxPixels: number): RgbImage {
  const png = decodePng(boundedPng(bytes, maxPixels));
  const { width, height } = png;
  // Beside colours of its own a picture may have a palette: a suggestion to screens of few colours (PNG, 11.2.2).
  const palette = png.channels === 1 ? png.palette : undefined;
  const plain = png.depth === 8 && png.channels === 3 && !png.transparency;
  if (plain) return { width, height, data: new Uint8Array(png.data) };
  const data = new Uint8Array(width * height * 3);
  const pixel = palette === undefined ? colourReader(png) : paletteReader(png, palette);
  for (let at = 0; at < width * height; at++) {
    const [red, green, blue, alpha] = pixel(at);
    data[3 * at] = onWhite(red, alpha);
    data[3 * at + 1] = onWhite(green, alpha);
    data[3 * at + 2] = onWhite(blue, alpha);
  }
  return { width, height, data };
}

/** Red, green, blue, alpha, each 0 to 255. */
type Rgba = readonly [number, number, number, number];
type PixelReader = (at: number) => Rgba;

function onWhite(value: number, alpha: number): number {
  return Math.round(255 + ((value - 255) * alpha) / 255);
}

/** Grey and RGB, with an alpha channel or one colour declared transparent, 1 to 16 bits a sample. */
function colourReader(png: DecodedPng): PixelReader {
  const { channels, depth, transparency } = png;
  const samples = depth < 8 ? unpack(png) : png.data;
  const scale = 255 / (2 ** depth - 1);
  const grey = channels < 3;
  const hasAlpha = channels === 2 || channels === 4;
  // Nothing is made here for each pixel but its result: a function with a name of its own costs half a microsecond under tsx.
  return (at) => {
    const first = at * channels;
    const red = samples[first] ?? 0;
    const green = grey ? red : (samples[first + 1] ?? 0);
    const blue = grey ? red : (samples[first + 2] ?? 0);
    let alpha = hasAlpha ? Math.round((samples[first + channels - 1] ?? 0) * scale) : 255;
    if (transparency !== undefined && red === transparency[0])
      if (grey || (green === transparency[1] && blue === transparency[2])) alpha = 0;
    return [Math.round(red * scale), Math.round(green * scale), Math.round(blue * scale), alpha];
  };
}

function paletteReader(png: DecodedPng, palette: readonly (readonly number[])[]): PixelReader {
  const indices = png.depth < 8 ? unpack(png) : png.data;
  return (at) => {
    const [red, green, blue, alpha = 255] = palette[indices[at] ?? 0] ?? [];
    if (red === undefined || green === undefined || blue === undefined)
      throw new Error(`pixel ${at} names colour ${indices[at]} of a palette of ${palette.length}`);
    return [red, green, blue, alpha];
  };
}

/** One-channel samples of 1, 2 or 4 bits, rows padded to bytes, to one number each. */
function unpack({ width, height, depth, data }: DecodedPng): Uint8Array {
  const rowBytes = Math.ceil((width * depth) / 8);
  const samples = new Uint8Array(width * height);
  for (let at = 0; at < samples.length; at++) {
    const bit = (at % width) * depth;
    const byte = data[Math.floor(at / width) * rowBytes + (bit >> 3)] ?? 0;
    samples[at] = (byte >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
  }
  return samples;
}
