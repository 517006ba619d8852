import assert from "node:assert/strict";
import { test } from "node:test";
import { parallelRuns } from "./limits.ts";
import { planSeconds, runSeconds } from "./estimate.ts";
import { planStudies } from "./grid.ts";
import { parseStudy } from "./studyFile.ts";
import { STUDY } from "./testStudy.ts";

const tiny = parseStudy(STUDY, "tiny.yaml");
const other = { ...tiny, name: "other", arms: tiny.arms.map((arm) => ({ ...arm, set: arm.name === "none" ? { "agent.maxTurns": 2 } : { "reward.toolCall": 0.1 } })) }; // prettier-ignore

test("arms that resolve to one config are one run, in whatever words; seed after seed", () => {
  const { runs, studies } = planStudies([tiny, other]);
  assert.deepEqual(
    runs.map(({ label, stage }) => `${stage} ${label}`),
    [
      ...["train tiny none seed 0", "train tiny bonus seed 0", "train other none seed 0"],
      ...["train tiny none seed 1", "train tiny bonus seed 1", "train other none seed 1"],
    ],
  );
  // 0.1 is what the recipe has: writing it changes nothing.
  assert.equal(studies[1]?.arms[1]?.runs.get(1), studies[0]?.arms[1]?.runs.get(1));
  assert.equal(new Set(runs.map(({ digest }) => digest)).size, 6);
  assert.ok(runs.every(({ digest }) => /^[0-9a-f]{12}$/.test(digest)));
  assert.deepEqual(runs.map(({ config }) => [config.seed, config.reward.toolCall])[3], [1, 0]);
});

test("a name makes no other run; any setting and the weights do", () => {
  const digest = (set: readonly string[], study = tiny): string | undefined =>
    planStudies([study], { seeds: [0], set }).runs[1]?.digest;
  assert.equal(digest(["name=another"]), digest([]));
  for (const set of ["train.steps=3", "evaluation.tasks=7"]) assert.notEqual(digest([set]), digest([]), set);
  assert.notEqual(digest(["model.init=checkpoints/image-mini/base"]), digest([]));
  assert.equal(
    digest(["model.init=./checkpoints/image-mini/sft"]),
    digest([]),
    "the same weights by another path",
  );
});

test("a cold start is two runs for all seeds, and arms that differ in RL alone share it", () => {
  const cold = { ...tiny, arms: tiny.arms.map((arm) => ({ ...arm, coldStart: true })) };
  const { runs } = planStudies([cold]);
  assert.deepEqual(
    runs.map(({ stage }) => stage),
    ["pretrain", "sft", "train", "train", "train", "train"],
  );
  const [pretrain, sft, ...training] = runs;
  assert.equal(sft?.needs, pretrain?.digest);
  assert.ok(training.every(({ needs }) => needs === sft?.digest));
  assert.equal(sft?.steps, 250, "4000 demonstrations, twice, by 32");
  const wider = { ...cold, arms: cold.arms.map((arm, i) => ({ ...arm, set: { "agent.maxImages": 8 + i } })) };
  assert.equal(planStudies([wider]).runs.filter(({ stage }) => stage === "pretrain").length, 2);
});

test("what would make results depend on the machine is refused", () => {
  const plan = (set: string): unknown => planStudies([tiny], { set: [set] });
  assert.throws(
    () => plan("engine.threads=0"),
    /^ConfigError: study tiny, arm none: engine\.threads must be fixed in the study's set, received 0 \(every core\): .*; set engine\.threads: 1$/,
  );
  assert.throws(() => plan("agent.schedule=eager"), /agent\.schedule must be lockstep, received "eager"/);
  assert.throws(() => plan("train.maxStaleness=2"), /train\.maxStaleness must be 0, received 2/);
  assert.throws(
    () => plan("reward.tolCall=1"),
    /^ConfigError: study tiny, arm none: --set reward\.tolCall=1: unknown key reward\.tolCall .*reward\.toolCall/,
  );
  assert.throws(() => plan("seed=3"), /seed must not be set, .*--seeds$/);
  assert.throws(() => planStudies([tiny, tiny]), /two files have the name "tiny"/);
});

test("as many side by side as cores, memory and runs allow", () => {
  const machine = { cores: 8, memoryBytes: 64e9 };
  assert.equal(parallelRuns(machine, 1, 100), 8);
  assert.equal(parallelRuns(machine, 3, 100), 2);
  assert.equal(parallelRuns(machine, 1, 3), 3);
  assert.equal(parallelRuns({ ...machine, memoryBytes: 4.4e9 }, 1, 100), 2);
  assert.equal(parallelRuns({ cores: 1, memoryBytes: 1e8 }, 4, 1), 1);
});

test("the estimate: steps, held-out tasks before, after and on the way, start", () => {
  const plan = planStudies([tiny], {
    set: ["train.steps=10", "train.evaluateEvery=4", "evaluation.tasks=6"],
  });
  const [run] = plan.runs;
  assert.ok(run && plan.studies[0]);
  assert.equal(run.heldOutTasks, 24, "0, 4, 8 and 10");
  assert.equal(runSeconds(run, plan.studies[0]), 2 + 10 * 1 + 24 * 0.5);
  assert.equal(planSeconds(plan, plan.runs, 2), 48);
  assert.equal(planSeconds(plan, plan.runs, 100), 24, "never shorter than the longest");
});
