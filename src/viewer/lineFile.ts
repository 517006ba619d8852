// A file of lines that somebody else is still writing: where each whole line lies, found once and carried on from there.
// A last line without its newline is a write under way and does not count. When the file was replaced or cut, everything
// known of it is void: `generation` changes and the index begins again.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

const chunkBytes = 1 << 20;
const newline = 10;

export interface LineFile {
  /** Counts replacements of the file. */
  readonly generation: number;
  /** Whole lines known. */
  readonly count: number;
  /** Milliseconds since 1970 of the last change; 0 while there is no file. */
  readonly changedAt: number;
  /** Looks for new lines. @returns whether anything changed */
  update(): boolean;
  /** Text of line `index`, or only its first `bytes`. @throws RangeError when there is none */
  line(index: number, bytes?: number): string;
}

export function openLineFile(path: string): LineFile {
  /** `starts[i]` is the offset of line i; one more at the end for the next. */
  let starts = [0];
  let scanned = 0;
  let inode = -1;
  let changedAt = 0;
  let generation = 0;

  const scan = (file: number, size: number): void => {
    const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, size - scanned));
    while (scanned < size) {
      const length = readSync(file, chunk, 0, Math.min(chunk.length, size - scanned), scanned);
      if (length === 0) return;
      const part = chunk.subarray(0, length);
      for (let at = part.indexOf(newline); at >= 0; at = part.indexOf(newline, at + 1))
        starts.push(scanned + at + 1);
      scanned += length;
    }
  };

  return {
    get generation() {
      return generation;
    },
    get count() {
      return starts.length - 1;
    },
    get changedAt() {
      return changedAt;
    },
    update: () => {
      const file = openIfThere(path);
      if (file === undefined) {
        if (inode === -1) return false;
        [starts, scanned, inode, changedAt] = [[0], 0, -1, 0];
        generation++;
        return true;
      }
      try {
        const { size, ino, mtimeMs } = fstatSync(file);
        if (ino === inode && size === scanned && mtimeMs === changedAt) return false;
        // Same size and another time of writing: rewritten in place.
        const replaced = inode !== -1 && (ino !== inode || size < scanned || size === scanned);
        if (replaced) {
          [starts, scanned] = [[0], 0];
          generation++;
        }
        const before = starts.length;
        [inode, changedAt] = [ino, mtimeMs];
        scan(file, size);
        return replaced || starts.length > before;
      } finally {
        closeSync(file);
      }
    },
    line: (index, bytes = Infinity) => {
      const start = starts[index];
      const next = starts[index + 1];
      if (start === undefined || next === undefined)
        throw new RangeError(`${path} has ${starts.length - 1} lines, none at ${index}`);
      const text = Buffer.alloc(Math.min(next - 1 - start, bytes));
      const file = openSync(path, "r");
      try {
        const length = readSync(file, text, 0, text.length, start);
        return text.toString("utf8", 0, length);
      } finally {
        closeSync(file);
      }
    },
  };
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}
