import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { silentReporter, type Reporter } from "../../core/reporter.ts";
import { loadConfig } from "../../runs/config.ts";
import { createRun } from "../../runs/runDirectory.ts";
import { reproducibilityOf, warnIfNotReproducible } from "./reproducibility.ts";
import { runTrain } from "./train.ts";

function listening(): { reporter: Reporter; warnings: string[] } {
  const warnings: string[] = [];
  return { reporter: { ...silentReporter, warn: (text) => warnings.push(text) }, warnings };
}

test("lockstep is reproducible for a number of threads, and says nothing", () => {
  const config = loadConfig("configs/image-mini.yaml", ["engine.threads=3"]);
  const { reporter, warnings } = listening();
  warnIfNotReproducible(config, reporter);
  assert.deepEqual(warnings, []);
  assert.deepEqual(reproducibilityOf(config), { reproducible: true, threads: 3 });
});

test("a run under the eager schedule says so: one warning, and the reason in its summary", async () => {
  const root = mkdtempSync(join(tmpdir(), "pyvision-eager-"));
  const config = loadConfig("configs/image-mini.yaml", [
    "agent.schedule=eager",
    "engine.threads=1",
    "selection.genBatch=2",
    "selection.trainBatch=1",
    "selection.maxGenBatches=1",
    "selection.rolloutsPerPrompt=4",
    "train.steps=1",
    "evaluation.tasks=2",
  ]);
  const { reporter, warnings } = listening();
  const run = createRun(config, { dir: join(root, "run") });
  await runTrain(config, run, reporter);
  warnIfNotReproducible(config, reporter);
  const told = warnings.filter((text) => text.includes("reproduced"));
  assert.equal(told.length, 1);
  assert.match(told[0] ?? "", /agent\.schedule is eager.*; agent\.schedule=lockstep can$/);
  const summary = run.readSummary() as { reproducible: boolean; reason: string; threads: number };
  assert.deepEqual([summary.reproducible, summary.threads], [false, 1]);
  assert.match(summary.reason, /^agent\.schedule is eager/);
  rmSync(root, { recursive: true });
});
