import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ConfigError } from "../core/errors.ts";
import type { ErrorPolicy, EpisodeLimits } from "../agent/episode.ts";
import type { AdvantageOptions } from "../learning/advantages.ts";
import type { FilterOptions } from "../learning/filters.ts";
import type { RewardOptions } from "../rewards/reward.ts";
import type { PythonRuntimeOptions } from "../sandbox/settings.ts";
import type { TeacherBehaviour } from "../tasks/world/teacherScript.ts";
import { DEFAULT_WEIGHTS, type WorldOptions } from "../tasks/world/world.ts";
import { dumpConfig, loadConfig, parseConfig, resolveInputPath } from "./config.ts";

const recipe = fileURLToPath(new URL("../../configs/image-mini.yaml", import.meta.url));

function messageOf(text: string, overrides: readonly string[] = []): string {
  try {
    parseConfig(text, "a.yaml", overrides);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
  return assert.fail("no error");
}

test("an empty config is the paper's settings", () => {
  const config = parseConfig("", "dir/paper.yaml");
  assert.equal(config.name, "paper");
  assert.deepEqual(config.engine, { type: "embedded", threads: 0 });
  assert.deepEqual(config.reward, { toolCall: 0.1, countedCalls: "ran", maxAnswerChars: 1000 });
  assert.deepEqual(config.advantage, { baseline: "totalReward", normalizeByStd: false });
  assert.deepEqual(config.optimizer, {
    learningRate: 1e-6,
    warmupSteps: 0,
    schedule: "constant",
    finalFraction: 0,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0.01,
    maxGradNorm: 1,
  });
  const { genBatch, trainBatch, rolloutsPerPrompt } = config.selection;
  assert.deepEqual([genBatch, trainBatch, rolloutsPerPrompt], [32, 16, 8]);
  assert.deepEqual(
    [config.agent.maxTurns, config.agent.onPythonError, config.agent.schedule],
    [5, "show", "lockstep"],
  );
});

test("sections are what the rooms take, so that nothing is renamed on the way", () => {
  const config = parseConfig("", "a.yaml");
  if (config.tasks.type !== "world") assert.fail("the default tasks are those of the image world");
  const { type: _type, ...world } = config.tasks;
  // 0, for all cores and for a share of the memory, is left out there, and the first two are dealt with before.
  const {
    runtime: _where,
    packages: _more,
    maxConcurrent: _cores,
    maxTotalMemoryBytes: _share,
    ...python
  } = config.python;
  const taken = {
    python: python satisfies PythonRuntimeOptions,
    reward: config.reward satisfies RewardOptions,
    advantage: config.advantage satisfies AdvantageOptions,
    variance: config.selection.zeroVariance satisfies FilterOptions["zeroVariance"],
    keep: config.selection.keepEndReasons satisfies FilterOptions["keepEndReasons"],
    limits: config.agent satisfies EpisodeLimits,
    errors: config.agent.onPythonError satisfies ErrorPolicy,
    teacher: config.sft.teacher satisfies Partial<TeacherBehaviour>,
    world: { ...world, split: "train" } satisfies WorldOptions,
  };
  assert.deepEqual(taken.world, {
    seed: 0,
    weights: DEFAULT_WEIGHTS,
    places: 4,
    contrast: 1,
    split: "train",
  });
  assert.deepEqual(taken.variance, { accuracy: true, total: true, tolerance: 1e-6 });
});

test("an unknown key names itself, the file, the value and the nearest valid name", () => {
  assert.equal(
    messageOf("reward:\n  toolcall: 0.2"),
    "a.yaml: unknown key reward.toolcall (value 0.2); nearest valid name: reward.toolCall",
  );
  assert.equal(messageOf("sede: 3"), "a.yaml: unknown key sede (value 3); nearest valid name: seed");
  assert.equal(
    messageOf("engine: {type: embedded, thread: 2}"),
    "a.yaml: unknown key engine.thread (value 2); nearest valid name: engine.threads",
  );
});

test("a key in the wrong section is answered with where it belongs", () => {
  assert.equal(
    messageOf("toolCall: 0"),
    "a.yaml: unknown key toolCall (value 0); nearest valid name: reward.toolCall",
  );
  assert.match(
    messageOf("train: {learningRate: 1}"),
    /; nearest valid name: optimizer\.learningRate or sft\.optimizer\.learningRate or pretrain\.optimizer\.learningRate$/,
  );
});

test("a key like no other is answered with the valid ones", () => {
  assert.equal(
    messageOf("advantage: {qqqqqqqqq: 1}"),
    "a.yaml: unknown key advantage.qqqqqqqqq (value 1); valid names here: baseline, normalizeByStd",
  );
});

test("ill-typed and out-of-range values name the rule and the value", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["train: {steps: many}", 'train.steps must be a number, received "many"'],
    ["train: {steps: 1.5}", "train.steps must be an integer, received 1.5"],
    ["train: {steps: -1}", "train.steps must be at least 0, received -1"],
    ["optimizer: {learningRate: 0}", "optimizer.learningRate must be above 0, received 0"],
    ["optimizer: {beta1: 1}", "optimizer.beta1 must be below 1, received 1"],
    ["advantage: {normalizeByStd: 1}", "advantage.normalizeByStd must be true or false, received 1"],
    ["reward: 5", "reward must be a section with keys, received 5"],
    ["selection: {keepEndReasons: answered}", 'selection.keepEndReasons must be a list, received "answered"'],
    ["selection: {keepEndReasons: []}", "selection.keepEndReasons must hold at least 1 items, received []"],
    [
      "agent: {onPythonError: shwo}",
      'agent.onPythonError must be one of "show", "end", received "shwo"; nearest valid value: "show"',
    ],
    [
      "engine: {type: embeded}",
      'engine.type must be one of "embedded", "openai", "tinker", received "embeded"; nearest valid value: "embedded"',
    ],
    [
      "selection: {genBatch: 2, maxGenBatches: 2, trainBatch: 5}",
      "selection.trainBatch must not exceed genBatch * maxGenBatches (4), or no step can fill it, received 5",
    ],
    [
      "model: {processor: {minPixels: 9999, maxPixels: 999}}",
      "model.processor.minPixels must not exceed maxPixels (999), received 9999",
    ],
  ];
  for (const [text, message] of cases) assert.equal(messageOf(text), `a.yaml: ${message}`);
});

test("every mistake is told, one a line", () => {
  assert.equal(
    messageOf("seed: x\nreward: {toolcal: 1}"),
    'a.yaml: seed must be a number, received "x"\n' +
      "a.yaml: unknown key reward.toolcal (value 1); nearest valid name: reward.toolCall",
  );
});

test("a mistake in --set names --set, one in the file the file", () => {
  assert.equal(
    messageOf("sede: 1", ["train.stepz=3", "reward={toolCall: x}"]),
    '--set reward={toolCall: x}: reward.toolCall must be a number, received "x"\n' +
      "--set train.stepz=3: unknown key train.stepz (value 3); nearest valid name: train.steps\n" +
      "a.yaml: unknown key sede (value 1); nearest valid name: seed",
  );
  assert.equal(
    messageOf("", ["seed"]),
    "--set seed: must be key=value with a dotted key, e.g. --set reward.toolCall=0",
  );
  assert.equal(messageOf("", ["a..b=1"]).slice(0, 14), "--set a..b=1: ");
  assert.equal(messageOf("seed: 4", ["seed.x=1"]), "--set seed.x=1: seed is 4, not a section with keys");
  assert.match(
    messageOf("", ["__proto__.polluted=1"]),
    /^--set __proto__\.polluted=1: unknown key __proto__ /,
  );
  assert.equal(({} as { polluted?: number }).polluted, undefined);
});

test("--set values are YAML and the last one wins", () => {
  const config = parseConfig("train: {steps: 3}", "a.yaml", [
    "train.steps=10",
    "train.steps=20",
    "optimizer.learningRate=2e-4",
    "selection.keepEndReasons=[answered]",
    "advantage.normalizeByStd=true",
    "name=my-run",
    "engine.threads=2",
    "python.matplotlibRc={figure.dpi: 50}",
  ]);
  assert.equal(config.train.steps, 20);
  assert.equal(config.optimizer.learningRate, 0.0002);
  assert.deepEqual(config.selection.keepEndReasons, ["answered"]);
  assert.equal(config.advantage.normalizeByStd, true);
  assert.equal(config.name, "my-run");
  assert.deepEqual(config.engine, { type: "embedded", threads: 2 });
  assert.deepEqual(config.python.matplotlibRc, { "figure.dpi": 50 });
});

test("truncated sampling is refused for training and allowed in evaluation", () => {
  assert.match(
    messageOf("sampling: {topP: 0.9}"),
    /^a\.yaml: sampling\.topP must be off .*evaluation\.topP.*received 0\.9$/,
  );
  assert.match(messageOf("sampling: {topK: 5}"), /^a\.yaml: sampling\.topK must be off/);
  assert.match(
    messageOf("sampling: {temperature: 0.5}"),
    /sampling\.temperature must be 1 in training: .*received 0\.5$/,
  );
  assert.equal(parseConfig("evaluation: {topP: 0.9, topK: 5}", "a.yaml").evaluation.topP, 0.9);
});

test("shapes that no model can have are refused by name", () => {
  const shape = (change: string): string => {
    const vision = "vision: {depth: 1, hiddenSize: 16, heads: 2, intermediateSize: 8}";
    const base = `{hiddenSize: 32, layers: 1, heads: 4, kvHeads: 2, intermediateSize: 8, vocabSize: 300, ${vision}}`;
    return messageOf(`model: {architecture: ${base}}`, [`model.architecture.${change}`]);
  };
  assert.match(shape("hiddenSize=36"), /architecture\.heads must leave an even number of channels a head/);
  assert.match(shape("vision.hiddenSize=20"), /vision\.heads must leave a multiple of 4 channels/);
  assert.match(shape("vision.fullAttentionBlocks=[1]"), /fullAttentionBlocks must name blocks from 0 to 0/);
});

test("a section whose keys are all commented out means its defaults", () => {
  assert.equal(parseConfig("train:\n#  steps: 3\n", "a.yaml").train.steps, 700);
});

test("text that is not YAML, or not sections, is a ConfigError that names the file", () => {
  assert.match(messageOf("a: ["), /^a\.yaml: not valid YAML: .*line 1/s);
  assert.equal(messageOf("- 1"), "a.yaml: must hold sections of keys, received [1]");
  assert.throws(() => loadConfig("/nowhere/x.yaml"), {
    name: "ConfigError",
    message: /^config file \/nowhere\/x\.yaml cannot be read/,
  });
});

test("the shipped recipe is valid, and a dumped config reads back the same", () => {
  const config = loadConfig(recipe, ["reward.toolCall=0"]);
  assert.equal(config.name, "image-mini");
  assert.equal(config.reward.toolCall, 0);
  assert.deepEqual(parseConfig(dumpConfig(config), "other.yaml"), config);
});

test("an input path is looked for in the working directory, then in the package", () => {
  const found = resolveInputPath("configs/image-mini.yaml", "model.init", "/");
  assert.ok(isAbsolute(found) && existsSync(found));
  assert.throws(() => resolveInputPath("no/such", "model.init", "/tmp"), {
    name: "ConfigError",
    message: /^model\.init: "no\/such" does not exist \(looked for \/tmp\/no\/such and /,
  });
});

test("agent.context chooses how media enter the context, and its mistakes are named", () => {
  const of = (set: string): unknown => loadConfig(recipe, ["agent.maxImages=16", set]).agent.context;
  assert.equal("context" in loadConfig(recipe).agent, false);
  assert.deepEqual(of("agent.context.type=videoFrames"), {
    type: "videoFrames",
    frames: 16,
    inRuntime: false,
  });
  assert.deepEqual(of("agent.context={type: imageInRuntime}"), { type: "imageInRuntime" });
  assert.throws(
    () => of("agent.context.type=videoFrame"),
    /agent\.context\.type must be one of .*nearest valid value: "videoFrames"/,
  );
  assert.throws(
    () => of("agent.context={type: imageInBoth, frames: 3}"),
    /unknown key agent\.context\.frames/,
  );
  assert.throws(
    () => of("agent.context={type: videoFrames, frames: 0}"),
    /agent\.context\.frames must be at least 1/,
  );
  assert.throws(
    () => loadConfig(recipe, ["agent.context={type: videoFrames, frames: 9}", "agent.maxImages=8"]),
    /agent\.context\.frames must be at most agent\.maxImages \(8\)/,
  );
});
