import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "./config.ts";

const served = (more: string): string =>
  `engine: {type: openai, baseUrl: "http://127.0.0.1:8000/v1", model: m${more}}`;

function messageOf(yaml: string): string {
  try {
    parseConfig(yaml, "a.yaml");
  } catch (error) {
    return (error as Error).message;
  }
  assert.fail(`accepted: ${yaml}`);
}

test("a served model needs an address and a name; the rest has defaults", () => {
  assert.deepEqual(parseConfig(served(""), "a.yaml").engine, {
    type: "openai",
    baseUrl: "http://127.0.0.1:8000/v1",
    model: "m",
    dialect: "openai",
    apiKeyVariable: "OPENAI_API_KEY",
    requestTimeoutSeconds: 280,
    maxRetries: 5,
    maxConcurrent: 16,
  });
  assert.equal(parseConfig("engine: {threads: 2}", "a.yaml").engine.type, "embedded");
  assert.match(
    messageOf("engine: {type: openai, model: m}"),
    /engine\.baseUrl is missing: it must be a string/,
  );
});

test("a Tinker server of this machine needs no more than the word; what the recipe said of its own engine is forgotten", () => {
  const recipe = "engine: {type: embedded, threads: 2}";
  assert.deepEqual(parseConfig(recipe, "a.yaml", ["engine.type=tinker"]).engine, {
    type: "tinker",
    baseUrl: "http://127.0.0.1:8400",
    dialect: "pyvision",
    rank: 32,
    apiKeyVariable: "TINKER_API_KEY",
    pollTimeoutSeconds: 45,
    deadlineSeconds: 3600,
    maxConcurrent: 400,
  });
  const both = parseConfig(recipe, "a.yaml", ["engine.rank=8", "engine.type=tinker", "engine.dialect=skyrl"]);
  assert.ok(both.engine.type === "tinker");
  assert.deepEqual([both.engine.rank, both.engine.dialect], [8, "skyrl"]);
  assert.deepEqual(parseConfig(recipe, "a.yaml", ["engine.type=embedded"]).engine, {
    type: "embedded",
    threads: 2,
  });
  assert.throws(
    () => parseConfig(recipe, "a.yaml", ["engine.type=tinkr"]),
    /--set engine\.type=tinkr: engine\.type must be one of "embedded", "openai", "tinker", received "tinkr"; nearest valid value: "tinker"/,
  );
});

test("what would leak a key or ask for what a server cannot give is refused", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      served(", apiKeyVariable: sk-123"),
      /engine\.apiKeyVariable must be the name of an environment variable/,
    ],
    [
      "engine: {type: openai, model: m, baseUrl: ftp://h/v1}",
      /engine\.baseUrl must be an address that begins/,
    ],
    ["engine: {type: openai, model: m, baseUrl: 'http://u:p@h/v1'}", /engine\.baseUrl must not hold a user/],
    [
      served(", tokenizer: dir"),
      /engine\.tokenizer must be left out unless engine\.dialect is vllm or sglang/,
    ],
    [
      served(", dialect: vlm"),
      /one of "openai", "vllm", "sglang", received "vlm"; nearest valid value: "vllm"/,
    ],
    [served(", requestTimeoutSeconds: 0"), /engine\.requestTimeoutSeconds must be above 0/],
    [served(", retries: 3"), /unknown key engine\.retries .*maxRetries/],
    ["engine: {type: tinker, baseUrl: h}", /engine\.baseUrl must be an address that begins/],
    ["engine: {type: tinker, baseUrl: 'http://u:p@h'}", /engine\.baseUrl must not hold a user/],
    ["engine: {type: tinker, apiKeyVariable: tml-1}", /engine\.apiKeyVariable must be the name of an env/],
    [
      "engine: {type: tinker, dialect: skyRL}",
      /one of "pyvision", "skyrl", "hosted", received "skyRL"; nearest valid value: "skyrl"/,
    ],
    [
      "engine: {type: tinker, dialect: skyrl, rank: 0}",
      /engine\.rank must be at least 1 here: only SkyRL's fsdp/,
    ],
    [
      "engine: {type: tinker, backend: fsdp}",
      /engine\.backend must be left out unless engine\.dialect is skyrl/,
    ],
    ["engine: {type: tinker, wire: xml}", /engine\.wire must be one of "json", "protobuf"/],
  ];
  for (const [yaml, expected] of cases) assert.match(messageOf(yaml), expected);
  assert.equal(
    parseConfig(served(", dialect: sglang, tokenizer: dir"), "a.yaml").engine.type,
    "openai",
    "both that give ids take one",
  );
});
