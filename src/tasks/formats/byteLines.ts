// Lines of a file of any size, one text at a time: the whole as one string would fail above 512 MB.
import { FileBytes } from "./fileBytes.ts";
import { JsonScanner, NEWLINE } from "./jsonScanner.ts";

export interface ByteLine {
  /** UTF-8, without its newline. */
  readonly text: string;
  /** Counted from 1. */
  readonly number: number;
  /** Byte at which it begins. */
  readonly start: number;
  /** False for a last line without a newline. */
  readonly whole: boolean;
}

/** In order; nothing after a newline at the end. @throws DataError when the file cannot be read */
export function* byteLines(path: string): Generator<ByteLine, void, undefined> {
  const file = FileBytes.open(path);
  try {
    const scanner = new JsonScanner(file);
    for (let number = 1; scanner.at < file.size; number++) {
      const start = scanner.at;
      const end = scanner.find(NEWLINE);
      const text = file.read(start, end - start).toString("utf8");
      yield { text, number, start, whole: end < file.size };
      scanner.at = end + 1;
    }
  } finally {
    file.close();
  }
}
