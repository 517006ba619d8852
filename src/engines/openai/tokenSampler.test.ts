// Turns by token ids from scripted servers that speak as vLLM and SGLang do: when they are fit for training, and why not.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { randomStream } from "../../core/random.ts";
import type { Segment } from "../../core/trajectory.ts";
import { createCodec } from "../../models/qwen2_5_vl/codec.ts";
import { smallTokenizer } from "../../models/qwen2_5_vl/testFixtures.ts";
import type { SampleResult } from "../engine.ts";
import type { Dialect } from "./chatBody.ts";
import { openAiClient, systemClock } from "./client.ts";
import { json, says, type StubAnswer, stubServer, type StubServer } from "./stubServer.ts";
import { tokenSampler } from "./tokenSampler.ts";

const codec = createCodec(smallTokenizer(), { minPixels: 784, maxPixels: 12_544 });
const view = codec.viewImage({ width: 56, height: 28, data: new Uint8Array(56 * 28 * 3) }); // 2 tokens
const before = codec.encodeTemplate("<|im_start|>user\n<|vision_start|>");
const behind = codec.encodeTemplate("<|vision_end|>Which?<|im_end|>\n<|im_start|>assistant\n");
const PAD = codec.imagePadId;
const prompt: Segment[] = [
  { type: "text", source: "prompt", tokens: before },
  { type: "image", source: "prompt", image: view },
  { type: "text", source: "prompt", tokens: behind },
];
const promptIds = [...before, PAD, PAD, ...behind];
const reply = codec.encodeTemplate("<code>x</code>");
const logprobs = reply.map((_, i) => -(i + 1) / 8);

const servers: StubServer[] = [];
after(() => Promise.all(servers.map((server) => server.close())));

async function sampleFrom(
  dialect: Dialect,
  script: readonly StubAnswer[],
  { segments = prompt, temperature = 1, onText = undefined as ((text: string) => void) | undefined } = {},
): Promise<{ result: SampleResult; server: StubServer }> {
  const server = await stubServer(...script);
  servers.push(server);
  const clock = { ...systemClock, sleep: async () => undefined };
  const client = openAiClient({ baseUrl: server.baseUrl, model: "m", dialect, env: {}, clock });
  const [result] = await tokenSampler(client, codec).sample([
    {
      sequenceId: "s",
      segments,
      params: { maxNewTokens: 30, temperature, topP: 1, topK: 0, stopStrings: ["</code>"] },
      random: randomStream(0),
      ...(onText !== undefined && { onText }),
    },
  ]);
  return { result: result ?? assert.fail(), server };
}

const vllm = (prompt_token_ids: readonly number[], choice: object = {}): StubAnswer =>
  says(
    "<code>x</code>",
    { token_ids: reply, logprobs: { content: logprobs.map((logprob) => ({ logprob })) }, ...choice },
    { prompt_token_ids },
  );

test("vLLM: ids and log-probabilities as they were sampled, on the prompt that is ours token for token", async () => {
  const { result, server } = await sampleFrom("vllm", [vllm(promptIds)]);
  assert.deepEqual([result.tokens, result.logprobs, result.stop], [reply, logprobs, "stop"]);
  assert.equal(result.unfit, undefined);
  assert.equal(result.served?.promptTokens, 7);
  assert.equal(server.requests[0]?.body["return_token_ids"], true);
});

test("vLLM: another prompt than ours, or no ids, is unfit and says why", async () => {
  const other = promptIds.with(3, 999);
  const cases: readonly (readonly [StubAnswer, RegExp])[] = [
    [
      vllm(other),
      new RegExp(`another prompt: token 3 of ${promptIds.length} is ${promptIds[3]} here and 999 there`),
    ],
    [vllm([...before, PAD, ...behind]), /another prompt: token \d+ .* is \d+ here/],
    [
      vllm([...promptIds, 1]),
      new RegExp(`prompt of ${promptIds.length + 1} tokens, ours has ${promptIds.length}`),
    ],
    [vllm(promptIds, { token_ids: undefined }), /no token ids/],
    [vllm(promptIds, { logprobs: null }), /no token ids with log-probabilities/],
  ];
  for (const [answer, expected] of cases) {
    const { result } = await sampleFrom("vllm", [answer]);
    assert.match(result.unfit ?? "", expected);
    assert.equal(codec.decode(result.tokens), "<code>x</code>");
  }
});

const generated = (meta: object = {}): StubAnswer =>
  json({
    text: "<code>x</code>",
    meta_info: {
      finish_reason: { type: "stop", matched: "</code>" },
      prompt_tokens: promptIds.length,
      completion_tokens: reply.length,
      output_token_logprobs: reply.map((id, i) => [logprobs[i], id, null]),
      ...meta,
    },
  });

test("SGLang: asked by ids at its own address, one placeholder an image", async () => {
  const told: string[] = [];
  const { result, server } = await sampleFrom("sglang", [generated()], { onText: (text) => told.push(text) });
  assert.deepEqual([result.tokens, result.logprobs, result.stop], [reply, logprobs, "stop"]);
  assert.equal(result.unfit, undefined);
  assert.deepEqual([result.served?.promptTokens, result.served?.model], [promptIds.length, "m"]);
  assert.deepEqual(told, ["<code>x</code>"]);
  const { path, body } = server.requests[0] ?? assert.fail();
  assert.equal(path, "POST /generate");
  assert.deepEqual(body["input_ids"], [...before, PAD, ...behind]);
  assert.match(String((body["image_data"] as unknown[])[0]), /^data:image\/png;base64,iVBOR/);
  assert.deepEqual(body["sampling_params"], {
    max_new_tokens: 30,
    temperature: 1,
    top_p: 1,
    top_k: -1,
    stop: ["</code>"],
    no_stop_trim: true,
    skip_special_tokens: false,
    spaces_between_special_tokens: false,
  });
  assert.equal(body["return_logprob"], true);
});

test("SGLang: another count, another temperature, or a prompt that comes out as other tokens is unfit", async () => {
  const counted = await sampleFrom("sglang", [generated({ prompt_tokens: 4 })]);
  assert.match(counted.result.unfit ?? "", new RegExp(`prompt of 4 tokens, ours has ${promptIds.length}`));
  const warm = await sampleFrom("sglang", [generated()], { temperature: 0.5 });
  assert.match(warm.result.unfit ?? "", /after temperature \(0\.5\)/);

  // What a tool printed looks like a mark: plain text here, a control token once the server encodes the text anew.
  const printed = codec.encodeText("<|im_end|>");
  const forged: Segment[] = [
    ...prompt.slice(0, 2),
    {
      type: "text",
      source: "prompt",
      tokens: [...codec.encodeTemplate("<|vision_end|>"), ...printed, ...behind],
    },
  ];
  const length = before.length + 2 + 1 + printed.length + behind.length;
  const anew = await sampleFrom("sglang", [generated({ prompt_tokens: length })], { segments: forged });
  assert.match(anew.result.unfit ?? "", /comes out as other tokens/);
  const text: Segment[] = [{ type: "text", source: "prompt", tokens: [...printed, ...behind] }];
  const alone = await sampleFrom("sglang", [generated({ prompt_tokens: printed.length + behind.length })], {
    segments: text,
  });
  assert.equal(alone.result.unfit, undefined, "without images ids are taken as they are");
});

test("SGLang: what cannot be read or was given up is asked for again", async () => {
  const aborted = generated({ finish_reason: { type: "abort", message: "memory" } });
  const { result, server } = await sampleFrom("sglang", [
    json({ text: "no meta_info" }),
    aborted,
    json({ error: { message: "busy" } }, 503),
    generated({ finish_reason: { type: "length", length: 30 } }),
  ]);
  assert.deepEqual([result.stop, result.served?.attempts, server.requests.length], ["length", 4, 4]);
});
