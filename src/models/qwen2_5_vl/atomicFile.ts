// Files that are either the old content or the whole new one, whatever happens to the process or the machine.
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Writes chunks to a temporary file beside `path`, flushes it to the disk, and renames it. */
export async function writeAtomically(path: string, chunks: readonly Uint8Array[]): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, "w");
    try {
      for (const chunk of chunks) await file.writeFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  const folder = await open(dirname(path), "r");
  await folder.sync().finally(() => folder.close());
}
