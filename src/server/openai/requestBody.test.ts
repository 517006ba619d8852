import assert from "node:assert/strict";
import { test } from "node:test";
import { parseChatCall } from "./requestBody.ts";
import { RequestError } from "./requestError.ts";

const least = { model: "m", messages: [{ role: "user", content: "Hi" }] };

test("what is left out has the protocol's defaults", () => {
  assert.deepEqual(parseChatCall(least), {
    model: "m",
    messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }],
    maxTokens: undefined,
    temperature: 1,
    topP: 1,
    topK: 0,
    seed: undefined,
    stop: [],
    includeStop: false,
    logprobs: false,
    returnTokenIds: false,
    stream: false,
    streamUsage: false,
  });
});

test("every field is read, vLLM's as well", () => {
  const url = "data:image/png;base64,AAAA";
  const call = parseChatCall({
    model: "m",
    messages: [
      { role: "developer", content: "S" },
      {
        role: "user",
        content: [
          { type: "text", text: "a" },
          { type: "image_url", image_url: { url, detail: "high" } },
        ],
      },
      { role: "assistant", content: [{ type: "text", text: "b" }] },
    ],
    max_tokens: 5,
    max_completion_tokens: 7,
    temperature: 0,
    top_p: 0.5,
    top_k: 20,
    seed: -3,
    stop: "</code>",
    include_stop_str_in_output: true,
    logprobs: true,
    top_logprobs: 0,
    return_token_ids: true,
    stream: true,
    stream_options: { include_usage: true },
  });
  assert.deepEqual(call, {
    model: "m",
    messages: [
      { role: "system", content: [{ type: "text", text: "S" }] },
      {
        role: "user",
        content: [
          { type: "text", text: "a" },
          { type: "image_url", image_url: { url, detail: "high" } },
        ],
      },
      { role: "assistant", content: [{ type: "text", text: "b" }] },
    ],
    maxTokens: 7,
    temperature: 0,
    topP: 0.5,
    topK: 20,
    seed: -3,
    stop: ["</code>"],
    includeStop: true,
    logprobs: true,
    returnTokenIds: true,
    stream: true,
    streamUsage: true,
  });
});

test("a reply's own message, nulls, neutral values and a provider's bookkeeping may be sent", () => {
  const call = parseChatCall({
    ...least,
    messages: [
      ...least.messages,
      { role: "assistant", content: "Yes", refusal: null, tool_calls: [], annotations: [], audio: null },
      { role: "user", content: "", name: "Ann" },
    ],
    n: 1,
    presence_penalty: 0,
    frequency_penalty: 0,
    repetition_penalty: 1,
    logit_bias: {},
    tools: null,
    stop: null,
    top_k: -1,
    response_format: { type: "text" },
    user: "u",
    metadata: { a: "b" },
    store: false,
  });
  assert.equal(call.messages.length, 3);
  assert.deepEqual([call.stop, call.topK], [[], 0]);
});

const user = (content: unknown): object => ({ messages: [{ role: "user", content }] });

for (const [name, change, param, rule] of [
  ["no model", { model: undefined }, "model", /must name the model; .*; got nothing$/],
  ["no messages", { messages: [] }, "messages", /must hold at least one message; got \[\]$/],
  ["messages as text", { messages: "Hi" }, "messages", /must be a list of messages; got "Hi"$/],
  [
    "another role",
    { messages: [{ role: "tool", content: "x" }] },
    "messages[0].role",
    /role "system", "developer"/,
  ],
  ["no content", { messages: [{ role: "assistant", content: null }] }, "messages[0].content", /must be a string or a list/], // prettier-ignore
  ["another part", user([{ type: "video_url", video_url: { url: "x" } }]), "messages[0].content[0].type", /"text" or "image_url"/], // prettier-ignore
  ["a picture of the assistant", { messages: [{ role: "assistant", content: [{ type: "image_url", image_url: { url: "x" } }] }] }, "messages[0].content[0].type", /text/], // prettier-ignore
  ["max_tokens 0", { max_tokens: 0 }, "max_tokens", /must be at least 1; got 0$/],
  ["half a token", { max_tokens: 1.5 }, "max_tokens", /must be a whole number; got 1.5$/],
  ["a negative temperature", { temperature: -1 }, "temperature", /must be at least 0; got -1$/],
  ["top_p 0", { top_p: 0 }, "top_p", /must be more than 0; got 0$/],
  ["an empty stop string", { stop: [""] }, "stop[0]", /must not be empty; got ""$/],
  ["17 stop strings", { stop: Array(17).fill("x") }, "stop", /must hold at most 16 strings/],
  ["two replies", { n: 2 }, "n", /must be 1: this server has nothing else; got 2$/],
  [
    "alternatives",
    { logprobs: true, top_logprobs: 5 },
    "top_logprobs",
    /must be 0: this server has nothing else/,
  ],
  ["a penalty", { presence_penalty: 0.5 }, "presence_penalty", /must be 0/],
  [
    "constrained output",
    { response_format: { type: "json_object" } },
    "response_format.type",
    /must be "text"/,
  ],
  ["tools", { tools: [{ type: "function" }] }, "tools", /is not supported by this server: leave it out/],
  ["an unknown field", { best_of: 3 }, "best_of", /is not supported by this server: leave it out; got 3$/],
  ["an unknown field of a message", { messages: [{ role: "user", content: "x", cache: 1 }] }, "messages[0].cache", /not supported/], // prettier-ignore
] as const)
  test(`refused by name: ${name}`, () => {
    assert.throws(
      () => parseChatCall({ ...least, ...change }),
      (error: unknown) => {
        assert.ok(error instanceof RequestError);
        const { message, ...rest } = error.body.error;
        assert.equal(error.status, 400);
        assert.match(message, rule);
        assert.ok(message.startsWith(`${param}: `), message);
        const unsupported = /not supported by this/.test(message);
        assert.deepEqual(rest, {
          type: "invalid_request_error",
          param,
          code: unsupported ? "unsupported_parameter" : null,
        });
        return true;
      },
    );
  });

test("a body that is no object is refused, and long values are shown cut", () => {
  assert.throws(() => parseChatCall([1]), /the body must be a JSON object/);
  assert.throws(
    () => parseChatCall({ ...least, n: "x".repeat(1000) }),
    (error: Error) => error.message.length < 200,
  );
});
