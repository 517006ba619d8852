import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { chooseRun, type ChooseRunOptions, type ChosenRun } from "./chooseRun.ts";
import { parseConfig } from "./config.ts";
import { readRecord, writeRecord } from "./runRecord.ts";

const home = mkdtempSync(join(tmpdir(), "pyvision-choose-"));
after(() => rmSync(home, { recursive: true, force: true }));
let roots = 0;
const newRoot = (): string => join(home, String(++roots));

function options(root: string, more: Partial<ChooseRunOptions> = {}, text = "seed: 7"): ChooseRunOptions {
  const config = parseConfig(text, "mini.yaml");
  return { stage: "train", fromScratch: false, config, name: "mini", root, ...more };
}

/** As a process that is gone leaves it: begun, not over, not locked. */
function chooseAndGo(chosen: ChooseRunOptions): ChosenRun {
  const run = chooseRun(chosen);
  run.lock.release();
  return run;
}

test("the same command continues the newest run of its name that is not over; --new and other configs begin one", () => {
  const root = newRoot();
  const names = [
    chooseAndGo(options(root)),
    chooseAndGo(options(root)), // the first again
    chooseAndGo(options(root, { anew: true })),
    chooseAndGo(options(root)), // the newest
    chooseAndGo(options(root, {}, "seed: 8")),
    chooseAndGo(options(root, { fromScratch: true })),
    chooseAndGo(options(root)), // not mini-3 and mini-4, which were begun otherwise
  ];
  assert.deepEqual(
    names.map(({ run }) => run.name),
    ["mini", "mini", "mini-2", "mini-2", "mini-3", "mini-4", "mini-2"],
  );
  assert.equal(names[0]?.said, `run directory: ${join(root, "mini")}`);
  assert.equal(names[1]?.said, `continuing ${join(root, "mini")}, which was not over (--new begins another)`);
  assert.equal(readRecord(join(root, "mini-2"))?.resumed, 2);

  names[6]?.run.writeSummary({ done: true });
  assert.equal(chooseAndGo(options(root)).run.name, "mini", "mini-2 is over");
  rmSync(join(root, "mini", "run.json"));
  assert.equal(chooseAndGo(options(root)).run.name, "mini-5", "mini was begun nobody knows how");
});

test("a run that a living process writes is left to it, and a killed one's lock is no obstacle", async () => {
  const root = newRoot();
  const held = chooseRun(options(root));
  const other = chooseRun(options(root));
  assert.equal(other.run.name, "mini-2");
  assert.match(other.said, /mini-2 \(.*mini: another process writes it\)$/);
  assert.throws(() => chooseRun(options(root, { dir: held.run.path, overwrite: true })), {
    name: "ConfigError",
    message: new RegExp(`--run .*mini: process ${process.pid} is writing this run; wait for it`),
  });
  assert.ok(existsSync(join(held.run.path, "config.yaml")));
  held.lock.release();
  other.lock.release();

  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  const gone = { pid: child.pid, began: "some/1", host: (await import("node:os")).hostname() };
  child.kill("SIGKILL");
  await once(child, "exit");
  writeFileSync(join(root, "mini-2", "lock.json"), JSON.stringify(gone));
  assert.equal(chooseAndGo(options(root)).run.name, "mini-2");
});

test("--run continues what was begun the same way, and names every difference otherwise", () => {
  const dir = join(newRoot(), "given");
  const begun = chooseAndGo(options("", { dir }));
  begun.run.appendMetrics({ step: 1 });
  assert.deepEqual(chooseAndGo(options("", { dir })).run.readMetrics(), [{ step: 1 }]);
  const otherwise = { dir, stage: "sft", fromScratch: true };
  assert.throws(() => chooseRun(options("", otherwise, "seed: 8\nreward: { toolCall: 0 }")), {
    name: "ConfigError",
    message:
      `--run ${dir}: holds a run that is not over, and that was begun otherwise: stage was "train", now "sft"; ` +
      "--from-scratch was false, now true; seed was 7, now 8; reward.toolCall was 0.1, now 0. Continue it as it was begun, " +
      "name another directory, or give --overwrite to replace it",
  });
  assert.throws(() => chooseRun(options("", { dir, anew: true })), /already holds a run/);
  assert.deepEqual(
    chooseAndGo(options("", { dir, overwrite: true }, "seed: 8")).run.readMetrics(),
    [],
    "replaced",
  );
  begun.run.writeSummary({});
  assert.throws(() => chooseRun(options("", { dir }, "seed: 8")), /already holds a run; name another/);
});

test("killed between its first files: the folder is taken as new", () => {
  const dir = join(newRoot(), "first");
  mkdirSync(join(dir, "checkpoints"), { recursive: true });
  writeFileSync(join(dir, "config.yaml.4711.tmp"), "na");
  writeFileSync(join(dir, "lock.json"), "{");
  const { run } = chooseAndGo(options("", { dir }));
  assert.match(readFileSync(join(run.path, "config.yaml"), "utf8"), /seed: 7/);
});

test("on a machine that computes otherwise, it says that digits may differ", () => {
  const root = newRoot();
  const { run, warnings } = chooseAndGo(options(root));
  assert.deepEqual(warnings, []);
  const record = readRecord(run.path);
  assert.ok(record !== undefined);
  writeRecord(run.path, { ...record, machine: "linux arm64, 64 cores, Node 20.19.0" });
  const [warning] = chooseAndGo(options(root)).warnings;
  assert.match(
    warning ?? "",
    /^the run was begun on linux arm64, 64 cores, Node 20\.19\.0, and this is .*: its numbers can/,
  );
});

test("a place where nothing can be written is told with what to do", () => {
  const file = join(home, "file");
  writeFileSync(file, "");
  assert.throws(() => chooseRun(options("", { dir: join(file, "run") })), {
    name: "DataError",
    message:
      /file.* cannot be written, a part of the path is a file: name a directory elsewhere; nothing was begun/,
  });
});
