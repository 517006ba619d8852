// An evaluation that was interrupted goes on behind what was answered, and comes out as any other.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { silentReporter, type Reporter } from "../../core/reporter.ts";
import type { ScoredTrajectory } from "../../core/trajectory.ts";
import { loadConfig, type ResolvedConfig } from "../../runs/config.ts";
import { openTrajectoryStore } from "../../runs/trajectoryStore.ts";
import { runEvaluation } from "./evaluate.ts";

const root = mkdtempSync(join(tmpdir(), "pyvision-evaluation-"));
after(() => rmSync(root, { recursive: true, force: true }));

const small = (...more: string[]): ResolvedConfig =>
  loadConfig("configs/image-mini.yaml", [
    ...["engine.threads=1", "evaluation.tasks=5", "evaluation.concurrent=2", ...more],
  ]);

/** Asked to stop at the n-th time that somebody looks. */
function stopAt(n: number): { readonly asked: boolean } {
  let looks = 0;
  return {
    get asked() {
      return ++looks >= n;
    },
  };
}

function listening(): { reporter: Reporter; lines: string[] } {
  const lines: string[] = [];
  const note = (text: string): void => void lines.push(text);
  return { reporter: { ...silentReporter, info: note, warn: note }, lines };
}

const untimed = (trajectories: readonly ScoredTrajectory[]): unknown =>
  JSON.parse(JSON.stringify(trajectories).replaceAll(/"elapsedMs":[\d.e-]+/g, '"elapsedMs":0'));

test("stopped after a chunk, it asks the other chunks only, and is equal to one that was not stopped", async () => {
  const config = small();
  const whole = await runEvaluation(config, silentReporter);
  const save = join(root, "chunks");
  await assert.rejects(runEvaluation(config, silentReporter, { save, stop: stopAt(3) }), {
    name: "Interrupted",
    message: "stopped; what was answered is kept, and the same command asks the rest",
  });
  assert.ok(readdirSync(save).includes("evaluation-test.unfinished"));
  const { reporter, lines } = listening();
  const { report, trajectories, stored } = await runEvaluation(config, reporter, { save });
  assert.ok(lines.includes("going on: 4 tasks were answered before"), lines.join("\n"));
  assert.deepEqual(report, whole.report);
  assert.deepEqual(untimed(trajectories), untimed(whole.trajectories));
  assert.equal(stored, "evaluation-test");
  assert.deepEqual(openTrajectoryStore(save).names(), ["evaluation-test"]);
  assert.ok(!readdirSync(save).includes("evaluation-test.unfinished"));
});

test("where batches depend on timing anyway, it goes on task by task; another recipe begins anew", async () => {
  const config = small("agent.schedule=eager");
  const save = join(root, "tasks");
  await assert.rejects(runEvaluation(config, silentReporter, { save, stop: stopAt(4) }), /stopped/);
  const { reporter, lines } = listening();
  const { trajectories } = await runEvaluation(config, reporter, { save });
  assert.ok(lines.includes("going on: 3 tasks were answered before"), lines.join("\n"));
  assert.deepEqual(
    trajectories.map(({ taskId }) => taskId),
    [0, 1, 2, 3, 4].map((i) => `world-test-${i}`),
  );

  await assert.rejects(runEvaluation(config, silentReporter, { save, stop: stopAt(3) }), /stopped/);
  const other = listening();
  await runEvaluation({ ...config, seed: 1 }, other.reporter, { save });
  assert.match(other.lines.join("\n"), /is of other weights or another config, and is begun anew/);
});
