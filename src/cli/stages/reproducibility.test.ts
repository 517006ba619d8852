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

test("on a server it depends on whose it is, and no schedule is offered that would not help", () => {
  const of = (...sets: string[]) => loadConfig("configs/image-mini.yaml", ["engine.type=tinker", ...sets]);
  const told = (config: ReturnType<typeof of>, stage?: "train"): string[] => {
    const { reporter, warnings } = listening();
    warnIfNotReproducible(config, reporter, stage);
    return warnings;
  };
  assert.deepEqual(told(of()), []);
  assert.deepEqual(reproducibilityOf(of()), {
    reproducible: true,
    threads: 0,
    provided:
      "the server has the same number of threads, serves nobody else meanwhile, and gathers each batch whole",
  });
  assert.match(told(of("agent.schedule=eager"))[0] ?? "", /eager.*; agent\.schedule=lockstep can$/);
  assert.deepEqual(told(of("engine.dialect=hosted")), [
    "this run cannot be reproduced bit for bit: engine.dialect is hosted: the server computes the turns, in batches of its own",
  ]);
  assert.deepEqual(reproducibilityOf(of("engine.dialect=skyrl")), {
    reproducible: false,
    reason: "engine.dialect is skyrl: the server computes the turns, in batches of its own",
    threads: 0,
  });
});

test("collection in the background is a matter of timing in training, and of no other stage", () => {
  const config = loadConfig("configs/image-mini.yaml", ["train.maxStaleness=2"]);
  const { reporter, warnings } = listening();
  warnIfNotReproducible(config, reporter);
  assert.deepEqual(warnings, []);
  warnIfNotReproducible(config, reporter, "train");
  assert.match(warnings[0] ?? "", /train\.maxStaleness is 2: .*; train\.maxStaleness=0 can$/);
  assert.equal(reproducibilityOf(config).reproducible, true);
  assert.equal(reproducibilityOf(config, "train").reproducible, false);
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
