// One column of one row group of a parquet file, read page by page: a row's value costs the page it lies in, where reading the
// whole chunk would hold a thousand images. hyparquet decodes the pages; its own readers of rows are asynchronous and
// read whole chunks where a file has no page index, as most have not. Format: github.com/apache/parquet-format.
import { parquetHeader, readPage } from "hyparquet/src/column.js";
import { readRleBitPackedHybrid } from "hyparquet/src/encoding.js";
import { convert } from "hyparquet/src/convert.js";
import { getMaxRepetitionLevel } from "hyparquet/src/schema.js";
import type { ColumnDecoder, ColumnMetaData, DecodedArray, PageHeader } from "hyparquet/src/types.js";
import type { FileBytes } from "./fileBytes.ts";
import { checkSize, unpackPage } from "./parquetPage.ts";

/** Bytes that hold the header of any usual page; a longer one (statistics of large values) is read again. */
const HEADER_BYTES = 4096;

interface Page {
  /** Of its header in the file. */
  readonly offset: number;
  /** Header and data. */
  readonly bytes: number;
  /** First row that begins in it. */
  readonly firstRow: number;
  /** Rows that begin in it. */
  readonly rows: number;
  /** Whether its first values belong to the last row of the page before. */
  readonly continues: boolean;
}

export class ParquetColumn {
  private pages: readonly Page[] | undefined;
  private dictionary: DecodedArray | undefined;
  /** The values decoded last: rows are often read in order. */
  private cached: { readonly firstRow: number; readonly values: DecodedArray } | undefined;
  private readonly maxRepetition: number;
  private readonly start: number;
  private readonly end: number;

  constructor(
    private readonly file: FileBytes,
    private readonly decoder: ColumnDecoder,
    chunk: ColumnMetaData,
    /** Rows of the row group. */
    private readonly rowCount: number,
  ) {
    this.maxRepetition = getMaxRepetitionLevel([...decoder.schemaPath]);
    const data = Number(chunk.data_page_offset);
    const dictionary = Number(chunk.dictionary_page_offset ?? 0n);
    // Some writers give 0 for no dictionary.
    this.start = dictionary > 0 ? Math.min(dictionary, data) : data;
    this.end = this.start + Number(chunk.total_compressed_size);
    if (!(this.start >= 4 && this.start <= this.end && this.end <= file.size))
      throw new Error(`bytes ${this.start} to ${this.end} of the column lie outside the file`);
  }

  /** The value of a row of the row group, nested lists as hyparquet assembles them. @throws Error for damaged data */
  value(row: number): unknown {
    let { cached } = this;
    if (cached === undefined || row < cached.firstRow || row >= cached.firstRow + cached.values.length) {
      this.cached = undefined; // before the next is decoded, so that both are not held
      cached = this.decode(row);
      this.cached = cached;
    }
    return cached.values[row - cached.firstRow];
  }

  private decode(row: number): { readonly firstRow: number; readonly values: DecodedArray } {
    const pages = (this.pages ??= this.findPages());
    let last = pages.findIndex((page) => row < page.firstRow + page.rows);
    if (last < 0) throw new Error(`the column ends before row ${row} of its row group`);
    let first = last;
    while (first > 0 && pages[first]?.continues === true) first--;
    // A row may go on in the pages behind the one it begins in.
    while (pages[last + 1]?.continues === true) last++;
    let values: DecodedArray | undefined;
    for (const page of pages.slice(first, last + 1)) {
      const data = this.readPageAt(page.offset, page.bytes, values);
      if (data === undefined) throw new Error("a page holds no data");
      if (values !== undefined && data !== values)
        throw new Error("a page does not go on where the last ended");
      values = data;
    }
    const { firstRow } = pages[first] as Page;
    const wanted = pages.slice(first, last + 1).reduce((n, page) => n + page.rows, 0);
    if (values === undefined || values.length !== wanted)
      throw new Error(`a page holds ${values?.length ?? 0} values for ${wanted} rows`);
    return { firstRow, values };
  }

  /** Reads the headers of all pages, and of a nested column in the first format of pages how many rows each begins. */
  private findPages(): readonly Page[] {
    const pages: Page[] = [];
    let offset = this.start;
    let row = 0;
    while (offset < this.end && row < this.rowCount + (this.maxRepetition > 0 ? 1 : 0)) {
      const { header, headerBytes } = this.headerAt(offset);
      checkSize(header);
      const size = header.compressed_page_size;
      const bytes = headerBytes + size;
      if (!(size >= 0) || offset + bytes > this.end)
        throw new Error(`a page of ${size} bytes leaves its column`);
      if (header.type === "DICTIONARY_PAGE") this.dictionary = this.readDictionary(offset, bytes);
      else if (header.type === "DATA_PAGE" || header.type === "DATA_PAGE_V2") {
        const { rows, continues } = this.rowsOf(header, offset + headerBytes);
        if (!(rows >= 0) || (continues && pages.length === 0)) throw new Error("a page has impossible rows");
        pages.push({ offset, bytes, firstRow: row, rows, continues });
        row += rows;
      }
      offset += bytes;
    }
    if (row !== this.rowCount) throw new Error(`the column holds ${row} rows of ${this.rowCount}`);
    return pages;
  }

  private headerAt(offset: number): { readonly header: PageHeader; readonly headerBytes: number } {
    for (let length = HEADER_BYTES; ; length *= 8) {
      const bytes = this.file.read(offset, Math.min(length, this.end - offset));
      const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
      try {
        const header = parquetHeader(reader);
        return { header, headerBytes: reader.offset };
      } catch (error) {
        if (!(error instanceof RangeError) || length >= this.end - offset) throw error;
      }
    }
  }

  private rowsOf(header: PageHeader, data: number): { readonly rows: number; readonly continues: boolean } {
    const second = header.data_page_header_v2;
    const count = second?.num_values ?? header.data_page_header?.num_values;
    if (count === undefined) throw new Error("a page does not tell its values");
    if (this.maxRepetition === 0) return { rows: count, continues: false };
    const packed = this.file.read(data, header.compressed_page_size);
    const { bytes } = unpackPage(header, packed, this.decoder);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const repetition: number[] = new Array<number>(count);
    const bitWidth = 32 - Math.clz32(this.maxRepetition);
    // In the first format the levels' length stands before them.
    readRleBitPackedHybrid({ view, offset: 0 }, bitWidth, repetition, second?.repetition_levels_byte_length);
    return { rows: repetition.filter((level) => level === 0).length, continues: (repetition[0] ?? 0) > 0 };
  }

  private readDictionary(offset: number, bytes: number): DecodedArray | undefined {
    const data = this.readPageAt(offset, bytes, undefined);
    return data && convert(data, this.decoder);
  }

  /** @param before values of the pages before, when this one goes on with their last row */
  private readPageAt(
    offset: number,
    length: number,
    before: DecodedArray | undefined,
  ): DecodedArray | undefined {
    const whole = this.file.read(offset, length);
    const reader = { view: new DataView(whole.buffer, whole.byteOffset, whole.byteLength), offset: 0 };
    const packedHeader = parquetHeader(reader);
    const { header, bytes } = unpackPage(packedHeader, whole.subarray(reader.offset), this.decoder);
    const page = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
    const decoder = { ...this.decoder, codec: "UNCOMPRESSED" } as const;
    return readPage(page, header, decoder, this.dictionary, before, 0).data;
  }
}
