// What a stage asks of a Tinker server, from the recipe and the folder it begins with.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { ConfigError, DataError } from "../../core/errors.ts";
import { silentReporter } from "../../core/reporter.ts";
import { parseConfig } from "../../runs/config.ts";
import type { TinkerConfig } from "../../runs/engineSchema.ts";
import { openEngine } from "./openEngine.ts";
import { tinkerStart } from "./tinkerStart.ts";
import { engineRecord, ownEngine, trainingEngine } from "./trainingEngine.ts";

const root = mkdtempSync(join(tmpdir(), "tinker-start-"));
after(() => rmSync(root, { recursive: true }));

const CARRIED = "checkpoints/image-mini/sft";
const carried = resolve(CARRIED);

function engine(...sets: string[]): TinkerConfig {
  const section = parseConfig("", "a.yaml", ["engine.type=tinker", ...sets]).engine;
  assert.ok(section.type === "tinker");
  return section;
}

/** A folder that says where on a server its weights are. */
function kept(name: string, changed: object = {}, ...files: string[]): string {
  const dir = join(root, name);
  mkdirSync(dir);
  const content = {
    path: "tinker://run/weights/final-3",
    baseUrl: "http://127.0.0.1:8400",
    baseModel: CARRIED,
    dialect: "pyvision",
    rank: 32,
    ...changed,
  };
  writeFileSync(join(dir, "tinker.json"), JSON.stringify(content));
  for (const file of files) writeFileSync(join(dir, file), "{}");
  return dir;
}

test("a checkpoint's path as it is written is the model's name on the server, its tokenizer the one of the folder", async () => {
  assert.deepEqual(await tinkerStart(engine(), CARRIED, "model.init"), {
    baseModel: CARRIED,
    tokenizer: carried,
    warnings: [],
  });
});

test("another model of the server takes only the tokenizer of the folder, and that is said", async () => {
  const { warnings, ...start } = await tinkerStart(engine("engine.baseModel=Qwen/X"), CARRIED, "model.init");
  assert.deepEqual(start, { baseModel: "Qwen/X", tokenizer: carried });
  assert.deepEqual(warnings, [
    `model.init: the weights of ${carried} take no part, since engine.baseModel is "Qwen/X"`,
  ]);
});

test("without a folder both name and tokenizer must be given", async () => {
  const both = engine("engine.baseModel=m", `engine.tokenizer=${CARRIED}`);
  assert.deepEqual(await tinkerStart(both, undefined, "model.init"), {
    baseModel: "m",
    tokenizer: carried,
    warnings: [],
  });
  await assert.rejects(
    tinkerStart(engine("engine.baseModel=m"), undefined, "sft.init"),
    (error) =>
      error instanceof ConfigError && /^sft\.init: must name .*engine\.tokenizer$/.test(error.message),
  );
});

test("tinker.json names the checkpoint on the server, and the tokenizer is its own, or that of the model it names", async () => {
  const bare = kept("bare");
  assert.deepEqual(await tinkerStart(engine(), bare, "model.init"), {
    baseModel: CARRIED,
    tokenizer: carried,
    path: "tinker://run/weights/final-3",
    warnings: [],
  });
  const whole = kept("whole", {}, "tokenizer.json");
  assert.equal((await tinkerStart(engine(), whole, "model.init")).tokenizer, whole);
  const named = await tinkerStart(engine(`engine.tokenizer=${CARRIED}`), whole, "model.init");
  assert.equal(named.tokenizer, carried);
});

test("what does not fit the weights in tinker.json is refused, and a server that moved is told", async () => {
  const ours = kept("ours", { rank: 8 });
  const moved = await tinkerStart(engine("engine.baseUrl=http://127.0.0.1:8401"), ours, "model.init");
  assert.deepEqual(moved.warnings, [
    "model.init: tinker://run/weights/final-3 was saved on http://127.0.0.1:8400, and is now asked of http://127.0.0.1:8401",
  ]);
  const theirs = kept("theirs", { dialect: "skyrl", rank: 8 });
  const cases: readonly (readonly [string[], string, RegExp])[] = [
    [[], theirs, /^engine\.dialect: must be "skyrl", .*received "pyvision"; set engine\.dialect=skyrl$/],
    [["engine.dialect=skyrl"], theirs, /^engine\.rank: must be 8, .*received 32; set engine\.rank=8$/],
    [["engine.baseModel=m"], ours, /^engine\.baseModel: must be "checkpoints\/image-mini\/sft", .*"m"/],
    [[], kept("lost", { baseModel: "Qwen/X" }), /^engine\.tokenizer: must name a folder .*"Qwen\/X"/],
  ];
  for (const [sets, dir, message] of cases)
    await assert.rejects(tinkerStart(engine(...sets), dir, "model.init"), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, message);
      return true;
    });
  const broken = kept("broken", { path: "weights" });
  await assert.rejects(tinkerStart(engine(), broken, "model.init"), DataError);
});

test("the embedded engine says where the weights are that a folder lacks", async () => {
  const embedded = { type: "embedded", threads: 1 } as const;
  await assert.rejects(
    openEngine(embedded, {}, kept("remote"), "model.init", silentReporter),
    /^ConfigError: model\.init: \S+ has no weights, but says in tinker\.json .*set engine\.type=tinker$/,
  );
});

test("who trains, who begins a model, and what a summary says of it", () => {
  const config = { engine: engine("engine.dialect=hosted", "engine.baseUrl=https://h") };
  assert.equal(trainingEngine(config, "train"), config.engine);
  assert.throws(
    () => ownEngine(config, "pretrain"),
    /^ConfigError: engine\.type: must be "embedded" for pretrain, .*received "tinker"; set engine\.type=embedded$/,
  );
  assert.deepEqual(engineRecord(config), { type: "tinker", baseUrl: "https://h", dialect: "hosted" });
  assert.deepEqual(engineRecord(parseConfig("", "a.yaml")), { type: "embedded" });
});
