// Rows of a tab-separated file with a header, pictures in it as base64 (HR-Bench: 4.6 GB in 800 rows). Opening walks through
// the file once and keeps where fields lie; a row costs its texts when it is read, and a picture its bytes when it is loaded.
import { isUtf8 } from "node:buffer";
import { DataError } from "../../core/errors.ts";
import { base64Bytes } from "./base64.ts";
import type { FileBytes } from "./fileBytes.ts";
import { EmbeddedMedia, MAX_FAULTS, placeOf, type RowFault, type RowFile } from "./rowFile.ts";
import { type FieldSpan, TsvFields, unquoted } from "./tsvFields.ts";

/** A field of media that is no longer than this is no picture, but names one. */
export const SHORT_MEDIA_CHARS = 64;
/** V8's longest string is 2^29 - 24 characters. */
const MAX_FIELD_BYTES = 2 ** 29 - 24;
const MAX_COLUMNS = 1000;

export class TsvRowFile implements RowFile {
  readonly count: number;
  readonly faults: RowFault[] = [];
  faultCount = 0;

  private constructor(
    private readonly file: FileBytes,
    /** Header included. */
    private readonly fields: TsvFields,
    /** In the order of the file. */
    private readonly columns: readonly string[],
    private readonly wanted: ReadonlySet<string>,
    private readonly media: ReadonlySet<string>,
  ) {
    this.count = fields.count - 1;
    for (let row = 0; row < this.count; row++) {
      const reason = this.faultOf(row);
      if (reason === undefined) continue;
      this.faultCount++;
      if (this.faults.length < MAX_FAULTS) this.faults.push({ row, offset: this.offsetOf(row), reason });
    }
  }

  /**
   * Walks through the file once.
   * @param columns names of those that rows are to have, as text
   * @param media names of those that hold base64: `EmbeddedMedia` that loads `{bytes}`, or the text itself when it is short
   * @throws DataError when the file has no header, or none of the columns
   */
  static open(file: FileBytes, columns: readonly string[], media: readonly string[]): TsvRowFile {
    const header = TsvFields.index(file, MAX_COLUMNS, 1);
    if (header.count === 0) throw new DataError(`${file.path}: is empty; a TSV begins with its header`);
    if (header.fieldCountOf(0) > MAX_COLUMNS)
      throw new DataError(
        `${file.path}: its header has ${header.fieldCountOf(0)} columns, more than ${MAX_COLUMNS}`,
      );
    const names = Array.from({ length: header.fieldCountOf(0) }, (_, i) => {
      const { start, end } = header.field(0, i);
      return unquoted(file.read(start, Math.min(end - start, 1000))).toString("utf8");
    });
    const [wanted, mediaNames] = [new Set(columns), new Set(media)];
    if (!names.some((name) => wanted.has(name) || mediaNames.has(name)))
      throw new DataError(
        `${file.path}: has none of the columns ${[...columns, ...media].join(", ")}; it has ` +
          names.join(", ").slice(0, 200),
      );
    return new TsvRowFile(file, TsvFields.index(file, names.length), names, wanted, mediaNames);
  }

  get path(): string {
    return this.file.path;
  }

  offsetOf(row: number): number {
    return this.fields.startOf(row + 1);
  }

  read(row: number): unknown {
    if (!Number.isInteger(row) || row < 0 || row >= this.count)
      throw new RangeError(`row must be an integer in [0, ${this.count}), got ${row}`);
    const reason = this.faultOf(row);
    if (reason !== undefined)
      throw new DataError(`${this.path}: ${placeOf(row, this.offsetOf(row))} ${reason}`);
    const values: Record<string, unknown> = {};
    this.columns.forEach((name, number) => {
      const isMedia = this.media.has(name);
      if (!isMedia && !this.wanted.has(name)) return;
      const span = this.fields.field(row + 1, number);
      const isLong = span.end - span.start > SHORT_MEDIA_CHARS + 2;
      values[name] =
        isMedia && isLong
          ? new EmbeddedMedia(() => ({ bytes: this.base64(row, name, span) }))
          : this.text(row, name, span);
    });
    return values;
  }

  close(): void {
    this.file.close();
  }

  /** As the end of a sentence about the row. */
  private faultOf(row: number): string | undefined {
    const { openQuote } = this.fields;
    if (openQuote !== undefined && row === this.count - 1)
      return `ends inside the quoted field that begins at byte ${openQuote}: is the file cut off?`;
    const fields = this.fields.fieldCountOf(row + 1);
    return fields === this.columns.length
      ? undefined
      : `has ${fields} fields instead of the ${this.columns.length} of the header`;
  }

  private text(row: number, name: string, span: FieldSpan): string {
    const bytes = this.content(row, name, span);
    if (isUtf8(bytes)) return bytes.toString("utf8");
    throw this.failed(row, name, "is not UTF-8; write the file again in UTF-8");
  }

  private base64(row: number, name: string, span: FieldSpan): Uint8Array {
    const bytes = base64Bytes(this.content(row, name, span).toString("latin1"));
    if (bytes !== undefined) return bytes;
    throw this.failed(row, name, "is not base64");
  }

  private content(row: number, name: string, { start, end }: FieldSpan): Buffer {
    if (end - start > MAX_FIELD_BYTES)
      throw this.failed(row, name, `has ${end - start} bytes; at most ${MAX_FIELD_BYTES} can be read`);
    const bytes = this.file.read(start, end - start);
    if (bytes.length < end - start) throw this.failed(row, name, "is no longer there: the file was cut");
    return unquoted(bytes);
  }

  private failed(row: number, name: string, why: string): DataError {
    return new DataError(`${this.path}: ${placeOf(row, this.offsetOf(row))}, column ${name}: ${why}`);
  }
}
