// Whether a file is a whole picture or video, without decoding it: decoding 10 GB of JPEG takes hours, walking through their
// markers takes what reading them takes. It finds what goes wrong with data sets (empty files, files cut off by a broken
// download, a web page saved as a picture, formats nobody can open here), and no damage inside compressed pixels.

/** A file or bytes in memory, read by position. */
export interface Readable {
  readonly size: number;
  /** Bytes [start, start + length), fewer at the end. */
  read(start: number, length: number): Uint8Array;
}

const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const TAIL = 1 << 16;

/** What is wrong with a picture, as the end of a sentence about it; undefined when nothing is. */
export function pictureFault(file: Readable): string | undefined {
  if (file.size === 0) return "is empty";
  const head = file.read(0, 64);
  if (startsWith(head, PNG)) return pngFault(file);
  if (startsWith(head, [0xff, 0xd8, 0xff])) return jpegFault(file);
  const text = Buffer.from(head).toString("latin1");
  if (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP") return webpFault(file, head);
  return `must be PNG or JPEG or WebP, but its content is ${nameOf(head)}`;
}

/** The same for a video: whether it begins as a container that FFmpeg knows. */
export function videoFault(file: Readable): string | undefined {
  if (file.size === 0) return "is empty";
  const head = file.read(0, 400);
  const text = Buffer.from(head).toString("latin1");
  const boxes = ["ftyp", "moov", "mdat", "free", "skip", "wide", "pnot"];
  if (boxes.includes(text.slice(4, 8))) return mp4Fault(file);
  if (startsWith(head, [0x1a, 0x45, 0xdf, 0xa3])) return undefined; // Matroska, WebM
  if (text.startsWith("RIFF") && text.slice(8, 12) === "AVI ") return undefined;
  if (text.startsWith("FLV") || text.startsWith("OggS") || text.startsWith("GIF8")) return undefined;
  if (startsWith(head, [0x30, 0x26, 0xb2, 0x75])) return undefined; // ASF, WMV
  if (startsWith(head, [0, 0, 1]) && (head[3] ?? 0) >= 0xb0) return undefined; // MPEG
  if (head[0] === 0x47 && (head[188] === 0x47 || file.size < 376)) return undefined; // MPEG transport stream
  return `must be a video, but its content is ${nameOf(head)}`;
}

function pngFault(file: Readable): string | undefined {
  for (let at = PNG.length; ;) {
    const chunk = view(file.read(at, 16));
    if (chunk.byteLength < (at === PNG.length ? 16 : 8)) return cutOff(file);
    const length = chunk.getUint32(0);
    const type = chunk.getUint32(4);
    if (at === PNG.length) {
      if (type !== 0x49484452) return "is damaged (a PNG begins with IHDR)";
      if (chunk.getUint32(8) === 0 || chunk.getUint32(12) === 0) return "has no pixels";
    }
    if (at + 12 + length > file.size) return cutOff(file);
    if (type === 0x49454e44) return undefined;
    at += 12 + length;
  }
}

function jpegFault(file: Readable): string | undefined {
  let framed = false;
  for (let at = 2; !framed;) {
    const segment = view(file.read(at, 9));
    if (segment.byteLength < 9) return cutOff(file);
    if (segment.getUint8(0) !== 0xff) return "is damaged (a marker is missing)";
    const marker = segment.getUint8(1);
    if (marker === 0xff) {
      at++; // fill byte
      continue;
    }
    if (marker === 0xda) return "is damaged (pixels come before the frame)";
    // Frames of all kinds, which lie among three markers that are none.
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      if (segment.getUint16(5) === 0 || segment.getUint16(7) === 0) return "has no pixels";
      framed = true;
    }
    at += 2 + segment.getUint16(2);
  }
  // Cameras write more behind the end marker: look for it near the end first.
  for (const length of [TAIL, file.size]) {
    const tail = Buffer.from(file.read(Math.max(2, file.size - length), length));
    if (tail.lastIndexOf(Buffer.from([0xff, 0xd9])) >= 0) return undefined;
  }
  return cutOff(file);
}

/** A container that says how long it is. */
function webpFault(file: Readable, head: Uint8Array): string | undefined {
  if (file.size < 30 || file.size < 8 + view(head).getUint32(4, true)) return cutOff(file);
  if (Buffer.from(head).toString("latin1", 12, 16) === "VP8X" && ((head[20] ?? 0) & 2) !== 0)
    return "is a WebP that moves: save one of its pictures";
  return undefined;
}

/** Top-level boxes of MP4 and QuickTime, each with its length; a film without `moov` cannot be opened. */
function mp4Fault(file: Readable): string | undefined {
  let hasIndex = false;
  for (let at = 0; at < file.size;) {
    const box = view(file.read(at, 16));
    if (box.byteLength < 8) return cutOff(file);
    const type = box.getUint32(4);
    let length = box.getUint32(0);
    if (length === 1 && box.byteLength === 16) length = Number(box.getBigUint64(8));
    else if (length === 0) length = file.size - at; // to the end of the file
    if (type === 0x6d6f6f76) hasIndex = true;
    if (length < 8) return hasIndex ? undefined : "is damaged (a box is shorter than its header)";
    if (at + length > file.size) return cutOff(file);
    at += length;
  }
  return hasIndex ? undefined : "has no index (moov): recorded or downloaded in part";
}

function cutOff(file: Readable): string {
  return `is cut off: it ends after ${file.size} bytes, before its end marker`;
}

function nameOf(head: Uint8Array): string {
  const text = Buffer.from(head).toString("latin1");
  if (text.startsWith("GIF8")) return "GIF: convert it first";
  if (text.startsWith("BM")) return "BMP: convert it first";
  if (text.startsWith("II*\0") || text.startsWith("MM\0*")) return "TIFF: convert it first";
  if (startsWith(head, PNG)) return "PNG";
  if (startsWith(head, [0xff, 0xd8, 0xff])) return "JPEG";
  if (["ftypavif", "ftypheic", "ftypmif1"].includes(text.slice(4, 12)))
    return "AVIF or HEIC: convert it first";
  if (/^\s*<(!doctype html|html|\?xml|svg)/i.test(text)) return "a web page or SVG";
  if (text.startsWith("version https://git-lfs")) return "a Git LFS pointer: fetch the file itself";
  return `none of them (begins with ${JSON.stringify(text.slice(0, 12))})`;
}

function startsWith(head: Uint8Array, bytes: readonly number[]): boolean {
  return bytes.every((byte, i) => head[i] === byte);
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
