import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs, { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import os, { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, test } from "node:test";
import { ConfigError } from "../core/errors.ts";
import { isLocked, lockRun } from "./runLock.ts";

let dir: string;
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "pyvision-lock-"))));
afterEach(() => rmSync(dir, { recursive: true }));
const path = (): string => join(dir, "lock.json");
const write = (owner: object | string): void =>
  writeFileSync(path(), typeof owner === "string" ? owner : JSON.stringify(owner));

test("a run is locked until it is released", () => {
  const lock = lockRun(dir);
  assert.equal(isLocked(dir), true);
  assert.throws(
    () => lockRun(dir),
    (error) =>
      error instanceof ConfigError && error.message.includes(`process ${process.pid} is writing this run`),
  );
  lock.release();
  assert.equal(existsSync(path()), false);
  assert.equal(isLocked(dir), false);
  lockRun(dir).release();
});

test("a process that was killed holds nothing", async () => {
  const script = `import { lockRun } from ${JSON.stringify(new URL("runLock.ts", import.meta.url).href)};
    lockRun(${JSON.stringify(dir)}); console.log("locked"); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  try {
    await once(child.stdout, "data");
    assert.throws(() => lockRun(dir), ConfigError);
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
  lockRun(dir).release();
});

test("a process number that was used again, and a lock that was cut off, are no obstacle", () => {
  write({ pid: process.pid, began: "another boot/1", host: hostname() });
  assert.equal(isLocked(dir), process.platform !== "linux");
  if (process.platform === "linux") lockRun(dir).release();
  write('{"pid":');
  lockRun(dir).release();
});

test("another machine's lock stands, since nobody can tell from here", () => {
  write({ pid: 1, began: "x", host: "elsewhere" });
  assert.throws(
    () => lockRun(dir),
    /on elsewhere is writing this run.*if that machine is gone, remove .*lock\.json/,
  );
});

test("who lost the lock does not take away another's", () => {
  const lock = lockRun(dir);
  write({ pid: 1, began: "x", host: "elsewhere" });
  lock.release();
  assert.match(readFileSync(path(), "utf8"), /elsewhere/);
});

test("of processes that begin at once one has the lock at a time, also when a dead one's is there, and none sees it half written", async () => {
  const dead = join(dir, "dead.json");
  writeFileSync(dead, '{"pid":');
  const script = `import { lockRun } from ${JSON.stringify(new URL("runLock.ts", import.meta.url).href)};
    import { linkSync, readFileSync, rmdirSync, mkdirSync } from "node:fs";
    const seen = { held: 0, shared: 0, empty: 0 };
    process.stdin.once("data", () => {
      for (let i = 0; i < 1000; i++) {
        try { linkSync(${JSON.stringify(dead)}, ${JSON.stringify(path())}); } catch (error) { if (error.code !== "EEXIST") throw error; }
        try { if (readFileSync(${JSON.stringify(path())}, "utf8") === "") seen.empty++; } catch {}
        let lock;
        try { lock = lockRun(${JSON.stringify(dir)}); } catch (error) { if (error.name !== "ConfigError") throw error; continue; }
        seen.held++;
        try { mkdirSync(${JSON.stringify(join(dir, "held"))}); rmdirSync(${JSON.stringify(join(dir, "held"))}); } catch { seen.shared++; }
        lock.release();
      }
      console.log(JSON.stringify(seen));
      process.exit();
    });
    console.log("ready");`;
  // No more than two: a third could take the run while a living one's lock is aside (runLock.ts).
  const children = [1, 2].map(() =>
    spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      stdio: ["pipe", "pipe", "inherit"],
    }),
  );
  try {
    const said = children.map(({ stdout }) => createInterface({ input: stdout })[Symbol.asyncIterator]());
    for (const lines of said) assert.equal((await lines.next()).value, "ready");
    for (const { stdin } of children) stdin.write("go\n");
    let all = 0;
    for (const lines of said) {
      const { held, ...rest } = JSON.parse(String((await lines.next()).value)) as Record<string, number>;
      all += held ?? 0;
      assert.deepEqual(rest, { shared: 0, empty: 0 });
    }
    assert.ok(all > 0);
  } finally {
    for (const child of children) child.kill("SIGKILL");
    for (const child of children)
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  }
});

class Killed extends Error {}

test("whoever comes between at whatever moment, and is killed or not, a run that is taken over has the one owner its lock names", (t) => {
  // Containers, so that all have this process's number; each call of the file system is a moment.
  let host = "here";
  let onCall = (): void => undefined;
  for (const name of ["linkSync", "readFileSync", "renameSync", "rmSync", "writeFileSync"] as const) {
    const call = fs[name] as (...args: unknown[]) => unknown;
    t.mock.method(fs, name, ((...args: unknown[]) => {
      onCall();
      return call(...args);
    }) as never);
  }
  t.mock.method(os, "hostname", () => host);
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const takes = (name: string, atCall: (call: number) => void): boolean => {
    const before = { host, onCall };
    let calls = 0;
    host = name;
    onCall = () => atCall(calls++);
    try {
      lockRun(dir);
      return true;
    } catch (error) {
      if (!(error instanceof Killed || error instanceof ConfigError)) throw error;
      return false;
    } finally {
      ({ host, onCall } = before);
    }
  };
  /** How many moments it had, too. */
  const meet = (second: number, killedAt: number, third: number): [owner: string, last: number] => {
    write('{"pid":');
    let [bySecond, byThird, last] = [false, false, 0];
    const byFirst = takes("first", (call) => {
      last = call;
      if (call === second)
        bySecond = takes("second", (at) => {
          if (at >= killedAt) throw new Killed();
        });
      if (call === third) byThird = takes("third", () => undefined);
    });
    const moment = `second at ${second}, killed at ${killedAt}, third at ${third}`;
    const owner = byFirst ? "first" : byThird ? "third" : bySecond ? "second" : "none";
    assert.ok(!byFirst || !(bySecond || byThird), `two have it: ${moment}`);
    const named = existsSync(path())
      ? (JSON.parse(readFileSync(path(), "utf8")) as { host: string })
      : undefined;
    if (owner !== "none") assert.equal(named?.host, owner, moment);
    const left = readdirSync(dir);
    if (killedAt === Infinity) assert.deepEqual(left, ["lock.json"], moment);
    for (const entry of left) rmSync(join(dir, entry));
    return [owner, last];
  };
  const [alone, last] = meet(Infinity, Infinity, Infinity);
  assert.equal(alone, "first");
  const owners = new Set<string>();
  for (let second = 0; second <= last; second++) {
    for (let killedAt = 0; killedAt <= last; killedAt++) owners.add(meet(second, killedAt, Infinity)[0]);
    for (let third = second; third <= last; third++) owners.add(meet(second, Infinity, third)[0]);
  }
  assert.deepEqual([...owners].sort(), ["first", "none", "second", "third"]);
});
