// Files that are either whole or absent: written beside their place, then renamed over it.
import { renameSync, rmSync, writeFileSync } from "node:fs";

/** Replaces the file in one step; a reader sees the old text or the new one, never half of it. */
export function writeFileAtomic(path: string, data: string | Uint8Array): void {
  const beside = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(beside, data);
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}
