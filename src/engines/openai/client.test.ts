// The client against a scripted server in this process: what goes out, what comes back, what it refuses and never tells.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "../../core/errors.ts";
import { deadPort } from "../../core/testPorts.ts";
import { openAiClient, type OpenAiOptions } from "./client.ts";
import { clientOf, failureOf, KEY, question, serve } from "./clientHarness.ts";
import { ContextLengthError } from "./contextLength.ts";
import { json, piece, says, streams, type StubAnswer } from "./stubServer.ts";

test("a request goes out as the protocol spells it, and its reply comes back with the server's counts", async () => {
  const server = await serve(says("It is red."));
  const reply = await clientOf(server).client.complete(question);
  assert.deepEqual(server.requests[0]?.body, {
    model: "m",
    messages: [
      { role: "system", content: "Be brief." },
      {
        role: "user",
        content: [
          { type: "text", text: "What is " },
          { type: "image_url", image_url: { url: "data:image/png;base64,AQL/" } },
        ],
      },
    ],
    max_tokens: 9,
    temperature: 0.5,
    top_p: 0.9,
    stop: ["</code>", "</answer>"],
    seed: 7,
  });
  assert.equal(server.requests[0]?.path, "POST /v1/chat/completions");
  assert.equal(server.requests[0]?.headers.authorization, `Bearer ${KEY}`);
  const { seconds, ...rest } = reply;
  assert.deepEqual(rest, {
    text: "It is red.",
    stop: "stop",
    usage: { promptTokens: 7, replyTokens: 3 },
    tokens: undefined,
    model: "served",
    attempts: 1,
  });
  assert.ok(seconds > 0 && seconds < 30);
});

test("vLLM and SGLang are asked for what they add; where vLLM gives all of it, tokens come with log-probabilities", async () => {
  const ids = {
    token_ids: [5, 6],
    logprobs: {
      content: [
        { token: "a", logprob: -0.25 },
        { token: "b", logprob: -1 },
      ],
    },
  };
  const server = await serve(
    says("ab", ids, { prompt_token_ids: [1, 2, 3] }),
    says("ab", { ...ids, token_ids: [5] }, { prompt_token_ids: [1, 2, 3] }),
    says("ab"),
  );
  const vllm = clientOf(server, { dialect: "vllm" }).client;
  const asked = { ...question, tokens: true };
  assert.deepEqual((await vllm.complete(asked)).tokens, {
    prompt: [1, 2, 3],
    reply: [5, 6],
    logprobs: [-0.25, -1],
  });
  assert.equal((await vllm.complete(asked)).tokens, undefined, "one id and two log-probabilities");
  await clientOf(server, { dialect: "sglang" }).client.complete(question);
  const added = server.requests.map(({ body }) =>
    Object.fromEntries(
      [
        ...["top_k", "include_stop_str_in_output", "return_token_ids", "logprobs", "no_stop_trim"],
        ...["repetition_penalty", "min_p", "presence_penalty", "frequency_penalty"],
      ].map((name) => [name, body[name]]),
    ),
  );
  // Servers fill in what is left out from the checkpoint's own settings.
  const plain = { repetition_penalty: 1, min_p: 0, presence_penalty: 0, frequency_penalty: 0 };
  const nothing = { ...plain, no_stop_trim: undefined, include_stop_str_in_output: undefined };
  const vllmAdds = { include_stop_str_in_output: true, return_token_ids: true, logprobs: true };
  assert.deepEqual(added[0], { ...nothing, ...vllmAdds, top_k: 20 });
  assert.deepEqual(added[2], {
    ...nothing,
    top_k: 20,
    no_stop_trim: true,
    return_token_ids: undefined,
    logprobs: undefined,
  });
});

test("a stream is told piece by piece, and its whole is the same reply", async () => {
  const server = await serve(
    streams([
      piece("<co", {}, { prompt_token_ids: [1] }),
      piece("de>x</", { token_ids: [5], logprobs: { content: [{ logprob: -0.5 }] } }),
      piece("code> and on", { token_ids: [6], logprobs: { content: [{ logprob: -0.75 }] } }),
      piece(undefined, { finish_reason: "stop" }),
      { choices: [], usage: { prompt_tokens: 4, completion_tokens: 2 } },
    ]),
  );
  const told: string[] = [];
  const reply = await clientOf(server).client.complete({ ...question, onText: (text) => told.push(text) });
  assert.deepEqual(told, ["<co", "de>x</", "code>"]);
  assert.equal(reply.text, "<code>x</code>");
  assert.deepEqual(reply.usage, { promptTokens: 4, replyTokens: 2 });
  assert.deepEqual(reply.tokens, { prompt: [1], reply: [5, 6], logprobs: [-0.5, -0.75] });
  assert.equal(server.requests[0]?.body["stream"], true);
  assert.deepEqual(server.requests[0]?.body["stream_options"], { include_usage: true });
});

test("what will not pass is told at once, with the server's words, what to do, and no key", async () => {
  const echo = (status: number): StubAnswer =>
    json({ error: { message: `no: Bearer ${KEY}\u001b[31m` } }, status);
  const cases: readonly (readonly [number, RegExp])[] = [
    [400, /400 no: Bearer \[key\] \[31m; change what it complains of/],
    [401, /401 .*check the key in the environment variable OPENAI_API_KEY/],
    [413, /413 .*fewer or smaller images/],
  ];
  for (const [status, expected] of cases) {
    const server = await serve(echo(status));
    const { client, pauses } = clientOf(server);
    const error = await failureOf(client.complete(question));
    assert.match(error.message, expected);
    assert.match(error.message, /^model "m" at http:\/\/127\.0\.0\.1:\d+\/v1: /);
    assert.equal(error.message.includes(KEY), false);
    assert.deepEqual([pauses.length, server.requests.length], [0, 1]);
  }
});

test("a model that the server does not have: the ones it has are named", async () => {
  const server = await serve(
    json({ error: { message: "The model `m` does not exist." } }, 404),
    json({ object: "list", data: [{ id: "qwen" }, { id: "other" }] }),
  );
  const error = await failureOf(clientOf(server).client.complete(question));
  assert.match(
    error.message,
    /404 The model `m` does not exist\.; check the model's name.*; it serves qwen, other$/,
  );
  assert.equal(server.requests[1]?.path, "GET /v1/models");
});

test("a server that is not there", async (t) => {
  const baseUrl = `http://127.0.0.1:${await deadPort(t)}/v1`;
  const error = await failureOf(clientOf({ baseUrl }, { maxRetries: 1 }).client.complete(question));
  assert.match(error.message, /ECONNREFUSED.*\(2 attempts.*check that the server runs/);
});

test("no more than maxConcurrent requests are with the server at once, and all are answered", async (t) => {
  let arrived = 0;
  let goOn = (): void => undefined;
  const open = new Promise<void>((resolve) => (goOn = resolve));
  // If fewer come, they are answered all the same, and the count below tells.
  const limit = setTimeout(goOn, 60_000);
  t.after(() => clearTimeout(limit));
  // The first three are answered together, after a while in which a fourth could come.
  const slowly: StubAnswer = async (response, request) => {
    if (++arrived === 3) setTimeout(goOn, 100);
    await open;
    await says("ok")(response, request);
  };
  const server = await serve(slowly);
  const { client } = clientOf(server, { maxConcurrent: 3 });
  const replies = await Promise.all(Array.from({ length: 10 }, () => client.complete(question)));
  assert.equal(replies.length, 10);
  assert.equal(server.mostAtOnce(), 3);
});

test("an abort ends a request under way and is never asked again", async () => {
  const controller = new AbortController();
  const server = await serve(() => controller.abort(new Error("enough")));
  const { client } = clientOf(server);
  await assert.rejects(client.complete({ ...question, signal: controller.signal }), /enough/);
  assert.equal(server.requests.length, 1);
});

test("what a listener of the text throws is passed on as it is", async () => {
  const server = await serve(streams([piece("a"), piece("b", { finish_reason: "stop" })]));
  const fault = new TypeError("no such view");
  const onText = (): never => {
    throw fault;
  };
  await assert.rejects(clientOf(server).client.complete({ ...question, onText }), fault);
  assert.equal(server.requests.length, 1);
});

test("fields that a server refuses and nobody misses are spelt otherwise or left out, from then on", async () => {
  const refuse = (param: string): StubAnswer =>
    json({ error: { message: `Unsupported parameter: '${param}'`, param } }, 400);
  const server = await serve(
    refuse("max_tokens"),
    json({ detail: "Unrecognized field `stop`" }, 422),
    says("a</code>b"),
    json(
      {
        detail: [{ type: "extra_forbidden", loc: ["body", "top_p"], msg: "Extra inputs are not permitted" }],
      },
      422,
    ),
    says("b"),
    refuse("temperature"),
  );
  const { client } = clientOf(server);
  assert.equal((await client.complete(question)).text, "a</code>", "still cut at the stop string");
  assert.equal((await client.complete({ ...question, topP: 1 })).text, "b");
  const { body } = server.requests[4] ?? assert.fail();
  assert.deepEqual(
    ["max_tokens", "max_completion_tokens", "stop", "top_p", "temperature", "seed"].map((name) => body[name]),
    [undefined, 9, undefined, undefined, 0.5, 7],
  );
  await assert.rejects(client.complete(question), /Unsupported parameter: 'temperature'/);
  assert.equal(server.requests.length, 6);
  assert.equal(server.requests[5]?.body["top_p"], 0.9, "a value that matters is never dropped");

  const wrong = await serve(
    json({ error: { message: "max_tokens is too large", param: "max_tokens" } }, 400),
  );
  await assert.rejects(clientOf(wrong).client.complete(question), /too large/);
  assert.equal(wrong.requests.length, 1, "a value that is refused is no field that is");
});

test("refusals are told in whatever form the server gives them", async () => {
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [{ object: "error", message: "image too large", code: 400 }, /: 400 image too large;/],
    [
      { detail: [{ loc: ["body"], msg: "field required" }] },
      /: 400 \[\{"loc":\["body"\],"msg":"field required"\}\];/,
    ],
    [{ error: "no such thing" }, /: 400 "no such thing";/],
    [{ why: "so" }, /: 400 \{"why":"so"\};/],
  ];
  for (const [body, expected] of cases) {
    const error = await failureOf(clientOf(await serve(json(body, 400))).client.complete(question));
    assert.match(error.message, expected);
  }
});

test("a context that is too short is an error of its own, with both numbers where the server names them", async () => {
  const texts: readonly (readonly [string, number | undefined, number | undefined])[] = [
    [
      "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (904 in the messages, 4096 in the completion).",
      4096,
      904,
    ],
    [
      "'max_tokens' or 'max_completion_tokens' is too large: 300. This model's maximum context length is 512 tokens and your request has 400 input tokens (300 > 512 - 400).",
      512,
      400,
    ],
    ["The decoder prompt (length 5000) is longer than the maximum model length of 4096.", 4096, 5000],
    ["The input (700 tokens) is longer than the model's context length (512 tokens).", 512, 700],
    ["Your input exceeds the context window of this model.", undefined, undefined],
  ];
  for (const [message, limit, promptTokens] of texts) {
    for (const body of [{ error: { message } }, { object: "error", message }]) {
      const error = await failureOf(clientOf(await serve(json(body, 400))).client.complete(question));
      assert.ok(error instanceof ContextLengthError, message);
      assert.deepEqual([error.limit, error.promptTokens], [limit, promptTokens], message);
    }
  }
});

test("without a key none is sent; keys and addresses that cannot be used are refused without showing them", async () => {
  const server = await serve(says("ok"));
  const { client } = clientOf(server, { env: { OPENAI_API_KEY: " " } });
  await client.complete(question);
  assert.equal(server.requests[0]?.headers.authorization, undefined);
  const open = (more: Partial<OpenAiOptions>) =>
    openAiClient({ baseUrl: "http://h/v1", model: "m", env: {}, ...more });
  assert.throws(
    () => open({ apiKeyVariable: "MY_KEY", env: { MY_KEY: "two words" } }),
    (error: Error) =>
      error instanceof ConfigError &&
      /MY_KEY: a key must be/.test(error.message) &&
      !error.message.includes("two"),
  );
  assert.throws(() => open({ baseUrl: "https://api.openai.com/v1" }), /environment variable OPENAI_API_KEY/);
  for (const baseUrl of ["h/v1", "ftp://h/v1", "http://u:pass-word@h/v1", "http://h/v1?key=pass-word"])
    assert.throws(
      () => open({ baseUrl }),
      (error: Error) => /baseUrl must be/.test(error.message) && !error.message.includes("pass-word"),
    );
});

test("the official client's own log stays silent, whatever the environment says", async (context) => {
  const lines: unknown[][] = [];
  for (const method of ["log", "info", "warn", "error", "debug"] as const)
    context.mock.method(console, method, (...args: unknown[]) => lines.push(args));
  process.env["OPENAI_LOG"] = "debug";
  try {
    const server = await serve(streams([piece("a"), "{broken"]), says("x", {}, {}));
    await failureOf(
      clientOf(server, { maxRetries: 0 }).client.complete({ ...question, onText: () => undefined }),
    );
  } finally {
    delete process.env["OPENAI_LOG"];
  }
  assert.deepEqual(lines, []);
});

test("headers that the environment would add for the official client go to no server", async (context) => {
  process.env["OPENAI_CUSTOM_HEADERS"] = "api-key: SECRET123\nOpenAI-Organization: org-x";
  context.after(() => delete process.env["OPENAI_CUSTOM_HEADERS"]);
  const server = await serve(says("ok"));
  await clientOf(server).client.complete(question);
  const { headers } = server.requests[0]!;
  assert.deepEqual([headers["api-key"], headers["openai-organization"]], [undefined, undefined]);
});
