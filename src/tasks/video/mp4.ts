// A small MP4 writer (ISO/IEC 14496-12 and -14) for Motion-JPEG: one video track whose samples are JPEG files. Each frame is
// a chunk of its own and names the offset of its bytes, so frames that are equal share one copy of them, and a clip of
// 400 frames with four different ones is as small, and as quickly made, as the four. Every frame is a keyframe. The
// index stands before the samples. JPEG in the MPEG-4 registry is object type 0x6C of a sample entry "mp4v".
import { DataError } from "../../core/errors.ts";

export interface Mp4Video {
  /** In px. */
  readonly width: number;
  readonly height: number;
  /** Frames a second as a fraction, e.g. [4, 1] or [30000, 1001]. */
  readonly rate: readonly [numerator: number, denominator: number];
  /** The different pictures, each a whole JPEG file of `width` x `height`. */
  readonly pictures: readonly Uint8Array[];
  /** For each frame, in the order they are shown, the number of its picture. */
  readonly frames: readonly number[];
}

const JPEG_OBJECT_TYPE = 0x6c;
const VISUAL_STREAM = 0x04;
/** Ticks a second of the film as a whole; a film in ms. */
const MOVIE_TIMESCALE = 1000;
/** 1 as a 16.16 fixed-point number. */
const ONE = 0x10000;
const UNITY_MATRIX = [ONE, 0, 0, 0, ONE, 0, 0, 0, 0x40000000];

/** The whole file. @throws DataError for sizes, rates and numbers that the format cannot say. */
export function mp4File(video: Mp4Video): Buffer {
  check(video);
  const { pictures } = video;
  const mediaBytes = pictures.reduce((sum, picture) => sum + picture.length, 0);
  const head = box("ftyp", ascii("isom"), u32(0x200), ascii("isomiso2mp41"));
  // The index has the same length whatever the offsets in it say.
  const start = head.length + index(video, 0).length + 8;
  if (start + mediaBytes > 0xffffffff)
    throw new DataError(
      `mp4: a file must stay below 4 GiB, got ${start + mediaBytes} bytes; use fewer pictures`,
    );
  return Buffer.concat([head, index(video, start), u32(8 + mediaBytes), ascii("mdat"), ...pictures]);
}

/** The `moov` box; `start` is the file offset of the first picture. */
function index({ width, height, rate, pictures, frames }: Mp4Video, start: number): Buffer {
  const [timescale, ticksPerFrame] = rate;
  const ticks = frames.length * ticksPerFrame;
  const duration = Math.round((ticks / timescale) * MOVIE_TIMESCALE);
  const offsets: number[] = [];
  pictures.reduce((offset, picture) => {
    offsets.push(offset);
    return offset + picture.length;
  }, start);
  const times = [0, 0]; // made and changed: the start of 1904, so that equal clips are equal bytes
  return box(
    "moov",
    full("mvhd", 0, ...words(...times, MOVIE_TIMESCALE, duration, ONE), u16(0x100), zeros(10), ...words(...UNITY_MATRIX), zeros(24), u32(2)), // prettier-ignore
    box(
      "trak",
      full("tkhd", 3, ...words(...times, 1, 0, duration), zeros(16), ...words(...UNITY_MATRIX, width * ONE, height * ONE)), // prettier-ignore
      box(
        "mdia",
        full("mdhd", 0, ...words(...times, timescale, ticks), u16(LANGUAGE_UNDETERMINED), zeros(2)),
        full("hdlr", 0, u32(0), ascii("vide"), zeros(12), ascii("video\0")),
        box(
          "minf",
          full("vmhd", 1, zeros(8)),
          box("dinf", full("dref", 0, u32(1), full("url ", 1))),
          box(
            "stbl",
            full("stsd", 0, u32(1), sampleEntry(width, height)),
            full("stts", 0, ...words(1, frames.length, ticksPerFrame)),
            full("stsc", 0, ...words(1, 1, 1, 1)),
            full("stsz", 0, u32(0), ...words(frames.length, ...frames.map((i) => (pictures[i] as Uint8Array).length))), // prettier-ignore
            full("stco", 0, ...words(frames.length, ...frames.map((i) => offsets[i] as number))),
          ),
        ),
      ),
    ),
  );
}

/** "und" in five bits a letter. */
const LANGUAGE_UNDETERMINED = 0x55c4;

function sampleEntry(width: number, height: number): Buffer {
  const decoder = descriptor(0x04, u8(JPEG_OBJECT_TYPE), u8((VISUAL_STREAM << 2) | 1), zeros(11));
  const stream = descriptor(0x03, u16(1), u8(0), decoder, descriptor(0x06, u8(2)));
  const dpi72 = 72 * ONE;
  return box(
    "mp4v",
    zeros(6),
    u16(1), // which data reference
    zeros(16),
    u16(width),
    u16(height),
    ...words(dpi72, dpi72, 0),
    u16(1), // frames a sample
    zeros(32),
    u16(24), // depth
    u16(0xffff),
    full("esds", 0, stream),
  );
}

function check({ width, height, rate, pictures, frames }: Mp4Video): void {
  const whole = (value: number, least: number, most: number): boolean =>
    Number.isInteger(value) && value >= least && value <= most;
  if (!whole(width, 1, 0xffff) || !whole(height, 1, 0xffff))
    throw new DataError(`mp4: width and height must be integers from 1 to 65535, got ${width} x ${height}`);
  if (!rate.every((part) => whole(part, 1, 0x7fffffff)))
    throw new DataError(`mp4: rate must be two integers above 0, e.g. [4, 1], got [${rate.join(", ")}]`);
  if (frames.length === 0) throw new DataError("mp4: a video needs at least one frame, got none");
  if (
    frames.length * rate[1] > 0xffffffff ||
    (frames.length * rate[1] * MOVIE_TIMESCALE) / rate[0] > 0xffffffff
  )
    throw new DataError(
      `mp4: ${frames.length} frames at ${rate.join("/")} a second last too long; use fewer`,
    );
  const odd = frames.find((number) => !whole(number, 0, pictures.length - 1));
  if (odd !== undefined)
    throw new DataError(`mp4: frames must be numbers of the ${pictures.length} pictures, got ${odd}`);
  const empty = pictures.findIndex((picture) => picture[0] !== 0xff || picture[1] !== 0xd8);
  if (empty >= 0) throw new DataError(`mp4: picture ${empty} must be a JPEG file, got something else`);
}

/** A box: length, type, content. */
function box(type: string, ...content: readonly Uint8Array[]): Buffer {
  const length = content.reduce((sum, part) => sum + part.length, 8);
  return Buffer.concat([u32(length), ascii(type), ...content], length);
}

/** A box with a version (0) and flags. */
function full(type: string, flags: number, ...content: readonly Uint8Array[]): Buffer {
  return box(type, u32(flags), ...content);
}

/** An MPEG-4 descriptor shorter than 128 bytes. */
function descriptor(tag: number, ...content: readonly Uint8Array[]): Buffer {
  return Buffer.concat([u8(tag), u8(content.reduce((sum, part) => sum + part.length, 0)), ...content]);
}

function words(...values: readonly number[]): Buffer[] {
  const buffer = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => buffer.writeUInt32BE(value, i * 4));
  return [buffer];
}

const u32 = (value: number): Buffer => words(value)[0] as Buffer;
const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
const u8 = (value: number): Buffer => Buffer.from([value]);
const zeros = (count: number): Buffer => Buffer.alloc(count);
const ascii = (text: string): Buffer => Buffer.from(text, "latin1");
