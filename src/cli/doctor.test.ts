import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { checkText } from "./doctor.ts";
import type { PythonRuntime } from "../sandbox/runtime.ts";
import type { ToolResult } from "../core/trajectory.ts";
import { checkCores, checkMemory, checkNode, checkPlatform, checkPython } from "./doctorChecks.ts";
import { checkTool, isolationCheck } from "./toolChecks.ts";

const root = mkdtempSync(join(tmpdir(), "pyvision-doctor-"));
after(() => rmSync(root, { recursive: true, force: true }));

/** A virtual environment whose python is a shell script. */
function fakeVenv(name: string, script: string): string {
  const venv = join(root, name);
  mkdirSync(join(venv, "bin"), { recursive: true });
  writeFileSync(join(venv, "bin/python"), `#!/bin/sh\n${script}\n`);
  chmodSync(join(venv, "bin/python"), 0o755);
  return venv;
}

test("node 20.19 is the oldest that will do", () => {
  const states = ["18.20.0", "20.18.9", "20.19.0", "20.20.2", "22.0.0"].map(
    (version) => checkNode(version).state,
  );
  assert.deepEqual(states, ["fail", "fail", "ok", "ok", "ok"]);
});

test("the machine is judged with a remedy for what is short", () => {
  assert.equal(checkPlatform("linux", "x64", "6.1").state, "ok");
  assert.match(checkPlatform("darwin", "arm64", "24").remedy ?? "", /isolated by Linux/);
  assert.deepEqual([checkCores(1).state, checkCores(2).state], ["warn", "ok"]);
  assert.deepEqual([checkMemory(2e9, 1e9).state, checkMemory(4e9, 1e9).state], ["warn", "ok"]);
});

test("python is judged by its environment and every package", async () => {
  const none = await checkPython(join(root, "none"));
  assert.equal(none.state, "fail");
  assert.match(none.text, /^no virtual environment in /);
  assert.match(none.remedy ?? "", /npm start/);

  const whole = fakeVenv(
    "whole",
    `echo '["3.11.7", {"numpy": "2.4", "Pillow": "13.0", "matplotlib": "3.11"}]'`,
  );
  assert.deepEqual(await checkPython(whole), {
    name: "python",
    state: "ok",
    text: "3.11.7, numpy 2.4, Pillow 13.0, matplotlib 3.11",
  });
  const partial = fakeVenv(
    "partial",
    `echo '["3.11.7", {"numpy": "2.4", "Pillow": null, "matplotlib": "3.11"}]'`,
  );
  const { state, text } = await checkPython(partial);
  assert.deepEqual([state, text], ["fail", "3.11.7, numpy 2.4, Pillow missing, matplotlib 3.11"]);
  assert.equal((await checkPython(fakeVenv("broken", "exit 3"))).state, "fail");
});

/** A runtime whose every cell has the given result. */
function scriptedRuntime(result: Partial<ToolResult>): { runtime: PythonRuntime; closed: () => boolean } {
  let closed = false;
  const whole: ToolResult = {
    outcome: { type: "ok" },
    alive: true,
    stdout: "",
    figures: [],
    elapsedMs: 1,
    ...result,
  };
  const session = { run: async () => whole, close: async () => {} };
  return {
    runtime: {
      isolation: { level: "process", by: "none", shortfalls: [] } as const,
      open: async () => session,
      close: async () => void (closed = true),
    },
    closed: () => closed,
  };
}

test("the tool runtime is judged by what its session did, and always closed", async () => {
  const good = scriptedRuntime({});
  const [tool, isolation] = await checkTool(async () => good.runtime);
  assert.equal(tool?.state, "ok");
  assert.equal(isolation?.state, "warn");
  assert.ok(good.closed());

  const slow = scriptedRuntime({ outcome: { type: "timeout", limitMs: 5 } });
  const failed = await checkTool(async () => slow.runtime);
  assert.deepEqual(
    failed.map(({ name, state, text }) => [name, state, text]),
    [["tool", "fail", "a first cell ended with timeout"]],
  );
  assert.ok(slow.closed());

  const [broken] = await checkTool(() => Promise.reject(new Error("no python\nsecond line")));
  assert.deepEqual([broken?.state, broken?.text], ["fail", "no python"]);
});

test("isolation is ok at the best level only; a lower one names what fell short and the remedy", () => {
  const best = isolationCheck({ level: "namespaces", by: "bubblewrap", shortfalls: [] });
  assert.deepEqual([best.state, best.remedy], ["ok", undefined]);
  const lite = isolationCheck({ level: "lite", by: "landlock", shortfalls: ["worker: no namespaces"] });
  assert.equal(lite.state, "warn");
  assert.match(lite.remedy ?? "", /^why not better: worker: no namespaces\. /);
  const none = isolationCheck({ level: "process", by: "none", shortfalls: [] });
  assert.match(
    none.text,
    /^process, by none: programs can read this user's files and use the network; `train` refuses$/,
  );
  assert.match(none.remedy ?? "", /, or accept this by python\.leastIsolation=process$/);
});

test("a check is a line, its remedy a second one under the text", () => {
  assert.equal(checkText({ name: "node", state: "ok", text: "v20" }), "ok    node          v20");
  assert.equal(
    checkText({ name: "cores", state: "warn", text: "1", remedy: "more" }),
    `warn  cores         1\n${" ".repeat(20)}→ more`,
  );
});
