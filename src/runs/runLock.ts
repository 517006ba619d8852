// One process at a time writes a run. The lock names it by its number and the moment it began, because numbers are used
// again: a lock whose process is gone, killed or not, is taken over without a question.
import { randomBytes } from "node:crypto";
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { ConfigError } from "../core/errors.ts";

export const lockName = "lock.json";

const ownerSchema = z.object({ pid: z.int().min(1), began: z.string(), host: z.string() });
type Owner = z.output<typeof ownerSchema>;

export interface RunLock {
  release(): void;
}

/**
 * @param option by which the command line names the folder
 * @throws ConfigError when another living process writes this run
 */
export function lockRun(dir: string, option = "--run"): RunLock {
  const path = join(dir, lockName);
  const found = textOf(path);
  const owner = ownerIn(found);
  if (owner !== undefined && isAlive(owner))
    throw new ConfigError(
      `${option} ${dir}: process ${owner.pid}${owner.host === hostname() ? "" : ` on ${owner.host}`} is writing this run; ` +
        "wait for it, stop it, or name another directory" +
        (owner.host === hostname() ? "" : ` (if that machine is gone, remove ${path})`),
    );
  if (found !== undefined) putAway(path, found);
  const mine: Owner = { pid: process.pid, began: beginOf(process.pid) ?? "", host: hostname() };
  const text = `${JSON.stringify(mine)}\n`;
  try {
    writeWhole(path, text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new ConfigError(
      `${option} ${dir}: another process has begun to write this run; name another directory`,
    );
  }
  return {
    release: () => {
      if (textOf(path) === text) rmSync(path, { force: true });
    },
  };
}

/** Whether a living process writes the run in `dir`. */
export function isLocked(dir: string): boolean {
  const owner = ownerOf(join(dir, lockName));
  return owner !== undefined && isAlive(owner);
}

function ownerOf(path: string): Owner | undefined {
  return ownerIn(textOf(path));
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function ownerIn(text: string | undefined): Owner | undefined {
  if (text === undefined) return undefined;
  try {
    return ownerSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // cut off by a machine that went down
  }
}

/**
 * Takes the lock of a process that is gone away. Another may take the run over at the same time: its lock stays when it is there
 * already, and is put back when it comes between the last look and the move. While it is aside a third process can take the run,
 * its owner can miss it when it lets go, and it is lost if this process is killed: a window of a few system calls.
 * @param found what it holds
 */
function putAway(path: string, found: string): void {
  if (textOf(path) !== found) return;
  const aside = nameBeside(path);
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  try {
    const moved = textOf(aside);
    const owner = ownerIn(moved);
    if (moved !== undefined && owner !== undefined && isAlive(owner)) linkOrWrite(aside, path, moved);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error; // a third process has it now
  } finally {
    rmSync(aside, { force: true });
  }
}

/** A reader sees the whole lock or none: one without its text would be taken for that of a killed process. @throws EEXIST */
function writeWhole(path: string, text: string): void {
  const beside = nameBeside(path);
  try {
    writeFileSync(beside, text);
    linkOrWrite(beside, path, text);
  } finally {
    rmSync(beside, { force: true });
  }
}

/** Gives the file a second name; where file systems know none, writes its text there. @throws EEXIST when `path` is there */
function linkOrWrite(file: string, path: string, text: string): void {
  try {
    linkSync(file, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw error;
    writeFileSync(path, text, { flag: "wx" }); // of any other fault this one's error tells
  }
}

/** Processes of several machines or containers may have the same number: chance tells them apart. */
function nameBeside(path: string): string {
  return `${path}.${randomBytes(4).toString("hex")}.tmp`;
}

function isAlive({ pid, began, host }: Owner): boolean {
  if (host !== hostname()) return true; // cannot be known from here
  const now = beginOf(pid);
  if (now !== undefined) return began === "" || now === began;
  if (process.platform === "linux") return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** When a process began, as Linux counts it since the machine's start, with the start itself; undefined elsewhere. */
function beginOf(pid: number): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name of the program stands in brackets and may hold spaces; field 22 is the 20th behind it.
    const behind = fields.slice(fields.lastIndexOf(")") + 2).split(" ");
    if (behind[0] === "Z" || behind[0] === "X") return undefined;
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot}/${behind[19]}`;
  } catch {
    return undefined;
  }
}
