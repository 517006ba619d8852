// A training run through a Tinker server that is killed goes on with the same command: from the state that its last checkpoint
// names on the server, so that steps which the server had done behind it are not done twice.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { readMetrics, withoutTimings } from "../../runs/metrics.ts";
import { startTinkerServer, type TinkerServer } from "../../server/tinker/server.ts";
import { type Ended, runChild, trainArgs } from "./testKills/kills.ts";

const root = mkdtempSync(join(tmpdir(), "pyvision-tinker-resume-"));
let server: TinkerServer;
before(async () => {
  const dir = "checkpoints/image-mini/sft";
  server = await startTinkerServer({
    models: [{ name: dir, dir }],
    storeDir: join(root, "store"),
    threads: 1,
    togetherMs: 60_000, // rounding hangs on which requests are computed together
  });
});
after(async () => {
  await server.close();
  rmSync(root, { recursive: true, force: true });
});

test("killed in the middle of a step, it ends with the metrics and the weights of a run that nobody killed", async () => {
  const folder = (name: string): string => join(root, name);
  const run = async (name: string, kill?: Parameters<typeof runChild>[2]): Promise<Ended> => {
    mkdirSync(folder(name), { recursive: true });
    const engine = ["engine.type=tinker", `engine.baseUrl=${server.baseUrl}`, "evaluation.tasks=2"];
    const args = trainArgs(join(folder(name), "run"), ...engine.flatMap((setting) => ["--set", setting]));
    args.splice(args.indexOf("engine.threads=1") - 1, 2); // the server's own matter
    return runChild(folder(name), args, kill);
  };
  const whole = await run("whole");
  assert.equal(whole.code, 0, whole.stderr);
  const occurrence = Math.floor(whole.durations.python.length * 0.6);
  const killed = await run("killed", { phase: "python", occurrence, delayMs: 0, wholeGroup: true });
  assert.equal(killed.signal, "SIGKILL", killed.stderr);
  const last = await run("killed");
  assert.equal(last.code, 0, last.stderr);
  assert.match(last.stderr, /train: going on after step [123]\n/);

  const results = ["whole", "killed"].map((name) => {
    const dir = join(folder(name), "run");
    return {
      metrics: readMetrics(join(dir, "metrics.jsonl")).map(withoutTimings),
      weights: readFileSync(join(dir, "checkpoints", "final", "model.safetensors")),
    };
  });
  assert.equal(results[0]?.metrics.length, 4);
  assert.deepEqual(results[1]?.metrics, results[0]?.metrics);
  assert.ok(results[1]?.weights.equals(results[0]?.weights as Buffer), "the same weights");
});
