// Training on groups from the background, for real: the embedded engine samples and updates in turns, so that weights change
// in the middle of episodes.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { silentReporter } from "../../core/reporter.ts";
import { loadConfig } from "../../runs/config.ts";
import { createRun } from "../../runs/runDirectory.ts";
import { runTrain } from "./train.ts";

const root = mkdtempSync(join(tmpdir(), "pyvision-background-"));
after(() => rmSync(root, { recursive: true }));

test("the bound holds, tokens keep what they were sampled with, and every group has a fate", async () => {
  const config = loadConfig("configs/image-mini.yaml", [
    "engine.threads=1",
    "selection.genBatch=4",
    "selection.trainBatch=2",
    "selection.rolloutsPerPrompt=4",
    "agent.concurrent=12",
    "train.steps=4",
    "train.maxStaleness=1",
    "train.importanceCap=2",
    "train.loss=cispo",
    "evaluation.tasks=2",
  ]);
  const run = createRun(config, { dir: join(root, "run") });
  await runTrain(config, run, silentReporter);
  const records = run.readMetrics();
  assert.equal(records.length, 4);
  const value = (name: string): number[] => records.map((record) => Number(record[name] ?? 0));
  const sum = (name: string): number => value(name).reduce((total, n) => total + n, 0);
  assert.equal(
    Math.max(...value("staleness/max")),
    1,
    "steps after the first have groups of the update before",
  );
  assert.ok(
    value("groups/in_flight").every((n) => n <= 3),
    "12 episodes at once are 3 groups of 4",
  );
  const dropped = Object.keys(Object.assign({}, ...records) as object).filter((n) => n.startsWith("groups/dropped/")); // prettier-ignore
  const decided = sum("groups/trained") + sum("groups/rank_cut") + dropped.reduce((n, name) => n + sum(name), 0); // prettier-ignore
  assert.equal(decided, sum("groups/prompts_drawn"));
  assert.equal(sum("groups/begun") - decided, value("groups/in_flight").at(-1));
  // Of current weights only, where sampling and training agree but for rounding; the weights of the others move it little.
  const gaps = records.flatMap((record) => record["train/logprob_gap_max"] ?? []);
  assert.ok(gaps.length > 0 && gaps.every((gap) => Number(gap) < 1e-4), gaps.join());
  assert.ok(value("train/importance_mean").every((mean) => mean > 0.5 && mean < 1.5));
  assert.notEqual(value("train/importance_mean").at(-1), 1);
  const { reproducible, reason } = run.readSummary() as { reproducible: boolean; reason: string };
  assert.equal(reproducible, false);
  assert.match(reason, /^train\.maxStaleness is 1/);
});
