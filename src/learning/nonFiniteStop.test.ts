// The real engine, really broken: the run stops by name, keeps the batch, and the weights stay as they were.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import type { Datum } from "../core/datum.ts";
import { DataError, EngineError } from "../core/errors.ts";
import type { EmbeddedEngine } from "../engines/embedded/embeddedEngine.ts";
import type { ParameterStore } from "../engines/embedded/parameters.ts";
import { datum, prompt, smallEngine } from "../engines/embedded/testModel.ts";
import { readFailedBatch, writeFailedBatch, type SaveFailedBatch } from "./failedBatch.ts";
import { trainMinibatch } from "./minibatch.ts";
import { supervisedLoop } from "./supervised.ts";

const root = await mkdtemp(join(tmpdir(), "pyvision-failures-"));
after(() => rm(root, { recursive: true }));

const options = {
  steps: 20,
  batchSize: 2,
  microBatchTokens: 1000,
  optimizer: { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 },
  schedule: { type: "constant", peak: 1e-3, warmupSteps: 0, finalFraction: 0 },
  stage: "SFT",
} as const;

const weightsOf = (engine: EmbeddedEngine): ParameterStore =>
  (engine as unknown as { parameters: ParameterStore }).parameters;

function sequence(engine: EmbeddedEngine, seed: number): Datum {
  const tokens = Array.from({ length: 5 }, (_, i) => 10 + ((7 * seed + i) % 200));
  return datum(engine, [
    ...prompt(engine, seed),
    { type: "sampled", tokens, logprobs: tokens.map(() => -5) },
  ]);
}

/** Trains until it stops; `spoil` runs after the given number of steps. */
async function stopOf(
  engine: EmbeddedEngine,
  name: string,
  learningRate: number,
  spoil: (stepsDone: number) => void = () => undefined,
): Promise<{ error: EngineError; steps: number; dir: string }> {
  function* data(): Generator<Datum> {
    for (let i = 0; ; i++) yield sequence(engine, i);
  }
  const dir = join(root, name);
  const saveFailed: SaveFailedBatch = async (failed) => {
    await writeFailedBatch(dir, failed);
    return dir;
  };
  let steps = 0;
  const schedule = { ...options.schedule, peak: learningRate };
  try {
    const dependencies = { engine, data: data(), now: () => 0, saveFailed };
    for await (const report of supervisedLoop({ ...options, schedule }, dependencies))
      spoil((steps = report.step));
  } catch (error) {
    assert.ok(error instanceof EngineError, String(error));
    return { error, steps, dir };
  }
  throw new assert.AssertionError({ message: `nothing stopped the run in ${steps} steps` });
}

test("a weight that turns into NaN stops the next step by name; the batch is kept and nothing is applied", async () => {
  const engine = await smallEngine();
  const store = weightsOf(engine);
  const spoilt = "model.layers.1.mlp.up_proj.weight";
  let before: Float32Array[] = [];
  const { error, steps, dir } = await stopOf(engine, "nan", 1e-3, (done) => {
    if (done !== 2) return;
    store.value(spoilt)[3] = NaN;
    before = store.entries().map(({ value }) => value.slice());
  });
  assert.equal(steps, 2);
  assert.match(
    error.message,
    /^SFT step 3, optimiser step 3: the loss is NaN; the first parameter whose gradient is not finite is "visual\.patch_embed\.proj\.weight"; the weight "model\.layers\.1\.mlp\.up_proj\.weight" is itself not finite; nothing was applied to the weights \(learning rate 0\.001\)\. Batch of 2: datum 4; datum 5\. It is stored in /,
  );
  assert.ok(error.message.includes(dir));
  assert.deepEqual(
    store.entries().map(({ value }) => value),
    before,
  );
  assert.equal(store.step, 2);
  // What was stored is the batch, and on sound weights it trains.
  const failed = await readFailedBatch(dir);
  assert.deepEqual([failed.step, failed.where, failed.loss], [3, "SFT step 3", { type: "crossEntropy" }]);
  assert.deepEqual(
    failed.sequences.map(({ name }) => name),
    ["datum 4", "datum 5"],
  );
  assert.deepEqual(failed.sequences[0]?.datum.tokens, sequence(engine, 4).tokens);
  assert.deepEqual(failed.sequences[1]?.datum.images, sequence(engine, 5).images);
  const sound = await smallEngine(2);
  const again = await sound.forwardBackward(
    failed.sequences.map((s) => s.datum),
    failed.loss,
  );
  assert.ok(again.loss > 0);
  await Promise.all([engine.dispose(), sound.dispose()]);
});

test("a learning rate that explodes stops within a few steps, by name", async () => {
  const engine = await smallEngine();
  const { error, steps, dir } = await stopOf(engine, "exploding", 1e20);
  assert.ok(steps >= 1 && steps <= 5, `${steps} steps`);
  assert.match(
    error.message,
    /^SFT step \d, optimiser step \d: the (loss|gradient) is .*"; nothing was applied/,
  );
  assert.match(error.message, /first parameter whose gradient is not finite is "/);
  assert.match(await readFile(join(dir, "batch.json"), "utf8"), /"where":"SFT step \d"/);
  await engine.dispose();
});

test("data that was not finite before the model saw it is named, and its numbers survive the file", async () => {
  const engine = await smallEngine();
  const own: Datum = { ...sequence(engine, 1), logprobs: Float32Array.of(0, NaN, Infinity, -Infinity, -0.1) };
  const dir = join(root, "inputs");
  const loss = { type: "ppo", clipLow: 0.2, clipHigh: 0.2 } as const;
  const sequences = [{ name: "task-1, member 0", datum: own }];
  await writeFailedBatch(dir, { where: "RL step 1", step: 1, message: "m", loss, sequences });
  assert.deepEqual(await readFailedBatch(dir), {
    where: "RL step 1",
    step: 1,
    message: "m",
    loss,
    sequences,
  });
  await assert.rejects(readFailedBatch(root), DataError);
  const good = sequence(engine, 2);
  const other = sequence(engine, 3);
  const bad = { ...other, advantages: other.advantages.map(() => NaN) };
  const where = "RL step 1, minibatch 0";
  const optimizer = { ...options.optimizer, learningRate: 1e-3 };
  await assert.rejects(
    trainMinibatch(engine, [good, bad], { loss, optimizer, microBatchTokens: 1000, where }),
    /advantages or masks are not finite in sequence 1\./,
  );
  await engine.dispose();
});
