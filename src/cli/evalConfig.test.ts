// What the options of `pyvision eval` make of a checkpoint, a server and a recipe; and what is refused.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ConfigError } from "../core/errors.ts";
import { benchNames, controlConfig, evalConfig, type EvalOptions, recipeOf } from "./evalConfig.ts";

const root = mkdtempSync(join(tmpdir(), "pyvision-evalConfig-"));
after(() => rmSync(root, { recursive: true, force: true }));

const served = { engine: "http://127.0.0.1:1/v1", model: "m" };
const usual = { repeats: 1, maxTurns: 30, concurrent: 16, seed: 0 };
const options = (more: Partial<EvalOptions>): EvalOptions => ({ ...usual, ...served, ...more });

const refuses = (what: () => unknown, message: RegExp): void =>
  assert.throws(what, (error: Error) => error instanceof ConfigError && message.test(error.message));

test("benchmarks by name, one or several, or a file", () => {
  assert.deepEqual(benchNames({ bench: "vstar,vsi-bench" }), ["vstar", "vsi-bench"]);
  assert.deepEqual(benchNames({ tasks: "x.jsonl" }), []);
  refuses(() => benchNames({}), /^--bench NAME\[,NAME…\] or --tasks FILE: give one of them/);
  refuses(() => benchNames({ bench: "vstar", tasks: "x" }), /give one of them/);
  refuses(
    () => benchNames({ bench: "vstart" }),
    /^--bench: must be of vstar, hrbench-4k,.*received "vstart"/,
  );
  refuses(() => benchNames({ bench: "vstar,vstar" }), /^--bench: names vstar twice/);
  refuses(() => benchNames({ bench: "," }), /received none/);
});

test("a server: its address and model, the prompt for models that follow instructions, greedy, 30 turns", () => {
  const { engine, agent, tasks, evaluation, name } = evalConfig(options({ bench: "vstar" }), "vstar");
  assert.ok(engine.type === "openai");
  assert.deepEqual([engine.baseUrl, engine.model], ["http://127.0.0.1:1/v1", "m"]);
  assert.deepEqual([agent.template, agent.schedule], ["standard", "eager"]);
  assert.deepEqual(tasks, {
    type: "benchmark",
    name: "vstar",
    path: "data/benchmarks/vstar",
    profile: "default",
  });
  assert.deepEqual([evaluation.temperature, evaluation.maxTurns, evaluation.concurrent], [0, 30, 16]);
  assert.equal(name, "eval-vstar");
});

test("a carried checkpoint: with its recipe's limits and nothing of its training", () => {
  const { model: _, ...more } = options({ bench: "vstar", engine: "checkpoints/image-mini/sft" });
  const config = evalConfig(more, "vstar");
  assert.deepEqual([config.engine.type, config.model.init], ["embedded", "checkpoints/image-mini/sft"]);
  assert.deepEqual([config.agent.template, config.agent.maxContextTokens], ["mini", 512]);
  assert.equal(config.model.processor?.maxPixels, 12_544);
  assert.equal(config.reward.judge, undefined);
  assert.equal(config.selection.genBatch, 32, "the recipe's own selection is not read");
});

test("a checkpoint of a run: with that run's config; one of nowhere: with none", () => {
  const folder = join(root, "run", "checkpoints", "final");
  mkdirSync(folder, { recursive: true });
  assert.equal(recipeOf(folder), undefined);
  writeFileSync(join(root, "run", "config.yaml"), "agent: {template: mini}\n");
  assert.equal(recipeOf(folder), join(root, "run", "config.yaml"));
});

test("a recipe: engine, model, agent, python and the judge; --judge replaces it; --set has the last word", () => {
  const recipe = join(root, "recipe.yaml");
  writeFileSync(
    recipe,
    "engine: {type: openai, baseUrl: http://a/v1, model: b}\nagent: {maxTurnTokens: 77}\nseed: 9\n" +
      "reward: {toolCall: 3, grader: {type: text}, judge: {baseUrl: http://j/v1, model: k, temperature: 0.3}}\n",
  );
  const { model: _, ...more } = options({ bench: "vstar", engine: recipe, set: ["agent.maxTurnTokens=78"] });
  const config = evalConfig(more, "vstar");
  assert.deepEqual([config.agent.maxTurnTokens, config.seed, config.reward.toolCall], [78, 0, 0.1]);
  assert.deepEqual([config.reward.judge?.model, config.reward.judge?.temperature], ["k", 0.3]);
  assert.equal(config.reward.grader, undefined);
  const judged = evalConfig({ ...more, judge: "http://l/v1", judgeModel: "n" }, "vstar");
  assert.deepEqual([judged.reward.judge?.baseUrl, judged.reward.judge?.model], ["http://l/v1", "n"]);
});

test("several benchmarks below one folder of data", () => {
  const pathOf = (more: Partial<EvalOptions>): string => {
    const { tasks } = evalConfig(options(more), "vstar");
    return tasks.type === "benchmark" ? tasks.path : "";
  };
  assert.equal(pathOf({ bench: "vstar", data: root }), root);
  assert.equal(pathOf({ bench: "vstar,wemath", data: root }), join(root, "vstar"));
  mkdirSync(join(root, "vstar"));
  assert.equal(pathOf({ bench: "vstar", data: root }), join(root, "vstar"));
});

test("several answers are sampled; greedy ones would be the same", () => {
  assert.equal(evalConfig(options({ bench: "vstar", repeats: 4 }), "vstar").evaluation.temperature, 0.5);
  const greedy = options({ bench: "vstar", repeats: 4, temperature: 0 });
  refuses(
    () => evalConfig(greedy, "vstar"),
    /^--repeats 4: at temperature 0 all answers to an item are the same/,
  );
});

test("own data: the whole file, and nothing that only benchmarks have", () => {
  const file = join(root, "own data.jsonl");
  writeFileSync(file, "");
  const { tasks, name } = evalConfig(options({ tasks: file }), undefined);
  assert.ok(tasks.type === "file");
  assert.deepEqual(
    [tasks.path, tasks.heldOut, tasks.brokenRows, name],
    [file, file, "counted", "eval-own-data"],
  );
  refuses(
    () => evalConfig(options({ tasks: file, profile: "official" }), undefined),
    /^--profile: goes with --bench/,
  );
  refuses(
    () => evalConfig(options({ tasks: "none.jsonl" }), undefined),
    /^--tasks: "none\.jsonl" does not exist/,
  );
});

test("controls: without media; without the tool, in one turn, videos as frames", () => {
  const config = evalConfig(options({ bench: "vsi-bench" }), "vsi-bench");
  const blind = controlConfig(config, "no-image");
  assert.deepEqual(blind, { ...config, tasks: { ...config.tasks, media: "none" } });
  const bare = controlConfig(config, "no-tool");
  assert.deepEqual(bare.agent.context, { type: "videoFrames", frames: 16, inRuntime: false });
  assert.deepEqual([bare.evaluation.maxTurns, "tool" in bare.tasks && bare.tasks.tool], [1, "none"]);
});

test("refused: what cannot be an engine, half a judge", () => {
  const { model: _, ...without } = options({ bench: "vstar" });
  refuses(() => evalConfig(without, "vstar"), /^--engine http.*: needs --model NAME/);
  refuses(() => evalConfig({ ...without, engine: "nowhere" }, "vstar"), /^--engine: "nowhere" is neither/);
  refuses(
    () => evalConfig(options({ engine: "checkpoints/image-mini/sft" }), "vstar"),
    /^--model: goes with/,
  );
  const half = options({ bench: "vstar", judge: "http://j/v1" });
  refuses(() => evalConfig(half, "vstar"), /^--judge URL and --judge-model NAME: must be given together/);
  writeFileSync(join(root, "x.json"), "{}");
  refuses(
    () => evalConfig({ ...without, engine: join(root, "x.json") }, "vstar"),
    /a file must be a YAML config/,
  );
});
