import assert from "node:assert/strict";
import test from "node:test";
import { EngineError } from "../core/errors.ts";
import type { Task } from "../core/task.ts";
import { metricInfo } from "./metrics.ts";
import { initialRlState, rlLoop } from "./rlLoop.ts";
import type { RlLoopDependencies, RlLoopOptions, RlLoopState, RlStepReport } from "./rlLoop.ts";
import { close, group, paperAdvantage, right, ScriptedEngine, strictFilters, wrong } from "./testSupport.ts";
import type { TrajectorySketch } from "./testSupport.ts";

const options: RlLoopOptions = {
  steps: 3,
  seed: 4,
  selection: {
    trainGroups: 1,
    genBatch: 2,
    groupSize: 2,
    maxGenBatches: 2,
    ranking: "group",
    filters: strictFilters,
    advantage: paperAdvantage,
  },
  minibatches: 1,
  microBatchTokens: 100,
  clipLow: 0.2,
  clipHigh: 0.2,
  maxLogprobGap: 0.01,
  optimizer: { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 },
  schedule: { type: "linear", peak: 3, warmupSteps: 0, finalFraction: 0 },
};

/** Runs the loop; `members` says how the group of a task position comes out. */
async function run(
  members: (position: number) => readonly TrajectorySketch[],
  from: RlLoopState = initialRlState,
  engine = new ScriptedEngine(),
): Promise<{ reports: RlStepReport[]; labels: string[]; engine: ScriptedEngine }> {
  const labels: string[] = [];
  let clock = 0;
  const dependencies: RlLoopDependencies = {
    engine,
    taskAt: (position): Task => ({ id: `${position}`, kind: "kind", question: "?", answer: "!", images: [] }),
    rollout: (tasks, _n, label) => {
      labels.push(`${label}: ${tasks.map((task) => task.id).join(" ")}`);
      clock += 2000;
      return Promise.resolve(tasks.map((task) => group(task.id, members(Number(task.id)))));
    },
    now: () => clock,
  };
  const reports: RlStepReport[] = [];
  for await (const report of rlLoop(options, dependencies, from)) reports.push(report);
  return { reports, labels, engine };
}

const mixed = [...right(1), ...wrong(1)];

test("steps, backfill, learning rate and the state to resume from", async () => {
  // positions 2 and 3 are hopeless, so step 2 draws a second batch
  const members = (position: number): readonly TrajectorySketch[] =>
    position === 2 || position === 3 ? wrong(2) : mixed;
  const { reports, labels, engine } = await run(members);
  assert.deepEqual(labels, ["train/1/0: 0 1", "train/2/0: 2 3", "train/2/1: 4 5", "train/3/0: 6 7"]);
  assert.deepEqual(
    reports.map(({ step, state }) => [step, state]),
    [
      [1, { step: 1, cursor: 2 }],
      [2, { step: 2, cursor: 6 }],
      [3, { step: 3, cursor: 8 }],
    ],
  );
  const rates = engine.events.flatMap((event) =>
    event.type === "optimStep" ? [event.params.learningRate] : [],
  );
  assert.deepEqual(rates, [3, 2, 1]);

  const resumed = await run(members, reports[0]?.state);
  assert.deepEqual(resumed.labels, labels.slice(1));
  assert.deepEqual(
    resumed.reports.map((r) => r.metrics),
    reports.slice(1).map((r) => r.metrics),
  );
});

test("the metrics of a step, by name", async () => {
  const { reports } = await run(() => mixed);
  const metrics = reports[0]?.metrics ?? {};
  // rewards 1.1 and 0: mean 0.55, deviation 0.55; 2 sampled tokens of ln p -0.5 and -1.5 each
  close(metrics["reward/mean"], 0.55);
  close(metrics["reward/std_mean"], 0.55);
  assert.equal(metrics["accuracy/mean"], 0.5);
  assert.equal(metrics["tool_calls/mean"], 0.5);
  assert.equal(metrics["tool_calls/correct_mean"], 1);
  assert.equal(metrics["tool_calls/wrong_mean"], 0);
  assert.equal(metrics["entropy/observed"], 1);
  assert.equal(metrics["groups/trained"], 1);
  assert.equal(metrics["groups/rank_cut"], 1);
  assert.equal(metrics["trajectories/drawn"], 4);
  assert.equal(metrics["trajectories/trained"], 2);
  assert.equal(metrics["end/answered"], 4);
  assert.equal(metrics["train/learning_rate"], 3);
  assert.equal(metrics["time/rollout_s"], 2);
  assert.equal(metrics["time/sampled_tokens_per_s"], 4);
  assert.equal("tool_calls/python_error_rate" in metrics, false);
  for (const name of Object.keys(metrics)) assert.ok(metricInfo(name), `${name} is not in the table`);
});

test("a step with no survivor makes no update, warns, and the loop goes on", async () => {
  const { reports, engine } = await run((position) => (position < 4 ? wrong(2) : mixed));
  const [first, second] = reports;
  assert.deepEqual(first?.warnings, [
    "selection.maxGenBatches = 2 reached: no group survived 4 prompts, so the step made no update",
  ]);
  assert.equal(first?.metrics["groups/cap_hit"], 1);
  assert.equal(first?.metrics["groups/dropped/allWrong"], 4);
  assert.equal("train/loss" in (first?.metrics ?? {}), false);
  assert.deepEqual(second?.warnings, []);
  assert.equal(engine.events.filter((event) => event.type === "optimStep").length, 2);
});

test("a loss that is not finite ends the loop with the number of the step", async () => {
  const engine = new ScriptedEngine({
    logprob: (item, t, updates) => (updates < 1 ? (item.logprobs[t] ?? 0) : NaN),
  });
  await assert.rejects(
    run(() => mixed, initialRlState, engine),
    (error) => error instanceof EngineError && /^RL step 2, minibatch 0, the loss is NaN/.test(error.message),
  );
});

test("sampling and training that disagree about log-probabilities are warned about, once a step, with the number", async () => {
  const gap = (nats: number): ScriptedEngine =>
    new ScriptedEngine({ logprob: (item, t) => (item.logprobs[t] ?? 0) + (t === 3 ? nats : 0) });
  const { reports } = await run(() => mixed, initialRlState, gap(0.05));
  for (const { warnings } of reports) {
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /by up to 0\.0500 nats \(mean 0\.0250\).*train\.maxLogprobGap = 0\.01/);
  }
  const quiet = await run(() => mixed, initialRlState, gap(0.005));
  assert.deepEqual(quiet.reports[0]?.warnings, []);
});

test("an engine that fails while sampling is told with the number of the step", async () => {
  const dependencies: RlLoopDependencies = {
    engine: new ScriptedEngine(),
    taskAt: () => ({ id: "0", kind: "kind", question: "?", answer: "!", images: [] }),
    rollout: () => Promise.reject(new EngineError("task 0, member 1: the model's logits are not finite")),
    now: () => 0,
  };
  await assert.rejects(rlLoop(options, dependencies, { step: 1, cursor: 2 }).next(), (error) => {
    assert.ok(error instanceof EngineError);
    assert.equal(error.message, "RL step 2: task 0, member 1: the model's logits are not finite");
    return true;
  });
});
