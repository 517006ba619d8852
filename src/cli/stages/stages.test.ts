// The whole pipeline for real, only smaller: carried checkpoint, real Python, real gradients.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import { silentReporter } from "../../core/reporter.ts";
import { loadConfig, type ResolvedConfig } from "../../runs/config.ts";
import { withoutTimings } from "../../runs/metrics.ts";
import { createRun, type RunDirectory } from "../../runs/runDirectory.ts";
import { runPretrain } from "./pretrain.ts";
import { runRollout } from "./rollout.ts";
import { runSft } from "./sft.ts";
import { runTrain } from "./train.ts";
import { openWorkbench } from "./workbench.ts";

const root = mkdtempSync(join(tmpdir(), "pyvision-stages-"));
after(() => rmSync(root, { recursive: true }));

const SMALL = [
  "selection.genBatch=6",
  "selection.trainBatch=3",
  "selection.rolloutsPerPrompt=4",
  "train.steps=2",
  "evaluation.tasks=6",
  "sft.demonstrations=12",
  "sft.epochs=1",
  "sft.batchSize=6",
  "pretrain.steps=2",
  "pretrain.batchSize=4",
];

function recipe(...overrides: string[]): ResolvedConfig {
  return loadConfig("configs/image-mini.yaml", [...SMALL, ...overrides]);
}

async function train(name: string, ...overrides: string[]): Promise<RunDirectory> {
  const config = recipe(...overrides);
  const run = createRun(config, { dir: join(root, name) });
  await runTrain(config, run, silentReporter);
  return run;
}

test("two runs of one seed have equal metrics but for the timings; another seed has others", async () => {
  const [a, b, other] = [await train("a"), await train("b"), await train("other", "seed=1", "train.steps=1")];
  const metrics = (run: RunDirectory): unknown[] => run.readMetrics().map(withoutTimings);
  assert.equal(metrics(a).length, 2);
  assert.deepEqual(metrics(a), metrics(b));
  assert.notDeepEqual(metrics(a)[0], metrics(other)[0]);

  const summary = a.readSummary() as Record<string, unknown>;
  assert.deepEqual((summary["before"] as { overall: { trajectories: number } }).overall.trajectories, 6);
  assert.equal(summary["reproducible"], true);
  const counts = summary["counts"] as Record<string, number>;
  const drawn = a.readMetrics().reduce((n, r) => n + Number(r["trajectories/drawn"]), 0);
  const ended = Object.entries(counts).reduce(
    (n, [name, count]) => n + (name.startsWith("end/") ? count : 0),
    0,
  );
  assert.equal(ended, drawn, "every trajectory has one end reason");
  assert.match(
    readFileSync(a.filePath("curves.svg"), "utf8"),
    /^<svg[\s\S]*Tool calls per trajectory[\s\S]*<\/svg>\s*$/,
  );
  assert.ok(existsSync(join(a.checkpointPath("final"), "optimizer.safetensors")));
  const stored = a.trajectories.names();
  assert.deepEqual(stored, ["evaluation-000000", "evaluation-000002", "train-000001", "train-000002"]);
  const [first] = a.trajectories.load("train-000001");
  assert.ok(first !== undefined && first.segments.some((s) => s.type === "image"));
});

test("training changes the weights, and sampling agrees with training on every token", async () => {
  const run = await train("gap", "train.steps=1");
  const [record] = run.readMetrics();
  assert.ok(
    Number(record?.["train/logprob_gap_max"]) <= 1e-4,
    `gap ${String(record?.["train/logprob_gap_max"])}`,
  );
  const weights = (dir: string): Buffer => readFileSync(join(dir, "model.safetensors"));
  assert.notDeepEqual(weights(run.checkpointPath("final")), weights("checkpoints/image-mini/sft"));
});

test("pretrain and sft make checkpoints that the next stage starts from", async () => {
  const config = recipe();
  const base = await runPretrain(config, createRun(config, { dir: join(root, "pretrain") }), silentReporter);
  assert.deepEqual(readdirSync(base).sort(), [
    "config.json",
    "model.safetensors",
    "preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
  ]);
  const onBase = { ...config, sft: { ...config.sft, init: base } };
  const run = createRun(onBase, { dir: join(root, "sft") });
  const tuned = await runSft(onBase, run, silentReporter);
  const losses = run.readMetrics().map((r) => Number(r["train/loss"]));
  assert.equal(losses.length, 2);
  assert.ok(losses.every((loss) => loss > 0 && Number.isFinite(loss)));
  const rolled = await runRollout(
    { ...config, model: { ...config.model, init: tuned } },
    { split: "test", taskIndex: 0, member: 0 },
    silentReporter,
  );
  assert.equal(rolled.taskId, "world-test-0");
});

test("the carried policy looks: among 16 rollouts some call Python and see a figure, and most end with an answer", async () => {
  const config = recipe("tasks.weights={plain: 0, look: 1, search: 0, compare: 0, count: 0}");
  const bench = await openWorkbench(config, config.model.init, "model.init", silentReporter);
  const task = bench.tasks("test").at(3);
  const [group] = await bench.rollout({ tasks: [task], n: 16, label: "test", sampling: config.sampling });
  await bench.close();
  const trajectories = group?.trajectories ?? [];
  assert.ok(trajectories.filter((t) => t.endReason.type === "answered").length >= 10);
  const looked = trajectories.filter((t) => t.toolCalls > 0);
  assert.ok(looked.length >= 2 && looked.length <= 14, `${looked.length} of 16 looked`);
  for (const t of looked) {
    assert.ok(t.turns.some((turn) => turn.tool?.figures.length === 1));
    assert.ok(t.segments.some((s) => s.type === "image" && s.source === "observation"));
  }
});

test("evaluation has a turn budget of its own", async () => {
  const config = recipe(
    "tasks.weights={plain: 0, look: 0, search: 0, compare: 0, count: 1}",
    "evaluation.maxTurns=1",
  );
  const request = { split: "test", taskIndex: 3, member: 3 } as const;
  const trajectory = await runRollout(config, request, silentReporter);
  assert.equal(trajectory.turns.length, 1);
});
