import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "../core/errors.ts";
import type { GraderOptions } from "../rewards/rules/choose.ts";
import { parseConfig } from "./config.ts";

const rewardOf = (text: string) => parseConfig(`reward: ${text}`, "a.yaml").reward;

function messageOf(text: string): string {
  try {
    rewardOf(text);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
  return assert.fail("no error");
}

test("graders come with the settings their room wants", () => {
  const graders: readonly (readonly [string, GraderOptions])[] = [
    ["{type: auto}", { type: "auto" }],
    ["{type: choice}", { type: "choice" }],
    ["{type: number}", { type: "number", relativeTolerance: 0, absoluteTolerance: 0, units: "convert" }],
    ["{type: mathematics, decimals: 2}", { type: "mathematics", decimals: 2 }],
    ["{type: meanRelativeAccuracy}", { type: "meanRelativeAccuracy", least: 0.5 }],
    [
      "{type: byKind, kinds: {ocr: {type: exact}}}",
      { type: "byKind", kinds: { ocr: { type: "exact" } }, otherwise: { type: "auto" } },
    ],
  ];
  for (const [text, expected] of graders) assert.deepEqual(rewardOf(`{grader: ${text}}`).grader, expected);
  assert.equal(rewardOf("{toolCall: 0}").grader, undefined);
});

test("a judge needs an address and a model; the rest has defaults, the budget none", () => {
  assert.deepEqual(rewardOf("{judge: {baseUrl: 'http://127.0.0.1:8000/v1', model: m}}").judge, {
    baseUrl: "http://127.0.0.1:8000/v1",
    model: "m",
    apiKeyVariable: "OPENAI_API_KEY",
    prompt: "auto",
    prompts: {},
    temperature: 0,
    seed: 0,
    maxTokens: 64,
    maxConcurrent: 8,
    requestTimeoutSeconds: 30,
    deadlineSeconds: 120,
    maxRetries: 4,
    cache: "runs/.judge-cache",
    maxFailedShare: 0.5,
  });
  assert.match(messageOf("{judge: {model: m}}"), /reward\.judge\.baseUrl/);
  assert.match(messageOf("{judge: {baseUrl: 'ftp://x/v1', model: m}}"), /reward\.judge\.baseUrl/);
  assert.match(
    messageOf("{judge: {baseUrl: 'http://x/v1', model: m, apiKeyVariable: sk-123}}"),
    /environment variable/,
  );
});

test("what is out of bounds or unknown is named", () => {
  assert.match(messageOf("{grader: {type: numbr}}"), /reward\.grader/);
  assert.match(messageOf("{grader: {type: number, tolerance: 1}}"), /tolerance/);
  assert.match(messageOf("{grader: {type: meanRelativeAccuracy, least: 0}}"), /reward\.grader\.least/);
  assert.match(messageOf("{judge: {baseUrl: 'http://x/v1', model: m, maxFailedShare: 2}}"), /maxFailedShare/);
  assert.match(
    messageOf("{grader: {type: byKind, kinds: {a: {type: byKind, kinds: {}}}}}"),
    /reward\.grader/,
  );
});
