// What a picture file costs to decode, told from its headers: a few hundred bytes may stand for gigabytes. Decoders get only
// what has passed here.
import { constants, inflateRawSync } from "node:zlib";

/** Pixels that are read of one picture unless a caller says fewer: 10 000 × 10 000. */
export const MAX_PIXELS = 100_000_000;

/** A picture that is whole, for all one knows, but larger than what is read. */
export class TooLarge extends Error {}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** @throws TooLarge, or Error for a picture without pixels */
function checkSize({ width, height }: Size, maxPixels: number): void {
  if (width < 1 || height < 1) throw new Error(`its size is ${width}×${height}`);
  if (width * height > maxPixels)
    throw new TooLarge(
      `is ${width}×${height}, ${width * height} pixels, more than the ${maxPixels} that are read; make it smaller`,
    );
}

/** Rows and columns that one pass of an interlaced PNG begins at and steps by: PNG specification, 8.2 (Adam7). */
const ADAM7 = [
  { x: 0, y: 0, dx: 8, dy: 8 },
  { x: 4, y: 0, dx: 8, dy: 8 },
  { x: 0, y: 4, dx: 4, dy: 8 },
  { x: 2, y: 0, dx: 4, dy: 4 },
  { x: 0, y: 2, dx: 2, dy: 4 },
  { x: 1, y: 0, dx: 2, dy: 2 },
  { x: 0, y: 1, dx: 1, dy: 2 },
];
const WHOLE = [{ x: 0, y: 0, dx: 1, dy: 1 }];
/** By colour type: grey, -, RGB, palette, grey and alpha, -, RGB and alpha. */
const CHANNELS = [1, 0, 3, 1, 2, 0, 4];
/** Those that pixels depend on; others may be packed too (colour profiles), and are left out. */
const PNG_CHUNKS = new Set(["IHDR", "PLTE", "tRNS", "IDAT", "IEND"]);

/**
 * The PNG without what its pixels do not depend on, once its pixel data is known to be as long as its header says.
 * @throws TooLarge, or Error when it is damaged
 */
export function boundedPng(bytes: Uint8Array, maxPixels: number): Uint8Array {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kept: Uint8Array[] = [file.subarray(0, 8)];
  const data: Uint8Array[] = [];
  let expected: number | undefined = undefined;
  for (let at = 8; ;) {
    if (at + 12 > file.length) throw new Error("it ends in the middle");
    const end = at + 12 + file.readUInt32BE(at);
    const type = file.toString("latin1", at + 4, at + 8);
    if (end > file.length) throw new Error("it ends in the middle");
    if ((type === "IHDR") !== (expected === undefined)) throw new Error("it must begin with its one IHDR");
    const content = file.subarray(at + 8, end - 4);
    if (type === "IHDR") expected = scanlineBytes(content, maxPixels);
    if (type === "IDAT") data.push(content);
    if (PNG_CHUNKS.has(type)) kept.push(file.subarray(at, end));
    at = end;
    if (type === "IEND") break;
  }
  checkInflated(Buffer.concat(data), expected ?? 0);
  return Buffer.concat(kept);
}

/** Of the inflated pixel data, each scanline with its filter byte. */
function scanlineBytes(header: Buffer, maxPixels: number): number {
  if (header.length !== 13) throw new Error(`its IHDR has ${header.length} bytes instead of 13`);
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  checkSize({ width, height }, maxPixels);
  const bitsPerPixel = header.readUInt8(8) * (CHANNELS[header.readUInt8(9)] ?? 0);
  return (header.readUInt8(12) === 1 ? ADAM7 : WHOLE).reduce((sum, { x, y, dx, dy }) => {
    const columns = Math.ceil((width - x) / dx);
    const rows = Math.ceil((height - y) / dy);
    return columns <= 0 || rows <= 0 ? sum : sum + rows * (1 + Math.ceil((columns * bitsPerPixel) / 8));
  }, 0);
}

/** Without the header's window size and the checksum at the end, which decoders heed or not. */
function checkInflated(data: Buffer, expected: number): void {
  let length = 0;
  try {
    // At most one more than expected: what is longer fails without being inflated any further.
    ({ length } = inflateRawSync(data.subarray(2), {
      maxOutputLength: expected + 1,
      finishFlush: constants.Z_SYNC_FLUSH,
    }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_BUFFER_TOO_LARGE") throw error;
    length = Infinity;
  }
  if (length > expected)
    throw new Error(`its pixel data is longer than the ${expected} bytes that its header stands for`);
  if (length < expected)
    throw new Error(
      `its pixel data is ${length} bytes instead of the ${expected} that its header stands for`,
    );
}

/**
 * Coded pixels that one byte can stand for at most: each 8×8 block has one bit or more, and where the components' sampling
 * factors differ in both directions, the largest component may have a quarter of the blocks; twice that, to be generous.
 */
const PIXELS_PER_BYTE = 8 * 64 * 8;
/** What jpeg-js takes for each pixel of up to four components, coefficients included, in bytes. */
const JPEG_BYTES_PER_PIXEL = 32;

export interface JpegLimits {
  readonly maxResolutionInMP: number;
  readonly maxMemoryUsageInMB: number;
}

/** What jpeg-js may take for this one. @throws TooLarge, or Error when it is damaged */
export function jpegLimits(bytes: Uint8Array, maxPixels: number): JpegLimits {
  const { width, height } = jpegSize(bytes);
  checkSize({ width, height }, maxPixels);
  if (width * height > bytes.length * PIXELS_PER_BYTE)
    throw new Error(`its ${bytes.length} bytes cannot hold the ${width}×${height} pixels of its header`);
  // Blocks are 8×8 pixels, and up to 4×4 of them are coded together.
  const whole = (side: number): number => 32 * Math.ceil(side / 32);
  return {
    maxResolutionInMP: Math.ceil((width * height) / 1e6),
    maxMemoryUsageInMB: 16 + Math.ceil((whole(width) * whole(height) * JPEG_BYTES_PER_PIXEL) / 2 ** 20),
  };
}

/** As its frame header (SOF) says: ITU-T T.81, B.2.2. */
function jpegSize(bytes: Uint8Array): Size {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 2; at + 9 <= file.length;) {
    if (file[at] !== 0xff) {
      at++; // between segments decoders skip what is no marker
      continue;
    }
    const marker = file.readUInt8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { height: file.readUInt16BE(at + 5), width: file.readUInt16BE(at + 7) };
    const hasLength = marker >= 0xc0 && marker !== 0xff && !(marker >= 0xd0 && marker <= 0xd9);
    at += hasLength ? 2 + file.readUInt16BE(at + 2) : marker === 0xff ? 1 : 2;
  }
  throw new Error("it has no frame header");
}

/**
 * A still WebP's size, as its first chunk says: RFC 9649, 2.5 to 2.7.
 * @throws TooLarge, or Error when it is damaged or moves
 */
export function checkWebp(bytes: Uint8Array, maxPixels: number): Size {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.length < 30 || file.length < 8 + file.readUInt32LE(4)) throw new Error("it ends in the middle");
  const size = webpSize(file);
  checkSize(size, maxPixels);
  return size;
}

function webpSize(file: Buffer): Size {
  const chunk = file.toString("latin1", 12, 16);
  if (chunk === "VP8X") {
    if ((file.readUInt8(20) & 2) !== 0) throw new Error("it moves; save one of its pictures");
    return { width: 1 + file.readUIntLE(24, 3), height: 1 + file.readUIntLE(27, 3) };
  }
  if (chunk === "VP8L") {
    const bits = file.readUInt32LE(21);
    return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
  }
  if (chunk === "VP8 ")
    return { width: file.readUInt16LE(26) & 0x3fff, height: file.readUInt16LE(28) & 0x3fff };
  throw new Error(`its first chunk is ${JSON.stringify(chunk)}`);
}
