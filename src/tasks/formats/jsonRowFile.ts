// Rows of a JSON array or of JSON Lines.
import { isUtf8 } from "node:buffer";
import { DataError } from "../../core/errors.ts";
import type { FileBytes } from "./fileBytes.ts";
import { indexJson, type RowIndex } from "./jsonRows.ts";
import { placeOf, type RowFault, type RowFile } from "./rowFile.ts";

/** V8's longest string is 2^29 - 24 characters. */
const MAX_ROW_BYTES = 2 ** 29 - 24;

export class JsonRowFile implements RowFile {
  private constructor(
    private readonly file: FileBytes,
    private readonly index: RowIndex,
  ) {}

  /** Walks through the file once. @throws DataError when it holds neither an array nor objects line by line */
  static open(file: FileBytes): JsonRowFile {
    const index = indexJson(file);
    if (index === undefined)
      throw new DataError(
        `${file.path}: must be a JSON array of rows, JSON Lines or parquet, but it begins with ${beginning(file)}`,
      );
    const [first] = index.faults;
    if (first !== undefined && index.count === malformedCount(index) && index.count > 0)
      throw new DataError(
        `${file.path}: none of its rows is JSON; the first ${first.reason} (byte ${first.offset}). ` +
          "A file holds one array of rows, or one row a line; an object that holds the rows must be taken apart",
      );
    return new JsonRowFile(file, index);
  }

  get path(): string {
    return this.file.path;
  }
  get count(): number {
    return this.index.count;
  }
  get faults(): readonly RowFault[] {
    return this.index.faults;
  }
  get faultCount(): number {
    return this.index.faultCount;
  }

  offsetOf(row: number): number {
    return this.index.startOf(row);
  }

  read(row: number): unknown {
    const start = this.index.startOf(row);
    const end = this.index.endOf(row);
    const failed = (why: string): DataError => new DataError(`${this.path}: ${placeOf(row, start)} ${why}`);
    if (end === undefined) {
      const fault = this.index.faults.find((f) => f.row === row);
      throw failed(fault === undefined ? "is malformed" : `${fault.reason} (byte ${fault.offset})`);
    }
    if (end - start > MAX_ROW_BYTES)
      throw failed(
        `has ${end - start} bytes; at most ${MAX_ROW_BYTES} can be read: put its media into files`,
      );
    const bytes = this.file.read(start, end - start);
    if (!isUtf8(bytes)) throw failed("is not UTF-8; write the file again in UTF-8");
    try {
      return JSON.parse(bytes.toString("utf8"));
    } catch (error) {
      throw failed(`is no longer what it was when the file was opened (${(error as Error).message})`);
    }
  }

  close(): void {
    this.file.close();
  }
}

function malformedCount(index: RowIndex): number {
  return index.faults.filter((fault) => fault.row !== undefined).length;
}

/** What to tell of a file of another kind. */
function beginning(file: FileBytes): string {
  const head = file.read(0, 16);
  if (head.length === 0) return "nothing: it is empty";
  if (head[0] === 0x1f && head[1] === 0x8b) return "a gzip header: unpack it first";
  if (head.subarray(0, 4).equals(Buffer.from([0x28, 0xb5, 0x2f, 0xfd])))
    return "a zstd header: unpack it first";
  if (head.subarray(0, 2).toString("latin1") === "PK") return "a zip header: unpack it first";
  if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff))
    return "the mark of UTF-16: write it again in UTF-8";
  return JSON.stringify(head.toString("utf8"));
}
