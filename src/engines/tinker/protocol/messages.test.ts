// Bodies as the official SDK 0.38 sends them, and what is wrong with others, in words.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { z } from "zod";
import {
  createModelRequest,
  createSamplingSessionRequest,
  createSessionRequest,
  finishSessionRequest,
  loadWeightsRequest,
  optimStepRequest,
  parseMessage,
  retrieveFutureRequest,
  sampleRequest,
  saveWeightsForSamplerRequest,
  saveWeightsRequest,
} from "./messages.ts";
import { ProtocolError } from "./wire.ts";

const SAMPLE = {
  num_samples: 2,
  prompt: { chunks: [{ tokens: [1, 2], type: "encoded_text" }] },
  sampling_params: { max_tokens: 3, seed: 5, stop: [500], temperature: 0.5, top_k: -1, top_p: 1 },
  sampling_session_id: "s-1:sample:0",
  seq_id: 3_000_000_001,
  prompt_logprobs: true,
  topk_prompt_logprobs: 2,
  topk_sample_logprobs: 0,
  prompt_alt_tokens_k: 0,
  record_stability_info: false,
  type: "sample",
};

test("the SDK's bodies are taken", () => {
  const sample = parseMessage(sampleRequest, SAMPLE);
  assert.deepEqual(sample.prompt, [{ type: "encoded_text", tokens: Int32Array.of(1, 2) }]);
  assert.equal(sample.seq_id, 3_000_000_001);
  assert.deepEqual(sample.sampling_params, SAMPLE.sampling_params);

  const model = parseMessage(createModelRequest, {
    session_id: "s-1",
    model_seq_id: 0,
    base_model: "/tmp/x",
    lora_config: { rank: 8, seed: 1, train_unembed: true, train_mlp: true, train_attn: true },
    optimizer_config: { type: "adamw" },
    type: "create_model",
  });
  assert.equal(model.lora_config?.rank, 8);
  const session = parseMessage(createSessionRequest, {
    tags: [],
    user_metadata: null,
    sdk_version: "0.38.0",
    type: "create_session",
  });
  assert.deepEqual([session.tags, session.user_metadata], [[], undefined]);
  const finish = parseMessage(finishSessionRequest, { reason: { type: "success" }, detail: null });
  assert.equal(finish.reason.type, "success");
  const future = parseMessage(retrieveFutureRequest, { request_id: "8", allow_metadata_only: true });
  assert.deepEqual([future.request_id, future.allow_metadata_only], ["8", true]);
});

test("what is left out has the SDK's defaults", () => {
  const body = { model_id: "m", seq_id: 2, adam_params: { learning_rate: 0.001, eps: null } };
  assert.deepEqual(parseMessage(optimStepRequest, body).adam_params, {
    learning_rate: 0.001,
    beta1: 0.9,
    beta2: 0.95,
    eps: 1e-12,
    weight_decay: 0,
    grad_clip_norm: 0,
  });
  const { num_samples, sampling_params } = parseMessage(sampleRequest, {
    prompt: SAMPLE.prompt,
    sampling_params: {},
    base_model: "m",
  });
  assert.equal(num_samples, 1);
  assert.deepEqual(
    [sampling_params.temperature, sampling_params.top_k, sampling_params.top_p, sampling_params.max_tokens],
    [1, -1, 1, undefined],
  );
});

test("a stop is one text, texts, tokens, or nothing at all", () => {
  const stopOf = (stop: unknown): unknown =>
    parseMessage(sampleRequest, { ...SAMPLE, sampling_params: { stop } }).sampling_params.stop;
  assert.deepEqual(stopOf("a"), ["a"]);
  assert.deepEqual(stopOf(["a", "b"]), ["a", "b"]);
  assert.deepEqual(stopOf([7]), [7]);
  assert.deepEqual(stopOf([]), []);
  assert.equal(stopOf(null), undefined);
});

test("a load says which model it is for", () => {
  const load = { path: "tinker://a/weights/b", optimizer: true };
  const into = (fields: object): unknown => parseMessage(loadWeightsRequest, { ...load, ...fields }).into;
  assert.deepEqual(into({ model_id: "m", seq_id: 1 }), { type: "model", model_id: "m", seq_id: 1 });
  assert.deepEqual(into({ session_id: "s", model_seq_id: 0 }), {
    type: "newModel",
    session_id: "s",
    model_seq_id: 0,
  });
});

const REFUSED: readonly [string, z.ZodType, unknown, string][] = [
  ["no object", optimStepRequest, [], "body: must be an object, received []"],
  [
    "a number for a text",
    saveWeightsRequest,
    { model_id: 7, seq_id: 1 },
    "model_id: must be text, received 7",
  ],
  ["a field too few", saveWeightsRequest, { seq_id: 1 }, "model_id: must be text, received nothing"],
  [
    "an empty text",
    saveWeightsRequest,
    { model_id: "", seq_id: 1 },
    'model_id: must not be empty, received ""',
  ],
  ["the place 0", saveWeightsRequest, { model_id: "m", seq_id: 0 }, "seq_id: must be at least 1, received 0"],
  [
    "half a place",
    saveWeightsRequest,
    { model_id: "m", seq_id: 1.5 },
    "seq_id: must be a whole number, received 1.5",
  ],
  [
    "another optimiser",
    createModelRequest,
    { session_id: "s", model_seq_id: 0, base_model: "b", optimizer_config: { type: "dimuon", version: 1 } },
    'optimizer_config.type: must be "adamw": there is no other optimiser here, received "dimuon"',
  ],
  [
    "an unknown setting of the optimiser",
    optimStepRequest,
    { model_id: "m", seq_id: 1, adam_params: { lr: 1 } },
    "adam_params.lr: is not known to this server: leave it out, received 1",
  ],
  [
    "a beta of 1",
    optimStepRequest,
    { model_id: "m", seq_id: 1, adam_params: { beta1: 1 } },
    "adam_params.beta1: must be less than 1, received 1",
  ],
  [
    "two places to save to",
    saveWeightsForSamplerRequest,
    { model_id: "m", seq_id: 1, path: "a", sampling_session_seq_id: 0 },
    'path: must be given, or else sampling_session_seq_id, but not both, received "a"',
  ],
  [
    "another kind",
    saveWeightsForSamplerRequest,
    { model_id: "m", seq_id: 1, path: "a", kind: "live" },
    'kind: must be one of "snapshot", "inflight", received "live"',
  ],
  [
    "a load for nobody",
    loadWeightsRequest,
    { path: "tinker://a/weights/b", model_id: "m" },
    'model_id: must be given with seq_id, or else session_id with model_seq_id, but not both, received "m"',
  ],
  [
    "no weights to sample from",
    createSamplingSessionRequest,
    { session_id: "s", sampling_session_seq_id: 0 },
    "base_model: must be given, or else model_path, but not both, received nothing",
  ],
  [
    "stops of two kinds",
    sampleRequest,
    { ...SAMPLE, sampling_params: { stop: ["a", 1] } },
    'sampling_params.stop: must be text, a list of texts or a list of tokens, received ["a",1]',
  ],
  [
    "an unknown sampling parameter",
    sampleRequest,
    { ...SAMPLE, sampling_params: { min_p: 0.1 } },
    "sampling_params.min_p: is not known to this server: leave it out, received 0.1",
  ],
  [
    "two sources of randomness",
    sampleRequest,
    { ...SAMPLE, sampling_params: { seed: 1, random_state: [1, 2, 3, 4] } },
    "sampling_params.seed: must be left out where random_state is given, received 1",
  ],
  [
    "a short random state",
    sampleRequest,
    { ...SAMPLE, sampling_params: { random_state: [1, 2, 3] } },
    "sampling_params.random_state: must be four whole numbers below 2^32, received [1,2,3]",
  ],
  [
    "a random state of 33 bits",
    sampleRequest,
    { ...SAMPLE, sampling_params: { random_state: [1, 2, 3, 4294967296] } },
    "sampling_params.random_state[3]: must be at most 4294967295, received 4294967296",
  ],
  [
    "likeliest tokens of the reply",
    sampleRequest,
    { ...SAMPLE, topk_sample_logprobs: 3 },
    "topk_sample_logprobs: must be 0: this server has nothing else, received 3",
  ],
  [
    "an empty chunk",
    sampleRequest,
    { ...SAMPLE, prompt: { chunks: [{ type: "encoded_text", tokens: [] }] } },
    "prompt.chunks[0].tokens: must hold at least one token",
  ],
  [
    "a picture by address",
    sampleRequest,
    { ...SAMPLE, prompt: { chunks: [{ type: "image_asset_pointer", format: "png", location: "x" }] } },
    'prompt.chunks[0].type: must be "encoded_text" or "image"; pictures by address and sound cannot be read, ' +
      'received "image_asset_pointer"',
  ],
  [
    "two sources of weights",
    sampleRequest,
    { ...SAMPLE, model_path: "tinker://a/weights/b" },
    'sampling_session_id: must be given, or else base_model, or else model_path, received "s-1:sample:0"',
  ],
];

for (const [what, schema, body, message] of REFUSED)
  test(`refused: ${what}`, () => {
    assert.throws(
      () => parseMessage(schema, body),
      (error) => error instanceof ProtocolError && assert.equal(error.message, message) === undefined,
    );
  });
