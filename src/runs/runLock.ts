// One process at a time writes a run. The lock names it by its number and the moment it began, because numbers are used
// again: a lock whose process is gone, killed or not, is taken over without a question.
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
  if (found !== undefined) putAway(path);
  const mine: Owner = { pid: process.pid, began: beginOf(process.pid) ?? "", host: hostname() };
  try {
    writeWhole(path, `${JSON.stringify(mine)}\n`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new ConfigError(
      `${option} ${dir}: another process has begun to write this run; name another directory`,
    );
  }
  return {
    release: () => {
      const now = ownerOf(path);
      if (now?.pid === mine.pid && now.began === mine.began) rmSync(path, { force: true });
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

/** Takes the lock of a process that is gone away. Another may have taken the run over since it was looked at: its lock stays. */
function putAway(path: string): void {
  const aside = `${path}.${process.pid}.old.tmp`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  const owner = ownerOf(aside);
  if (owner !== undefined && isAlive(owner) && textOf(path) === undefined) renameSync(aside, path);
  else rmSync(aside, { force: true });
}

/** A reader sees the whole lock or none: one without its text would be taken for that of a killed process. @throws EEXIST */
function writeWhole(path: string, text: string): void {
  const beside = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(beside, text);
    linkSync(beside, path);
  } catch (error) {
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes((error as NodeJS.ErrnoException).code ?? ""))
      throw error;
    writeFileSync(path, text, { flag: "wx" }); // a file system without links
  } finally {
    rmSync(beside, { force: true });
  }
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
