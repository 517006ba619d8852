// A page of a parquet file, unpacked, and looked over before it is decoded: hyparquet trusts the lengths of runs (of equal
// numbers, or of packed ones) that levels and dictionary indices are written in, and two damaged bytes would keep it busy
// for hours or fill the memory. Format: "RLE / bit-packing hybrid" of github.com/apache/parquet-format/blob/master/Encodings.md.
import { decompressPage } from "hyparquet/src/datapage.js";
import { getMaxDefinitionLevel, getMaxRepetitionLevel } from "hyparquet/src/schema.js";
import type { ColumnDecoder, PageHeader } from "hyparquet/src/types.js";

/** More in one page is damage: decoders would fill memory with what a few bytes claim. */
const MAX_PAGE_VALUES = 1 << 24;
const MAX_PAGE_BYTES = 1 << 30;

export interface UnpackedPage {
  /** As `readPage` takes it for a page that is not compressed. */
  readonly header: PageHeader;
  /** Levels and values. */
  readonly bytes: Uint8Array;
}

/** @throws Error for a page that claims to be larger than any */
export function checkSize(header: PageHeader): void {
  const { data_page_header, data_page_header_v2, dictionary_page_header } = header;
  const values = (data_page_header_v2 ?? data_page_header ?? dictionary_page_header)?.num_values ?? 0;
  if (!(values >= 0 && values <= MAX_PAGE_VALUES)) throw new Error(`a page claims ${values} values`);
  const bytes = header.uncompressed_page_size;
  if (!(bytes >= 0 && bytes <= MAX_PAGE_BYTES)) throw new Error(`a page claims ${bytes} bytes`);
}

/** @param packed what follows the header in the file @throws Error for damage that decoding would not survive */
export function unpackPage(header: PageHeader, packed: Uint8Array, decoder: ColumnDecoder): UnpackedPage {
  const second = header.data_page_header_v2;
  const bytes =
    second === undefined ? unpack(packed, header.uncompressed_page_size, decoder) : unpackSecond();
  if (header.type !== "DICTIONARY_PAGE") checkRuns(header, bytes, decoder);
  const size = { compressed_page_size: bytes.length, uncompressed_page_size: bytes.length };
  return {
    header: {
      ...header,
      ...size,
      ...(second && { data_page_header_v2: { ...second, is_compressed: false } }),
    },
    bytes,
  };

  /** Levels of the second format of pages are never compressed. */
  function unpackSecond(): Uint8Array {
    if (second?.is_compressed === false) return packed;
    const levels = levelBytes(header);
    if (!(levels >= 0 && levels <= packed.length)) throw new Error("levels are longer than their page");
    const values = unpack(packed.subarray(levels), header.uncompressed_page_size - levels, decoder);
    return Buffer.concat([packed.subarray(0, levels), values]);
  }
}

function unpack(packed: Uint8Array, size: number, { codec, compressors }: ColumnDecoder): Uint8Array {
  return size === 0 && packed.length === 0 ? packed : decompressPage(packed, size, codec, compressors);
}

function levelBytes({ data_page_header_v2: second }: PageHeader): number {
  return (second?.repetition_levels_byte_length ?? 0) + (second?.definition_levels_byte_length ?? 0);
}

function checkRuns(header: PageHeader, bytes: Uint8Array, decoder: ColumnDecoder): void {
  const { data_page_header: first, data_page_header_v2: second } = header;
  const { num_values: count = 0, encoding } = second ?? first ?? {};
  const levels = [
    getMaxRepetitionLevel(decoder.schemaPath),
    getMaxDefinitionLevel(decoder.schemaPath),
  ] as const;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  if (second !== undefined) {
    const lengths = [second.repetition_levels_byte_length, second.definition_levels_byte_length] as const;
    for (const i of [0, 1] as const) {
      if (levels[i] > 0) walk(bytes, at, at + lengths[i], widthOf(levels[i]), count);
      at += lengths[i];
    }
  } else
    for (const most of levels.filter((level) => level > 0)) {
      const length = view.getUint32(at, true);
      walk(bytes, at + 4, at + 4 + length, widthOf(most), count);
      at += 4 + length;
    }
  if (encoding === "PLAIN_DICTIONARY" || encoding === "RLE_DICTIONARY") {
    if (at < bytes.length && count > 0) walk(bytes, at + 1, bytes.length, bytes[at] as number, count);
  } else if (encoding === "RLE") walk(bytes, second === undefined ? at + 4 : at, bytes.length, 1, count);
}

function widthOf(most: number): number {
  return 32 - Math.clz32(most);
}

/** Walks over runs of `count` numbers at most. @throws Error when one goes on longer than that, or leaves its bytes */
function walk(bytes: Uint8Array, start: number, end: number, width: number, count: number): void {
  if (!(start <= end && end <= bytes.length) || width > 32)
    throw new Error("runs of values lie outside their page");
  let seen = 0;
  for (let at = start; at < end && seen < count;) {
    let head = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 28) throw new Error("the length of a run of values is damaged");
      head += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    const packed = head % 2 === 1;
    const groups = Math.floor(head / 2);
    const numbers = packed ? 8 * groups : groups;
    if (numbers > count - seen + (packed ? 7 : 0))
      throw new Error(`a run of ${numbers} values in a page of ${count}`);
    at += packed ? groups * width : (width + 7) >> 3;
    seen += numbers;
  }
}
