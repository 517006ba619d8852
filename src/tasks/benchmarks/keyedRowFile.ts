// Rows of a JSON object that has a row a key, `{"1": {...}, "2": {...}}`: the key becomes the row's `id` where it has none.
import { isUtf8 } from "node:buffer";
import { DataError } from "../../core/errors.ts";
import type { FileBytes } from "../formats/fileBytes.ts";
import { CLOSE_OBJECT, COLON, COMMA, END, JsonScanner, OPEN_OBJECT, QUOTE } from "../formats/jsonScanner.ts";
import type { RowFile } from "../formats/rowFile.ts";

interface Place {
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

export class KeyedRowFile implements RowFile {
  readonly faults = [];
  readonly faultCount = 0;

  private constructor(
    private readonly file: FileBytes,
    private readonly places: readonly Place[],
  ) {}

  static isKeyed(file: FileBytes): boolean {
    return scannerOf(file).skipSpace() === OPEN_OBJECT;
  }

  /** Walks through the file once. @throws DataError naming the byte at which it is not such an object */
  static open(file: FileBytes): KeyedRowFile {
    return new KeyedRowFile(file, [...placesIn(file)]);
  }

  get path(): string {
    return this.file.path;
  }
  get count(): number {
    return this.places.length;
  }

  offsetOf(row: number): number {
    return this.place(row).start;
  }

  read(row: number): unknown {
    const { key, start, end } = this.place(row);
    const value = parse(this.file, start, end);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? { id: key, ...value }
      : value;
  }

  close(): void {
    this.file.close();
  }

  private place(row: number): Place {
    const place = this.places[row];
    if (place === undefined) throw new RangeError(`row must be an integer in [0, ${this.count}), got ${row}`);
    return place;
  }
}

function* placesIn(file: FileBytes): Generator<Place, void, undefined> {
  const scanner = scannerOf(file);
  const expect = (byte: number, what: string): void => {
    if (scanner.skipSpace() !== byte)
      throw new DataError(`${file.path}: must have ${what} at byte ${scanner.at}; download it again`);
    scanner.at++;
  };
  const value = (): number => {
    const end = scanner.valueEnd();
    if (end >= 0) return end;
    const { offset, reason } = scanner.damage;
    throw new DataError(`${file.path}: ${reason} (byte ${offset}); download it again`);
  };
  expect(OPEN_OBJECT, "'{', the beginning of an object of rows,");
  for (let more = scanner.skipSpace() !== CLOSE_OBJECT; more;) {
    if (scanner.skipSpace() !== QUOTE) expect(QUOTE, "a key in quotes");
    const key = scanner.at;
    const key_ = parse(file, key, value()) as string;
    expect(COLON, "':' behind a key");
    scanner.skipSpace();
    const start = scanner.at;
    yield { key: key_, start, end: value() };
    more = scanner.skipSpace() === COMMA;
    if (more) scanner.at++;
  }
  expect(CLOSE_OBJECT, "'}' or ',' behind a row");
  if (scanner.skipSpace() !== END)
    throw new DataError(
      `${file.path}: goes on after the object's end at byte ${scanner.at}; one file holds one`,
    );
}

function scannerOf(file: FileBytes): JsonScanner {
  const scanner = new JsonScanner(file);
  if (file.read(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf]))) scanner.at = 3;
  return scanner;
}

function parse(file: FileBytes, start: number, end: number): unknown {
  const bytes = file.read(start, end - start);
  if (isUtf8(bytes)) return JSON.parse(bytes.toString("utf8"));
  throw new DataError(`${file.path}: is not UTF-8 at byte ${start}; write the file again in UTF-8`);
}
