// Where the rows of a JSON file lie: an array of any size, or JSON Lines, walked through once by bytes. What is malformed
// is noted with the byte at which it shows, and reading goes on at the next row. In JSON Lines that is the next line. In an
// array, where a lost quote or bracket turns everything behind it inside out, it is the next place that looks as a good
// row began (white space, brace, first key): rows of a data set begin alike. How many rows a damaged stretch held is not
// known; it counts as one.
import type { FileBytes } from "./fileBytes.ts";
import {
  CLOSE_ARRAY,
  COLON,
  COMMA,
  END,
  JsonScanner,
  NEWLINE,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
} from "./jsonScanner.ts";
import { MAX_FAULTS, type RowFault } from "./rowFile.ts";
import { NumberList } from "./numberList.ts";

/** Bytes before a fault in which the next row may already have begun: with a line break of its own, and without. */
const LOOK_BACK = { lines: 1 << 16, packed: 256 } as const;
/** Bytes of white space before a row, and of its first key, by which later rows are known. */
const MAX_INDENT = 256;
const MAX_KEY = 1024;

export class RowIndex {
  private readonly starts = new NumberList();
  private readonly ends = new NumberList();
  readonly faults: RowFault[] = [];
  faultCount = 0;

  get count(): number {
    return this.starts.length;
  }

  startOf(row: number): number {
    return this.starts.at(row);
  }

  /** Undefined for a malformed row. */
  endOf(row: number): number | undefined {
    const end = this.ends.at(row);
    return end < 0 ? undefined : end;
  }

  add(start: number, end: number): void {
    this.starts.push(start);
    this.ends.push(end);
  }

  addMalformed(start: number, offset: number, reason: string): void {
    this.note({ row: this.count, offset, reason });
    this.starts.push(start);
    this.ends.push(-1);
  }

  note(fault: RowFault): void {
    if (this.faultCount++ < MAX_FAULTS) this.faults.push(fault);
  }
}

/** @returns undefined when the file, white space and byte order mark aside, begins with neither `[` nor `{` */
export function indexJson(file: FileBytes): RowIndex | undefined {
  const scanner = new JsonScanner(file);
  if (file.read(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf]))) scanner.at = 3;
  const first = scanner.skipSpace();
  if (first === OPEN_ARRAY) return new ArrayReader(file, scanner).read();
  return first === OPEN_OBJECT ? readLines(scanner) : undefined;
}

function readLines(scanner: JsonScanner): RowIndex {
  const index = new RowIndex();
  for (;;) {
    scanner.endAt();
    if (scanner.skipSpace() === END) return index;
    const start = scanner.at;
    const lineEnd = scanner.find(NEWLINE);
    scanner.endAt(lineEnd);
    const end = scanner.valueEnd();
    if (end >= 0 && scanner.skipSpace() !== END) scanner.unexpected("the line's end");
    if (end >= 0 && scanner.at === lineEnd) index.add(start, end);
    else index.addMalformed(start, scanner.damage.offset, scanner.damage.reason);
    scanner.at = lineEnd;
  }
}

/** How rows begin, which finds the next one behind damage. */
interface Lead {
  /** White space before a row's brace, from the last line break on; undefined when no line break stands there. */
  readonly indent: Buffer | undefined;
  /** The first key in quotes, once a row was read whole; until then any, where a row may follow another. */
  readonly key: Buffer | undefined;
}

class ArrayReader {
  private readonly index = new RowIndex();
  private lead: Lead | undefined;

  constructor(
    private readonly file: FileBytes,
    private readonly scanner: JsonScanner,
  ) {}

  read(): RowIndex {
    const { scanner, index } = this;
    scanner.at++;
    /** What stood before the place where a value is expected now. */
    let before: "bracket" | "comma" | "value" | "damage" = "bracket";
    for (;;) {
      const byte = scanner.skipSpace();
      const offset = scanner.at;
      if (byte === END) {
        index.note({
          offset,
          reason: "ends without the array's ']': it is cut off, or the bracket is missing",
        });
        return index;
      }
      if (byte === CLOSE_ARRAY) {
        if (before === "comma") index.note({ offset, reason: "has a comma after the last row; take it out" });
        scanner.at++;
        if (scanner.skipSpace() === END) return index;
        index.note({ offset: scanner.at, reason: "goes on after the array's end; one file holds one array" });
        if (!this.toNextRow(scanner.at, scanner.at)) return index;
        before = "damage";
        continue;
      }
      if (byte === COMMA) {
        if (before === "comma" || before === "bracket")
          index.note({ offset, reason: "has ',' where a row must stand" });
        scanner.at++;
        before = "comma";
        continue;
      }
      if (before === "value") {
        index.note({ offset, reason: "has no ',' before this row" });
        if (byte !== OPEN_OBJECT && !this.toNextRow(offset, offset)) return index;
        before = "damage";
        continue;
      }
      if (byte === OPEN_ARRAY) {
        // No row is a list, and behind a bracket too many all rows would be one.
        index.note({ offset, reason: "has '[' where a row must stand" });
        scanner.at++;
        continue;
      }
      this.lead ??= { indent: this.indentBefore(offset), key: undefined };
      const end = scanner.valueEnd();
      if (end >= 0) {
        index.add(offset, end);
        if (this.lead.key === undefined && byte === OPEN_OBJECT) {
          this.lead = { indent: this.indentBefore(offset), key: this.firstKey(offset) };
          scanner.at = end;
        }
        before = "value";
        continue;
      }
      const { damage } = scanner;
      index.addMalformed(offset, damage.offset, damage.reason);
      if (!this.toNextRow(offset + 1, damage.offset)) return index;
      before = "damage";
    }
  }

  private indentBefore(offset: number): Buffer | undefined {
    const start = Math.max(0, offset - MAX_INDENT);
    const space = /[ \t\r\n]*$/.exec(this.file.read(start, offset - start).toString("latin1"))?.[0] ?? "";
    const lineBreak = space.lastIndexOf("\n");
    return lineBreak < 0 ? undefined : Buffer.from(space.slice(lineBreak), "latin1");
  }

  /** Of the object at `offset`, which is whole; undefined when it has no key, or a very long one. */
  private firstKey(offset: number): Buffer | undefined {
    const { scanner } = this;
    scanner.at = offset + 1;
    if (scanner.skipSpace() !== QUOTE) return undefined;
    const start = scanner.at;
    const end = scanner.valueEnd();
    return end - start <= MAX_KEY ? this.file.read(start, end - start) : undefined;
  }

  /** Goes to where the next row begins, not before `first`. @returns false when there is none: the file ends damaged */
  private toNextRow(first: number, damaged: number): boolean {
    const { lead = { indent: undefined, key: undefined } } = this;
    const { indent, key } = lead;
    if (this.toRowLike(lead, first, damaged)) return true;
    // The first row's indentation may be part of the damage.
    return (
      key === undefined && indent !== undefined && this.toRowLike({ indent: undefined, key }, first, damaged)
    );
  }

  private toRowLike(lead: Lead, first: number, damaged: number): boolean {
    const { scanner } = this;
    const back = lead.indent === undefined ? LOOK_BACK.packed : LOOK_BACK.lines;
    scanner.at = Math.max(first, damaged - back);
    for (;;) {
      scanner.at = scanner.find(OPEN_OBJECT);
      const offset = scanner.at;
      if (scanner.peek() === END) return false;
      const found = lead.key === undefined ? this.mayBeRow(offset, lead.indent) : this.beginsAs(offset, lead);
      scanner.at = found ? offset : offset + 1;
      if (found) return true;
    }
  }

  private beginsAs(offset: number, { indent, key }: Lead): boolean {
    const { scanner } = this;
    scanner.at = offset + 1;
    if (scanner.skipSpace() !== QUOTE) return false;
    for (const byte of key ?? []) {
      if (scanner.peek() !== byte) return false;
      scanner.at++;
    }
    if (key !== undefined && scanner.skipSpace() !== COLON) return false;
    if (indent === undefined) return true;
    return this.file.read(Math.max(0, offset - indent.length), indent.length).equals(indent);
  }

  /** While no row was read whole: an object behind another, which ends the file or is followed by one of the same key. */
  private mayBeRow(offset: number, indent: Buffer | undefined): boolean {
    const { scanner } = this;
    if (!this.beginsAs(offset, { indent, key: undefined })) return false;
    const start = Math.max(0, offset - MAX_INDENT);
    if (!/\}\s*,\s*$/.test(this.file.read(start, offset - start).toString("latin1"))) return false;
    scanner.at = offset;
    if (scanner.valueEnd() < 0) return false;
    const byte = scanner.skipSpace();
    scanner.at++;
    if (byte === CLOSE_ARRAY) return scanner.skipSpace() === END;
    if (byte !== COMMA || scanner.skipSpace() !== OPEN_OBJECT) return false;
    const next = scanner.at;
    const key = this.firstKey(offset);
    return key !== undefined && this.beginsAs(next, { indent: undefined, key });
  }
}
