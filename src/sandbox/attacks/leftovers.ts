// What a runtime must not leave behind, taken stock of before its start and after its close: processes, mounts, sockets,
// files, System V objects, the host's own descriptors and memory.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

interface Stock {
  readonly mounts: string;
  readonly ipc: string;
  readonly descriptors: readonly string[];
}

export class Leftovers {
  readonly #before: Stock;
  /** pid -> start time, of every process seen below this one. */
  readonly #seen = new Map<number, string>();
  readonly #ours: ReadonlySet<number>;
  readonly #rssBefore = process.memoryUsage.rss();
  #rssPeak = 0;
  readonly #timer: NodeJS.Timeout;

  /** @param folder where the runtime keeps its files and sockets, and nobody else does */
  constructor(readonly folder: string) {
    this.#ours = new Set(descendants(process.pid).keys());
    this.#before = stock();
    this.#timer = setInterval(() => this.#look(), 100).unref();
  }

  /** One sentence for everything that is left; call it after the runtime's close. */
  found(): string[] {
    this.#look();
    clearInterval(this.#timer);
    const after = stock();
    const left = [...this.#seen]
      .filter(([pid, start]) => startTime(pid) === start)
      .map(([pid]) => `process ${pid} is left: ${readable(`/proc/${pid}/cmdline`).replaceAll("\0", " ")}`);
    for (const name of readdirSync(this.folder)) left.push(`the folder holds ${name}`);
    if (readable("/proc/self/mounts").includes(this.folder)) left.push("a mount point is left");
    if (readable("/proc/net/unix").includes(this.folder)) left.push("a unix socket is left");
    if (after.mounts !== this.#before.mounts) left.push("the host's mounts have changed");
    if (after.ipc !== this.#before.ipc) left.push(`System V objects are left: ${after.ipc}`);
    const [had, has] = [this.#before.descriptors, after.descriptors];
    if (has.join() !== had.join()) left.push(`the host's descriptors were ${had.join()}, are ${has.join()}`);
    return left;
  }

  /** How much the host's resident memory grew, at its peak, in MiB. */
  peakGrowthMiB(): number {
    return Math.round((this.#rssPeak - this.#rssBefore) / (1 << 20));
  }

  #look(): void {
    this.#rssPeak = Math.max(this.#rssPeak, process.memoryUsage.rss());
    for (const [pid, start] of descendants(process.pid)) if (!this.#ours.has(pid)) this.#seen.set(pid, start);
  }
}

/** pid -> processor time in milliseconds, of every process below this one. */
export function childrenCpuMs(): Map<number, number> {
  const times = new Map<number, number>();
  for (const pid of descendants(process.pid).keys()) {
    const fields = statOf(pid);
    if (fields !== undefined) times.set(pid, 10 * (Number(fields[11]) + Number(fields[12]))); // a tick is 1/100 s on Linux
  }
  return times;
}

/** pid -> start time of every process below this one, zombies left out. */
function descendants(root: number): Map<number, string> {
  const stats = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), fields: statOf(Number(name)) }));
  const found = new Map<number, string>();
  for (let parents = new Set([root]); parents.size > 0;) {
    const next = stats.filter(({ fields }) => fields !== undefined && parents.has(Number(fields[1])));
    parents = new Set(next.map(({ pid }) => pid));
    for (const { pid, fields } of next) if (fields?.[0] !== "Z") found.set(pid, fields?.[19] ?? "");
  }
  return found;
}

/** Fields of /proc/PID/stat from the state on: 0 state, 1 parent, 11 and 12 user and system ticks, 19 start. */
function statOf(pid: number): string[] | undefined {
  const text = readable(`/proc/${pid}/stat`);
  return text === "" ? undefined : text.slice(text.lastIndexOf(")") + 2).split(" ");
}

function startTime(pid: number): string | undefined {
  const fields = statOf(pid);
  return fields?.[0] === "Z" ? undefined : fields?.[19];
}

function stock(): Stock {
  const ipc = ["shm", "sem", "msg"].map((kind) =>
    readable(`/proc/sysvipc/${kind}`).split("\n").slice(1).join(),
  );
  const kinds = readdirSync("/proc/self/fd").map((fd) => linkOf(fd).replace(/:.*/, ""));
  const counted = ["socket", "pipe"].map((kind) => `${kinds.filter((k) => k === kind).length} ${kind}s`);
  return { mounts: readable("/proc/self/mounts"), ipc: ipc.join(""), descriptors: counted };
}

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return ""; // the one that the listing itself had open
  }
}

function readable(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // it has ended in the meantime
  }
}
