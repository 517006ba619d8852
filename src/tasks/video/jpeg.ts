// A baseline JPEG encoder (ITU-T T.81) for many small pictures: no subsampling, the standard's luminance tables (Annex K)
// for all three components, everything that does not depend on the picture made once. jpeg-js, which reads pictures
// here, spends 16 ms of every call on its tables; this takes about a millisecond for a frame of the mini world.
import { DataError } from "../../core/errors.ts";
import type { RgbImage } from "../../core/image.ts";

/** Zigzag order: position in the block, row by row, of each coefficient. */
const ZIGZAG = zigzag();
/** Table K.1, row by row. */
const LUMINANCE_STEPS = [
  [16, 11, 10, 16, 24, 40, 51, 61],
  [12, 12, 14, 19, 26, 58, 60, 55],
  [14, 13, 16, 24, 40, 57, 69, 56],
  [14, 17, 22, 29, 51, 87, 80, 62],
  [18, 22, 37, 56, 68, 109, 103, 77],
  [24, 35, 55, 64, 81, 104, 113, 92],
  [49, 64, 78, 87, 103, 121, 120, 101],
  [72, 92, 95, 98, 112, 100, 103, 99],
].flat();
/** Tables K.3 and K.5: numbers of codes of 1 to 16 bits, then the symbols in order. */
const DC_CODES = huffman("00010501010101010100000000000000", "000102030405060708090a0b");
const AC_CODES = huffman(
  "0002010303020403050504040000017d",
  "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a343536373839" +
    "3a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7" +
    "a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa",
);
const END_OF_BLOCK = 0x00;
const SIXTEEN_ZEROS = 0xf0;
/** The cosine transform of 8 samples: `BASIS[u * 8 + x]`. */
const BASIS = Float64Array.from(
  { length: 64 },
  (_, i) =>
    (i < 8 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * (i % 8) + 1) * Math.floor(i / 8) * Math.PI) / 16),
);

/**
 * The picture as a JPEG file. @param quality 1 to 100, on the usual scale of the IJG's library.
 * @throws DataError for a size that the format cannot say.
 */
export function encodeJpeg(image: RgbImage, quality: number): Buffer {
  const { width, height } = image;
  if (![width, height].every((size) => Number.isInteger(size) && size >= 1 && size <= 0xffff))
    throw new DataError(`jpeg: width and height must be integers from 1 to 65535, got ${width} x ${height}`);
  const steps = quantisation(quality);
  const bits = new BitWriter();
  const previous = [0, 0, 0];
  const planes = componentPlanes(image);
  for (let top = 0; top < planes.height; top += 8)
    for (let left = 0; left < planes.width; left += 8)
      planes.components.forEach((plane, c) => {
        const levels = transform(plane, planes.width, left, top, steps);
        writeBlock(bits, levels, previous[c] as number);
        previous[c] = levels[0] as number;
      });
  return Buffer.concat([header(width, height, steps), bits.finish(), Buffer.from([0xff, 0xd9])]);
}

function header(width: number, height: number, steps: Uint8Array): Buffer {
  const size = [height >> 8, height & 0xff, width >> 8, width & 0xff];
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xe0, Buffer.from("JFIF\0", "latin1"), [1, 1, 0, 0, 1, 0, 1, 0, 0]),
    segment(0xdb, [0], steps),
    segment(0xc0, [8], size, [3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]),
    segment(0xc4, [0x00], DC_CODES.definition, [0x10], AC_CODES.definition),
    segment(0xda, [3, 1, 0, 2, 0, 3, 0, 0, 63, 0]),
  ]);
}

function segment(marker: number, ...content: readonly ArrayLike<number>[]): Buffer {
  const length = content.reduce((sum, part) => sum + part.length, 2);
  const parts = content.map((part) => Uint8Array.from(part));
  return Buffer.concat([Buffer.from([0xff, marker, length >> 8, length & 0xff]), ...parts]);
}

/** Steps in zigzag order. */
function quantisation(quality: number): Uint8Array {
  if (!(quality >= 1 && quality <= 100))
    throw new RangeError(`internal: JPEG quality ${quality} is not in [1, 100]`);
  const scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  return Uint8Array.from(ZIGZAG, (position) =>
    Math.min(255, Math.max(1, Math.floor(((LUMINANCE_STEPS[position] as number) * scale + 50) / 100))),
  );
}

/** Y, Cb and Cr around 0, with the edge pixels repeated up to whole blocks. */
function componentPlanes({ width, height, data }: RgbImage): {
  readonly width: number;
  readonly height: number;
  readonly components: readonly Float64Array[];
} {
  const wide = Math.ceil(width / 8) * 8;
  const high = Math.ceil(height / 8) * 8;
  const components = [0, 1, 2].map(() => new Float64Array(wide * high));
  const [luma, blue, red] = components as [Float64Array, Float64Array, Float64Array];
  for (let y = 0; y < high; y++)
    for (let x = 0; x < wide; x++) {
      const from = (Math.min(y, height - 1) * width + Math.min(x, width - 1)) * 3;
      const [r, g, b] = [data[from] as number, data[from + 1] as number, data[from + 2] as number];
      const at = y * wide + x;
      luma[at] = 0.299 * r + 0.587 * g + 0.114 * b - 128;
      blue[at] = -0.168736 * r - 0.331264 * g + 0.5 * b;
      red[at] = 0.5 * r - 0.418688 * g - 0.081312 * b;
    }
  return { width: wide, height: high, components };
}

const rows = new Float64Array(64);

/** The block's quantised coefficients in zigzag order. */
function transform(
  plane: Float64Array,
  stride: number,
  left: number,
  top: number,
  steps: Uint8Array,
): Int32Array {
  for (let y = 0; y < 8; y++)
    for (let u = 0; u < 8; u++) {
      let sum = 0;
      const from = (top + y) * stride + left;
      for (let x = 0; x < 8; x++) sum += (BASIS[u * 8 + x] as number) * (plane[from + x] as number);
      rows[y * 8 + u] = sum;
    }
  const levels = new Int32Array(64);
  for (let i = 0; i < 64; i++) {
    const position = ZIGZAG[i] as number;
    const [v, u] = [position >> 3, position & 7];
    let sum = 0;
    for (let y = 0; y < 8; y++) sum += (BASIS[v * 8 + y] as number) * (rows[y * 8 + u] as number);
    // Baseline codes say no more; only steps of 1 ever come there.
    levels[i] = Math.min(1023, Math.max(-1023, Math.round(sum / (steps[i] as number))));
  }
  return levels;
}

function writeBlock(bits: BitWriter, levels: Int32Array, previous: number): void {
  const difference = (levels[0] as number) - previous;
  const size = bitLength(difference);
  bits.code(DC_CODES, size);
  bits.value(difference, size);
  let zeros = 0;
  for (let i = 1; i < 64; i++) {
    const level = levels[i] as number;
    if (level === 0) {
      zeros++;
      continue;
    }
    for (; zeros > 15; zeros -= 16) bits.code(AC_CODES, SIXTEEN_ZEROS);
    const length = bitLength(level);
    bits.code(AC_CODES, (zeros << 4) | length);
    bits.value(level, length);
    zeros = 0;
  }
  if (zeros > 0) bits.code(AC_CODES, END_OF_BLOCK);
}

function bitLength(value: number): number {
  return 32 - Math.clz32(Math.abs(value));
}

interface HuffmanCodes {
  /** By symbol. */
  readonly codes: Uint16Array;
  readonly lengths: Uint8Array;
  /** As a DHT segment states it. */
  readonly definition: Uint8Array;
}

function huffman(counts: string, symbols: string): HuffmanCodes {
  const definition = Buffer.from(counts + symbols, "hex");
  const codes = new Uint16Array(256);
  const lengths = new Uint8Array(256);
  let code = 0;
  let next = 16;
  for (let length = 1; length <= 16; length++, code <<= 1)
    for (let i = 0; i < (definition[length - 1] as number); i++) {
      const symbol = definition[next++] as number;
      codes[symbol] = code++;
      lengths[symbol] = length;
    }
  return { codes, lengths, definition };
}

/** Most significant bit first; a byte 0xFF is followed by a zero byte. */
class BitWriter {
  readonly #bytes: number[] = [];
  #pending = 0;
  #count = 0;

  code({ codes, lengths }: HuffmanCodes, symbol: number): void {
    this.#push(codes[symbol] as number, lengths[symbol] as number);
  }

  /** A number of `length` bits, negative ones less one. */
  value(value: number, length: number): void {
    this.#push((value < 0 ? value - 1 : value) & ((1 << length) - 1), length);
  }

  /** Filled with ones to a whole byte. */
  finish(): Uint8Array {
    this.#push(0x7f, 7);
    return Uint8Array.from(this.#bytes);
  }

  #push(value: number, length: number): void {
    this.#pending = (this.#pending << length) | value;
    this.#count += length;
    while (this.#count >= 8) {
      this.#count -= 8;
      const byte = (this.#pending >> this.#count) & 0xff;
      this.#bytes.push(byte);
      if (byte === 0xff) this.#bytes.push(0);
    }
    this.#pending &= (1 << this.#count) - 1;
  }
}

function zigzag(): Uint8Array {
  const order = Array.from({ length: 64 }, (_, position) => position);
  const diagonal = (position: number): number => (position >> 3) + (position & 7);
  // Along odd diagonals downwards, along even ones upwards.
  const along = (position: number): number => (diagonal(position) % 2 === 1 ? position >> 3 : position & 7);
  return Uint8Array.from(order.sort((a, b) => diagonal(a) - diagonal(b) || along(a) - along(b)));
}
