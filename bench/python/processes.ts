// What processes cost, as Linux counts it under /proc. Whatever stands between this program and a session (a launcher, the
// init of a process namespace, the process that forks) is found by parenthood, not by name or number.
import { readdirSync, readFileSync } from "node:fs";
import { SandboxError } from "../../src/core/errors.ts";

interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  /** User and system time, that of reaped children included. */
  readonly ticks: number;
}

/** Every process of the machine that this user sees. @throws SandboxError where there is no /proc. */
function processTable(): ProcessEntry[] {
  let names: string[];
  try {
    names = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    throw new SandboxError(
      "bench python: memory and CPU are read from /proc, which is on Linux only; use Linux",
    );
  }
  return names.flatMap((name) => {
    const stat = readOrGone(`/proc/${name}/stat`);
    if (stat === undefined) return [];
    // The second field is the program's name in parentheses and may hold anything; the third one follows the last ")".
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = [11, 12, 13, 14].reduce((sum, field) => sum + Number(fields[field]), 0);
    return [{ pid: Number(name), parent: Number(fields[1]), ticks }];
  });
}

export function childrenOf(pid: number): number[] {
  return processTable()
    .filter(({ parent }) => parent === pid)
    .map((entry) => entry.pid);
}

/** The processes themselves and all below them. */
function treeOf(roots: readonly number[]): ProcessEntry[] {
  const table = processTable();
  const found = new Map(table.filter(({ pid }) => roots.includes(pid)).map((entry) => [entry.pid, entry]));
  for (let before = -1; found.size > before;) {
    before = found.size;
    for (const entry of table) if (found.has(entry.parent)) found.set(entry.pid, entry);
  }
  return [...found.values()];
}

/** CPU time of the processes, all below them, and what these have reaped. */
export function treeCpuSeconds(roots: readonly number[], ticksPerSecond: number): number {
  return treeOf(roots).reduce((sum, { ticks }) => sum + ticks, 0) / ticksPerSecond;
}

/** Proportional set size of the processes and all below them: shared pages count by share. */
export function treePssBytes(roots: readonly number[]): number {
  return treeOf(roots).reduce((sum, { pid }) => sum + pssBytes(pid), 0);
}

/**
 * Mean proportional set size of the `count` largest processes that have no children. Sessions have none; a session that
 * was prepared ahead and holds no picture yet is smaller than those in use.
 */
export function meanSessionPssBytes(roots: readonly number[], count: number): number {
  const tree = treeOf(roots);
  const parents = new Set(tree.map(({ parent }) => parent));
  const sizes = tree.filter(({ pid }) => !parents.has(pid)).map(({ pid }) => pssBytes(pid));
  if (sizes.length < count)
    throw new SandboxError(
      `internal: bench python opened ${count} sessions and found ${sizes.length} processes`,
    );
  const largest = sizes.sort((a, b) => b - a).slice(0, count);
  return largest.reduce((sum, bytes) => sum + bytes, 0) / count;
}

function pssBytes(pid: number): number {
  const rollup = readOrGone(`/proc/${pid}/smaps_rollup`);
  if (rollup === undefined) return 0;
  const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1];
  if (kilobytes === undefined)
    throw new SandboxError(
      `bench python: /proc/${pid}/smaps_rollup has no line "Pss:"; use Linux 4.14 or newer`,
    );
  return Number(kilobytes) * 1024;
}

/** Undefined for a process that has ended in the meantime. @throws SandboxError when it lives and may not be read. */
function readOrGone(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw new SandboxError(
      `bench python: ${path} cannot be read (${code}); run it as root to see the sessions' memory`,
    );
  }
}

/** Memory that new processes could take without swapping. */
export function availableBytes(): number {
  const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec(readOrGone("/proc/meminfo") ?? "")?.[1];
  return Number(kilobytes ?? NaN) * 1024;
}
