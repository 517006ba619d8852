import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { openTrajectoryStore } from "../runs/trajectoryStore.ts";

const root = mkdtempSync(join(tmpdir(), "pyvision-evaluate-"));
after(() => rmSync(root, { recursive: true, force: true }));
const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

function evaluate(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const line = ["--import", import.meta.resolve("tsx"), at("./main.ts"), "evaluate"];
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...line, at("../../configs/image-mini.yaml"), ...args],
      { cwd: root },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

test("a checkpoint is measured, told as JSON, and its trajectories are kept", async () => {
  const { code, stdout, stderr } = await evaluate(
    ...["--set", "evaluation.tasks=2", "--set", "engine.threads=1", "--json", "--save", "kept"],
  );
  assert.equal(code, 0, stderr);
  const { engine, report, served } = JSON.parse(stdout) as Record<string, unknown>;
  assert.deepEqual(engine, { type: "embedded", threads: 1 });
  assert.equal((report as { overall: { judged: number } }).overall.judged, 2);
  assert.equal(served, undefined);
  const kept = openTrajectoryStore(join(root, "kept")).load("evaluation-test");
  assert.deepEqual(
    kept.map(({ taskId }) => taskId),
    ["world-test-0", "world-test-1"],
  );
});

test("a server that is not there fails the command with its address and what to do", async () => {
  const engine = 'engine={type: openai, baseUrl: "http://127.0.0.1:9/v1", model: m, maxRetries: 0}';
  const { code, stderr } = await evaluate("--set", engine, "--set", "evaluation.tasks=1");
  assert.equal(code, 1);
  assert.match(stderr, /error: .*model "m" at http:\/\/127\.0\.0\.1:9\/v1: .*check that the server runs/);
});
