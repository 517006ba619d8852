// The way pictures reach the sessions: raw RGB in a private file, written once for all the sessions that are opened
// with the same object (a group of rollouts) and removed when the last of them has ended.
import { unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RgbImage } from "../core/image.ts";
import { SandboxError } from "../core/errors.ts";

interface SharedFile {
  readonly path: string;
  readonly written: Promise<void>;
  users: number;
}

async function write(path: string, data: Uint8Array): Promise<void> {
  await writeFile(path, data, { mode: 0o400 }).catch((error: Error) => {
    throw new SandboxError(
      `an image could not be handed to Python: ${error.message}; is the disk of ${path} full?`,
    );
  });
}

export class ImageFiles {
  readonly #files = new Map<RgbImage, SharedFile>();
  #count = 0;

  constructor(readonly folder: string) {}

  /** Path of the file with the image's bytes. Every call is to be followed by one `release`. */
  async acquire(image: RgbImage): Promise<string> {
    let file = this.#files.get(image);
    if (file === undefined) {
      const { width, height, data } = image;
      if (!(width >= 1 && height >= 1 && data.length === width * height * 3))
        throw new SandboxError(
          `image: data must have width * height * 3 bytes, got ${data.length} for ${width}x${height}`,
        );
      const path = join(this.folder, `image-${this.#count++}.rgb`);
      file = { path, written: write(path, data), users: 0 };
      this.#files.set(image, file);
    }
    file.users++;
    await file.written;
    return file.path;
  }

  release(image: RgbImage): void {
    const file = this.#files.get(image);
    if (file === undefined || --file.users > 0) return;
    this.#files.delete(image);
    // The whole folder is removed at the end; a file that cannot be removed now waits for that.
    void file.written.then(() => unlink(file.path)).catch(() => undefined);
  }
}
