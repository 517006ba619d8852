import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
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
  await once(child.stdout, "data");
  assert.throws(() => lockRun(dir), ConfigError);
  child.kill("SIGKILL");
  await once(child, "exit");
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

test("of processes that begin at once one has the lock at a time, and none sees it half written", async () => {
  const script = `import { lockRun } from ${JSON.stringify(new URL("runLock.ts", import.meta.url).href)};
    import { readFileSync, rmdirSync, mkdirSync } from "node:fs";
    const seen = { held: 0, shared: 0, empty: 0 };
    process.stdin.once("data", () => {
      for (let i = 0; i < 1000; i++) {
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
  const children = [1, 2].map(() =>
    spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      stdio: ["pipe", "pipe", "inherit"],
    }),
  );
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
  for (const child of children) if (child.exitCode === null) await once(child, "exit");
});
