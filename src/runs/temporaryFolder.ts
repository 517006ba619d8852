// A folder for what a process needs while it lives. One that is killed cannot remove its own: the next that makes a folder of
// the same name does.
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isLocked, lockName, lockRun } from "./runLock.ts";

/**
 * @param name all folders of it begin with this, e.g. `pyvision-clips`
 * @param parent default: the system's temporary folder
 * @returns its absolute path; whoever asked for it removes it
 */
export function makeTemporaryFolder(name: string, parent = tmpdir()): string {
  for (const entry of readdirSync(parent)) {
    const path = join(parent, entry);
    // Without a lock it may be that of a process that is about to write one.
    if (!entry.startsWith(`${name}-`) || !existsSync(join(path, lockName)) || isLocked(path)) continue;
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      // Another process removes it at the same moment, or it is another user's.
    }
  }
  const path = mkdtempSync(join(parent, `${name}-`));
  lockRun(path);
  return path;
}
