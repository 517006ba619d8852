// Memory of a process and all it started, as Linux counts it; on other systems it is not told.
import { readdirSync, readFileSync } from "node:fs";

/** Bytes held in memory (resident) by each process of the tree, added up; undefined where /proc is not there. */
export function residentBytes(root: number): number | undefined {
  let all: readonly number[];
  try {
    all = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return undefined;
  }
  const processes = new Map(all.flatMap((pid) => statusOf(pid)));
  if (!processes.has(root)) return undefined;
  let bytes = 0;
  for (const [pid, { kilobytes }] of processes) if (descends(pid, root, processes)) bytes += 1024 * kilobytes;
  return bytes;
}

interface Status {
  readonly parent: number;
  readonly kilobytes: number;
}

/** Nothing for a process that has ended meanwhile. */
function statusOf(pid: number): [number, Status][] {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return [];
  }
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(text)?.[1] ?? 0);
  return [[pid, { parent: field("PPid"), kilobytes: field("VmRSS") }]];
}

function descends(pid: number, root: number, processes: ReadonlyMap<number, Status>): boolean {
  for (let at: number | undefined = pid; at !== undefined && at > 1; at = processes.get(at)?.parent)
    if (at === root) return true;
  return false;
}
