// A data set on disk as rows by number, whatever the format: nothing of a row is in memory until it is asked for, and a row
// that cannot be read does not keep others from being read. Rows are numbered from 0; malformed ones count.

/** A place where a file is not what its format demands. */
export interface RowFault {
  /** The row it makes unreadable; undefined when it stands between rows and costs none. */
  readonly row?: number;
  /** Byte of the file, from 0, at which it is noticed. */
  readonly offset: number;
  /** As the end of a sentence about the row or the file: "has '}' where a value must stand". */
  readonly reason: string;
}

export interface RowFile {
  readonly path: string;
  /** Rows, malformed ones included. */
  readonly count: number;
  /** In the order of the file, the first MAX_FAULTS of them. */
  readonly faults: readonly RowFault[];
  /** All of them. */
  readonly faultCount: number;
  /** Byte at which a row begins; undefined where rows are not stored one after the other (parquet). */
  offsetOf(row: number): number | undefined;
  /**
   * The row as plain data: text, numbers, lists, records. Media that lie in the file come as `EmbeddedMedia`.
   * @throws DataError naming file, row and byte when it is malformed
   */
  read(row: number): unknown;
  /** Rows can be read no more. Idempotent. */
  close(): void;
}

/** Faults that are kept one by one; a file with more is counted. */
export const MAX_FAULTS = 10_000;

/** Images or videos that lie in the data file itself, read when asked for. */
export class EmbeddedMedia {
  constructor(
    /** Records `{bytes, path}`, plain bytes, or a list of either; null when there are none. @throws DataError */
    readonly load: () => unknown,
  ) {}
}

/** "row 17 at byte 8123", for messages. */
export function placeOf(row: number, offset: number | undefined): string {
  return offset === undefined ? `row ${row}` : `row ${row} at byte ${offset}`;
}
