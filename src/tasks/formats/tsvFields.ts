// Where the fields of a tab-separated file lie, found in one walk that holds one block of it. Quoting is what pandas and
// Python's csv module take for granted: a field that begins with a double quote goes on, tabs and line ends included, to the
// next quote that is not doubled; elsewhere a quote is a quote. Lines end with \n, \r\n or \r; empty ones do not count.
import type { FileBytes } from "./fileBytes.ts";
import { NumberList } from "./numberList.ts";

const BLOCK = 1 << 20;
const TAB = 0x09;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
export const QUOTE = 0x22;

export interface FieldSpan {
  readonly start: number;
  readonly end: number;
}

/** Line by line, the first among them: its fields' places, as far as `maxFields` of it, and how many there are. */
export class TsvFields {
  /** Lines. */
  count = 0;
  /** Byte at which the quoted field begins that the file ends within. */
  openQuote: number | undefined;
  private readonly starts = new NumberList();
  private readonly fieldCounts = new NumberList();
  private readonly firstEnds = new NumberList();
  private readonly ends = new NumberList();

  /** @param maxFields places that are kept of a line; it may have more */
  static index(file: FileBytes, maxFields: number, maxLines = Infinity): TsvFields {
    const fields = new TsvFields();
    new Walk(file, fields, maxFields, maxLines).run();
    return fields;
  }

  startOf(line: number): number {
    return this.starts.at(line);
  }

  fieldCountOf(line: number): number {
    return this.fieldCounts.at(line);
  }

  /** Quotes included. @throws RangeError for a field whose place is not kept */
  field(line: number, number: number): FieldSpan {
    const first = this.firstEnds.at(line);
    // A delimiter is one byte.
    return {
      start: number === 0 ? this.starts.at(line) : this.ends.at(first + number - 1) + 1,
      end: this.ends.at(first + number),
    };
  }

  addLine(start: number): void {
    this.starts.push(start);
    this.firstEnds.push(this.ends.length);
  }

  addEnd(end: number): void {
    this.ends.push(end);
  }

  endLine(fieldCount: number): void {
    this.fieldCounts.push(fieldCount);
    this.count++;
  }
}

type State = "lineStart" | "fieldStart" | "plain" | "quoted" | "quoteInQuoted";

class Walk {
  private state: State = "lineStart";
  /** Fields of this line that have ended. */
  private ended = 0;
  private fieldStart = 0;

  constructor(
    private readonly file: FileBytes,
    private readonly fields: TsvFields,
    private readonly maxFields: number,
    private readonly maxLines: number,
  ) {}

  run(): void {
    const { file } = this;
    const block = Buffer.allocUnsafeSlow(Math.max(1, Math.min(BLOCK, file.size)));
    let at = file.read(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf])) ? 3 : 0;
    while (at < file.size && this.fields.count < this.maxLines) {
      const length = file.readInto(block, at);
      if (length === 0) break;
      this.block(block.subarray(0, length), at);
      at += length;
    }
    if (this.fields.count >= this.maxLines) return;
    if (this.state === "quoted") this.fields.openQuote = this.fieldStart;
    if (this.state !== "lineStart") this.endLine(at);
  }

  private block(block: Buffer, at: number): void {
    const [tab, feed, back] = [new Next(block, TAB), new Next(block, LINE_FEED), new Next(block, RETURN)];
    for (let i = 0; i < block.length && this.fields.count < this.maxLines;) {
      const byte = block[i] as number;
      switch (this.state) {
        case "lineStart":
          if (byte === LINE_FEED || byte === RETURN) {
            i++; // an empty line, or the second half of \r\n
            break;
          }
          this.fields.addLine(at + i);
          this.ended = 0;
          this.state = "fieldStart";
          break;
        case "fieldStart":
          this.fieldStart = at + i;
          this.state = byte === QUOTE ? "quoted" : "plain";
          if (byte === QUOTE) i++;
          break;
        case "plain":
          i = Math.min(tab.from(i), feed.from(i), back.from(i));
          if (i < block.length) this.delimiter(block[i] as number, at + i++);
          break;
        case "quoted": {
          const quote = block.indexOf(QUOTE, i);
          i = quote < 0 ? block.length : quote + 1;
          if (quote >= 0) this.state = "quoteInQuoted";
          break;
        }
        case "quoteInQuoted":
          this.state = byte === QUOTE ? "quoted" : "plain";
          if (byte === QUOTE) i++;
          break;
        default:
          this.state satisfies never;
      }
    }
  }

  private delimiter(byte: number, at: number): void {
    if (byte !== TAB) return this.endLine(at);
    this.endField(at);
    this.state = "fieldStart";
  }

  private endField(at: number): void {
    if (this.ended++ < this.maxFields) this.fields.addEnd(at);
  }

  private endLine(at: number): void {
    this.endField(at);
    this.fields.endLine(this.ended);
    this.state = "lineStart";
  }
}

/** The next place of a byte in a block, searched for once however often it is asked for. */
class Next {
  private found = -1;

  constructor(
    private readonly block: Buffer,
    private readonly byte: number,
  ) {}

  /** At `i` or behind; the block's length if there is none. */
  from(i: number): number {
    if (this.found < i) {
      const found = this.block.indexOf(this.byte, i);
      this.found = found < 0 ? this.block.length : found;
    }
    return this.found;
  }
}

/** The content of a field. */
export function unquoted(field: Buffer): Buffer {
  if (field[0] !== QUOTE) return field;
  const first = field.indexOf(QUOTE, 1);
  if (first < 0) return field.subarray(1);
  if (first === field.length - 1) return field.subarray(1, first);
  const content = Buffer.alloc(field.length);
  let length = 0;
  let inside = true;
  for (let i = 1; i < field.length; i++) {
    if (inside && field[i] === QUOTE) {
      if (field[i + 1] !== QUOTE) {
        inside = false;
        continue;
      }
      i++;
    }
    content[length++] = field[i] as number;
  }
  return content.subarray(0, length);
}
