import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ConfigError } from "../../core/errors.ts";
import { askConfig, readRequest } from "./request.ts";

const exists = (path: string): boolean => path === "a b.png";
const refuses = (run: () => unknown, message: RegExp): void =>
  assert.throws(run, (error) => error instanceof ConfigError && message.test(error.message));

test("the question, wherever it stands", () => {
  const images = ["a.png", "b.png"];
  const read = { question: "What?", images, videos: [] };
  assert.deepEqual(readRequest("What?", { image: images }, exists), read);
  assert.deepEqual(readRequest(undefined, { image: [...images, "What?"] }, exists), read);
  assert.deepEqual(readRequest(undefined, { video: ["a.mp4", "Say what you see"] }, exists), {
    question: "Say what you see",
    images: [],
    videos: ["a.mp4"],
  });
  // With a question, every file is a file; without one, a file that is there is none, nor is one misspelt.
  assert.deepEqual(readRequest("What?", { image: ["it is?"] }, exists).images, ["it is?"]);
  refuses(() => readRequest(undefined, { image: ["a.png", "a b.png"] }, exists), /^ask: needs a question/);
  refuses(() => readRequest(undefined, { image: ["a.pgn"] }, exists), /^ask: needs a question/);
  refuses(() => readRequest(" ", { image: images }, exists), /^ask: needs a question/);
  refuses(() => readRequest(undefined, { image: ["What?"] }, exists), /^ask: needs --image FILE or --video/);
  refuses(() => readRequest("What?", {}, exists), /^ask: needs --image FILE or --video/);
});

const dir = mkdtempSync(join(tmpdir(), "ask-config-"));
after(() => rmSync(dir, { recursive: true }));
const recipe = join(dir, "own.yaml");
const served =
  "engine: {type: openai, baseUrl: 'http://a/v1', model: m, dialect: vllm}\nagent: {maxTurns: 3}\n";
writeFileSync(recipe, served);

test("by default the carried checkpoint by its own recipe", () => {
  const config = askConfig({});
  assert.deepEqual(
    [config.engine.type, config.model.init, config.agent.template, config.agent.maxContextTokens],
    ["embedded", "checkpoints/image-mini/sft", "mini", 512],
  );
  const own = askConfig({ checkpoint: "runs/x: y", set: ["agent.maxTurns=9"] });
  assert.deepEqual([own.model.init, own.agent.maxTurns], ["runs/x: y", 9]);
});

test("an address or a model is a server's, which is asked with the full template", () => {
  const flags = { baseUrl: "http://127.0.0.1:1/v1", model: "q", keyVariable: "KEY" };
  const { engine, agent } = askConfig({ ...flags, set: ["engine.dialect=sglang"] });
  assert.ok(engine.type === "openai");
  assert.deepEqual(
    [engine.baseUrl, engine.model, engine.apiKeyVariable, engine.dialect, agent.template, agent.maxTurns],
    ["http://127.0.0.1:1/v1", "q", "KEY", "sglang", "standard", 30],
  );
});

test("flags go over a recipe of one's own; another address takes nothing of its server", () => {
  const engineOf = (flags: Parameters<typeof askConfig>[0]) => {
    const { engine, agent } = askConfig({ config: recipe, ...flags });
    return [
      agent.maxTurns,
      ...(engine.type === "openai" ? [engine.baseUrl, engine.model, engine.dialect] : []),
    ];
  };
  assert.deepEqual(engineOf({}), [3, "http://a/v1", "m", "vllm"]);
  assert.deepEqual(engineOf({ model: "n" }), [3, "http://a/v1", "n", "vllm"]);
  assert.deepEqual(engineOf({ baseUrl: "http://b/v1", model: "n" }), [3, "http://b/v1", "n", "openai"]);
  assert.deepEqual(engineOf({ engine: "embedded", checkpoint: "x" }), [3]);
});

test("what contradicts itself or misses a part is refused with the remedy", () => {
  refuses(() => askConfig({ engine: "openai", model: "m" }), /engine\.baseUrl/);
  refuses(() => askConfig({ baseUrl: "http://a/v1" }), /engine\.model/);
  refuses(
    () => askConfig({ checkpoint: "x", model: "m" }),
    /^--checkpoint: is for the embedded engine, and --model/,
  );
  refuses(
    () => askConfig({ checkpoint: "x", engine: "openai" }),
    /and --engine openai for a server; give one/,
  );
  refuses(
    () => askConfig({ engine: "embedded", baseUrl: "http://a" }),
    /^--base-url: is for a server, and --engine/,
  );
  refuses(
    () => askConfig({ config: recipe, checkpoint: "x" }),
    /^--checkpoint: .*own\.yaml asks a server; add/,
  );
});
