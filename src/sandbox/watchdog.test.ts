// The memory watchdog on real processes: a tree of them, of which one takes more than all may have together.
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { after, test } from "node:test";
import { ConfigError } from "../core/errors.ts";
import { innerPids, MemoryWatchdog, type WatchedProcess } from "./watchdog.ts";

const skip = process.platform === "linux" ? false : "reads Linux's /proc";
const MIB = 1 << 20;

// A zygote that holds 100 MiB, and two children: one takes as much again as it is told, the other nothing.
const TREE = `
import mmap, os, signal, sys
kind, size = sys.argv[1], int(sys.argv[2]) << 20
held = bytearray(b"x") * (100 << 20)
children = []
for role in ("large", "small"):
    child = os.fork()
    if child == 0:
        if role == "large":
            own = mmap.mmap(-1, size) if kind == "shared" else bytearray(size)
            for at in range(0, size, 4096): own[at] = 1
        print(role, os.getpid(), flush=True)
        signal.pause()
    children.append(child)
sys.stdin.read()
for child in children: os.kill(child, 9)
`;

const started: ChildProcess[] = [];
after(() => Promise.all(started.map(ended)));

/** What it holds counts until it is gone. */
async function ended(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.stdin?.end();
  await exit;
}

/** Starts the tree; resolves with its pids, as its own processes see them, once the memory is taken. */
async function tree(kind: string, mib: number, before: readonly string[] = []) {
  const [command = "", ...args] = [...before, "python3", "-c", TREE, kind, String(mib)];
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  started.push(child);
  let text = "";
  for await (const chunk of child.stdout) {
    text += String(chunk);
    if (/large \d+\n/.test(text) && /small \d+\n/.test(text)) break;
  }
  const pid = (role: string): number => Number(new RegExp(`${role} (\\d+)`).exec(text)?.[1]);
  return { root: child.pid, large: pid("large"), small: pid("small") };
}

const REPORT_LIMIT_MS = 60_000;
const SILENCE_MS = 400;

/** The first report within the time, if there is one. */
async function report(
  root: number | undefined,
  limitMib: number,
  maySuffer: (process: WatchedProcess) => boolean = () => true,
  withinMs = REPORT_LIMIT_MS,
): Promise<WatchedProcess | undefined> {
  let timer: NodeJS.Timeout | undefined;
  let watchdog: MemoryWatchdog | undefined;
  const reported = new Promise<WatchedProcess | undefined>((resolve) => {
    const onOver = (victim: WatchedProcess): void => resolve(victim);
    watchdog = new MemoryWatchdog({
      root: () => root,
      limitBytes: limitMib * MIB,
      intervalMs: 20,
      maySuffer,
      onOver,
    });
    timer = setTimeout(() => resolve(undefined), withinMs);
  });
  const victim = await reported;
  clearTimeout(timer);
  watchdog?.close();
  return victim;
}

/** Nothing is reported in many looks. */
async function silent(root: number | undefined, limitMib: number): Promise<void> {
  assert.equal(await report(root, limitMib, () => true, SILENCE_MS), undefined);
}

for (const kind of ["private", "shared"])
  test(`over the limit, the largest is reported: ${kind} memory`, { skip }, async () => {
    const { large, small } = await tree(kind, 300);
    const victim = await report(process.pid, 280);
    assert.equal(victim?.hostPid, large);
    assert.equal(victim.innerPids.at(-1), large);
    assert.ok(victim.bytes >= 380 * MIB && victim.bytes < 480 * MIB, `${victim.bytes} bytes`);
    assert.equal((await report(process.pid, 280, ({ hostPid }) => hostPid !== large))?.hostPid, small);
    await ended(started.pop());
  });

test("pages shared with the parent count once", { skip }, async () => {
  // 100 MiB in the zygote and both its children, 50 more in one: 150 together, though the three hold 350.
  const { root } = await tree("private", 50);
  await silent(process.pid, 220);
  assert.notEqual(await report(process.pid, 120), undefined);
  await silent(root, 1000);
  await ended(started.pop());
});

const unshare = ["unshare", "--user", "--map-root-user", "--pid", "--fork"];
const namespaces = !skip && spawnSync("unshare", [...unshare.slice(1), "true"]).status === 0;
test(
  "within a pid namespace, the inner pid tells who it is",
  { skip: namespaces ? false : "unshare makes no user namespace here" },
  async () => {
    const { root, large } = await tree("private", 300, unshare);
    const victim = await report(root, 280);
    assert.notEqual(victim?.hostPid, large);
    assert.deepEqual(victim?.innerPids, [victim?.hostPid, large]);
    assert.deepEqual(innerPids(victim?.hostPid ?? 0), victim?.innerPids);
    await ended(started.pop());
  },
);

test("without a process to watch, or after close, it reports nothing", { skip }, async () => {
  await silent(undefined, 1e-6);
  assert.equal(innerPids(2 ** 30), undefined);
  let reports = 0;
  const watchdog = new MemoryWatchdog({
    root: () => process.pid,
    limitBytes: 1,
    intervalMs: 5,
    onOver: () => reports++,
  });
  assert.equal(watchdog.active, true);
  watchdog.close();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(reports, 0);
});

test("a limit that is none is refused", () => {
  const options = { root: () => undefined, onOver: () => undefined };
  assert.throws(() => new MemoryWatchdog({ ...options, limitBytes: Number.NaN }), ConfigError);
  assert.throws(() => new MemoryWatchdog({ ...options, limitBytes: 1, intervalMs: 0 }), ConfigError);
});
