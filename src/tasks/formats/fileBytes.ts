// Bytes of a file by position, read block after block: what walks through a file of any size holds one block of it. Reading is
// synchronous, since a task is asked for by position and answered at once (`TaskSource.at`).
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { DataError } from "../../core/errors.ts";

/** An open file. It stays what it was when the path is replaced by another file meanwhile. */
export class FileBytes {
  private closed = false;

  private constructor(
    readonly path: string,
    private readonly fd: number,
    /** Bytes, when it was opened. */
    readonly size: number,
  ) {}

  /** @throws DataError when there is no such file, it is no regular file, or it cannot be read */
  static open(path: string): FileBytes {
    let fd: number;
    try {
      fd = openSync(path, "r");
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new DataError(
        `${path}: cannot be read (${code === "ENOENT" ? "there is no such file" : message})`,
      );
    }
    const stat = fstatSync(fd);
    if (stat.isFile()) return new FileBytes(path, fd, stat.size);
    closeSync(fd);
    throw new DataError(`${path}: must be a file, but it is ${stat.isDirectory() ? "a directory" : "none"}`);
  }

  /** Bytes [start, start + length); fewer only at the end of the file. Always new memory. */
  read(start: number, length: number): Buffer {
    const buffer = Buffer.allocUnsafeSlow(Math.max(0, Math.min(length, this.size - start)));
    return buffer.subarray(0, this.readInto(buffer, start));
  }

  /** Fills `buffer` from `start` on. @returns how much of it, less than all only at the end of the file */
  readInto(buffer: Buffer, start: number): number {
    if (this.closed) throw new DataError(`internal: ${this.path} is read after it was closed`);
    let filled = 0;
    while (filled < buffer.length) {
      let got: number;
      try {
        got = readSync(this.fd, buffer, filled, buffer.length - filled, start + filled);
      } catch (error) {
        throw new DataError(`${this.path}: cannot be read at byte ${start} (${(error as Error).message})`);
      }
      if (got === 0) break;
      filled += got;
    }
    return filled;
  }

  /** Idempotent. */
  close(): void {
    if (!this.closed) closeSync(this.fd);
    this.closed = true;
  }
}
