// Guards the machine's memory: the quotas of all sessions together exceed it, so somebody has to look at the sum.
// (A cgroup would do it better, where there is a delegated one; this needs no rights.)
//
// Counted is what would come back if the processes ended: anonymous memory (what Python allocates) and mapped shared
// memory (mmap(-1), memfd). Not counted: pages of files, which the kernel can drop; files in a tmpfs or memfd that are not
// mapped (a private /tmp is limited by its size); page tables; swap.
//
// A forked process shares most of its parent's pages until it writes to them, and the cheap figures do not tell which:
// all of them together are too much, those beyond the parent's too little. When the limit lies between the two, the kernel
// is asked to share every page out among its users (PSS), which costs 100 times as much and so is done seldom.
import { closeSync, openSync, readSync } from "node:fs";
import { ConfigError } from "../core/errors.ts";

export interface WatchedProcess {
  /** As the host sees it. */
  readonly hostPid: number;
  /** Its pid in each pid namespace from the host's to its own: the first is `hostPid`. */
  readonly innerPids: readonly number[];
  /** Anonymous and mapped shared memory, pages shared with its parent included. */
  readonly bytes: number;
}

export interface MemoryWatchdogOptions {
  /** Pid of the process whose descendants are watched; undefined while there is none. */
  readonly root: () => number | undefined;
  /** What they may hold together. Positive. */
  readonly limitBytes: number;
  /** Between two looks, in milliseconds; up to four times longer when a look takes over 1 % of it. Default 250. */
  readonly intervalMs?: number;
  /** Which processes may be reported; of these only such without children are, and never the root. Default all. */
  readonly maySuffer?: (process: WatchedProcess) => boolean;
  /** The sum is over the limit, and this is the largest: it should be ended. Called at every look until the sum is below. */
  readonly onOver: (victim: WatchedProcess) => void;
}

const LOOK_SHARE = 0.01;
const PRECISE_SHARE = 0.05;

export class MemoryWatchdog {
  /** Whether it watches: only on a Linux that lists the children of processes in /proc (CONFIG_PROC_CHILDREN). */
  readonly active: boolean = childrenOf(process.pid) !== undefined;
  readonly #options: MemoryWatchdogOptions;
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | undefined;
  #preciseAfter = 0;

  constructor(options: MemoryWatchdogOptions) {
    const { limitBytes, intervalMs = 250 } = options;
    if (!(limitBytes > 0)) throw new ConfigError(`limitBytes: must be positive, got ${limitBytes}`);
    if (!(intervalMs > 0)) throw new ConfigError(`intervalMs: must be positive, got ${intervalMs}`);
    this.#options = options;
    this.#intervalMs = intervalMs;
    if (this.active) this.#later(intervalMs);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #later(ms: number): void {
    this.#timer = setTimeout(() => {
      const began = performance.now();
      const victim = this.#look();
      const costMs = performance.now() - began;
      this.#later(Math.max(this.#intervalMs, Math.min(costMs / LOOK_SHARE, 4 * this.#intervalMs)));
      if (victim !== undefined) this.#options.onOver(victim);
    }, ms);
    this.#timer.unref();
  }

  #look(): WatchedProcess | undefined {
    const { root, limitBytes, maySuffer = () => true } = this.#options;
    const top = root();
    if (top === undefined) return undefined;
    const found = descendants(top);
    if (sum(found, (entry) => entry.bytes) <= limitBytes) return undefined;
    if (sum(found, (entry) => entry.beyondParent) <= limitBytes && !this.#preciselyOver(found))
      return undefined;
    let victim: Descendant | undefined;
    for (const entry of found)
      if (entry.leaf && entry.bytes > (victim?.bytes ?? 0) && maySuffer(entry)) victim = entry;
    return victim && { hostPid: victim.hostPid, innerPids: victim.innerPids, bytes: victim.bytes };
  }

  #preciselyOver(found: readonly Descendant[]): boolean {
    const began = performance.now();
    if (began < this.#preciseAfter) return false;
    const bytes = sum(found, (entry) => proportionalBytes(entry.hostPid) ?? entry.beyondParent);
    const ended = performance.now();
    this.#preciseAfter = ended + (ended - began) / PRECISE_SHARE;
    return bytes > this.#options.limitBytes;
  }
}

interface Descendant extends WatchedProcess {
  readonly leaf: boolean;
  /** Anonymous memory beyond the parent's, and mapped shared memory. */
  readonly beyondParent: number;
}

/** Everything below the process, itself left out. What ends while it is read is left out, or its children are. */
function descendants(root: number): Descendant[] {
  const found: Descendant[] = [];
  const visit = (parent: number, parentAnonymous: number): number => {
    const children = childrenOf(parent) ?? [];
    for (const hostPid of children) {
      const status = read(`/proc/${hostPid}/status`);
      if (status === undefined) continue;
      const [anonymous, shared] = [kilobytes(status, "RssAnon"), kilobytes(status, "RssShmem")];
      const entry = {
        hostPid,
        innerPids: pidsIn(status),
        bytes: anonymous + shared,
        beyondParent: Math.max(0, anonymous - parentAnonymous) + shared,
      };
      found.push({ ...entry, leaf: visit(hostPid, anonymous) === 0 });
    }
    return children.length;
  };
  visit(root, 0);
  return found;
}

/**
 * The process's pid in each pid namespace it is in, from the reader's inwards (the NSpid line of /proc/PID/status): [4711, 17, 1].
 * Undefined when there is no such process, or no /proc.
 */
export function innerPids(hostPid: number): readonly number[] | undefined {
  const status = read(`/proc/${hostPid}/status`);
  return status === undefined ? undefined : pidsIn(status);
}

function pidsIn(status: string): readonly number[] {
  return (/^NSpid:\s*(.*)$/m.exec(status)?.[1] ?? "").split(/\s+/).filter(Boolean).map(Number);
}

/** Children of its first thread: all of them, for a process that forks from there only. */
function childrenOf(pid: number): readonly number[] | undefined {
  return read(`/proc/${pid}/task/${pid}/children`)?.split(" ").filter(Boolean).map(Number);
}

/** Undefined when it has ended or may not be looked into. */
function proportionalBytes(pid: number): number | undefined {
  const text = read(`/proc/${pid}/smaps_rollup`);
  if (text === undefined) return undefined;
  return kilobytes(text, "Pss_Anon") + kilobytes(text, "Pss_Shmem");
}

function kilobytes(text: string, field: string): number {
  const at = text.indexOf(`\n${field}:`);
  return at < 0 ? 0 : 1024 * Number.parseInt(text.slice(at + field.length + 2), 10);
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

let buffer: Buffer | undefined;

/** A file of /proc: such reads wait for nothing, and asking a thread for each would cost ten times the time. */
function read(path: string): string | undefined {
  buffer ??= Buffer.allocUnsafe(1 << 16);
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    let length = 0;
    for (let got = -1; got !== 0 && length < buffer.length; length += got)
      got = readSync(fd, buffer, length, buffer.length - length, null);
    return buffer.toString("latin1", 0, length);
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
