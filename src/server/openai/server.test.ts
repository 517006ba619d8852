// The wire: paths, keys, statuses and bodies, with a sampler that says what a script says.
import assert from "node:assert/strict";
import { request as startRequest } from "node:http";
import { after, describe, test, type TestContext } from "node:test";
import { byteCodec, ScriptedSampler } from "../../agent/scriptedFakes.ts";
import { eventually, requestArrives } from "../../core/testTime.ts";
import type { Sampler } from "../../engines/engine.ts";
import { ChatService } from "./chatService.ts";
import { type OpenAiServer, type OpenAiServerOptions, startOpenAiServer } from "./server.ts";

const HELLO = { model: "some/model", messages: [{ role: "user", content: "Q" }] };
/** Tokens of the prompt of HELLO, one a character. */
const PROMPT_TOKENS = "(system\nYou are a helpful assistant.)\n(user\nQ)\n(assistant\n".length;

function serve(sampler: Sampler, options: Partial<OpenAiServerOptions> = {}): Promise<OpenAiServer> {
  const tokenBytes = (id: number): Uint8Array => Buffer.from(byteCodec.decode([id]), "latin1");
  const model = { id: "some/model", sampler, codec: byteCodec, tokenBytes, contextTokens: 1000 };
  let ids = 0;
  return startOpenAiServer({
    service: new ChatService(model, { newSeed: () => 1, streamTokens: 50 }),
    host: "127.0.0.1",
    port: 0,
    now: () => 1_700_000_000_999,
    newId: () => String(++ids),
    ...options,
  });
}

async function serving(
  t: TestContext,
  sampler: Sampler,
  options?: Partial<OpenAiServerOptions>,
): Promise<string> {
  const server = await serve(sampler, options);
  t.after(() => server.close());
  return server.baseUrl;
}

async function post(url: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, type: response.headers.get("content-type"), text };
}

const errorOf = (text: string): { message: string; type: string; param: unknown; code: unknown } =>
  (JSON.parse(text) as { error: { message: string; type: string; param: unknown; code: unknown } }).error;

describe("models and health", async () => {
  const server = await serve(new ScriptedSampler([]));
  after(() => server.close());
  const model = {
    id: "some/model",
    object: "model",
    created: 1_700_000_000,
    owned_by: "pyvision",
    max_model_len: 1000,
  };

  for (const [path, body] of [
    ["/models", { object: "list", data: [model] }],
    ["/models?limit=1", { object: "list", data: [model] }],
    ["/models/some/model", model],
    ["/models/some%2Fmodel", model],
  ] as const)
    test(`GET ${path}`, async () => {
      const response = await fetch(server.baseUrl + path);
      assert.equal(response.status, 200);
      assert.deepEqual(await response.json(), body);
    });

  test("GET /health", async () => {
    assert.equal((await fetch(server.baseUrl.replace(/v1$/, "health"))).status, 200);
  });

  for (const [method, path, status, message] of [
    ["GET", "/models/other", 404, /^\/v1\/models\/other is not served; there are \/v1\/models/],
    ["POST", "/completions", 404, /^\/v1\/completions is not served/],
    ["GET", "/chat/completions", 405, /^GET is not possible here, only POST$/],
    ["DELETE", "/models/some/model", 405, /^DELETE is not possible here, only GET$/],
    ["GET", "/%zz", 400, /^the address is not valid/],
  ] as const)
    test(`${method} ${path} is refused`, async () => {
      const response = await fetch(server.baseUrl + path, { method });
      assert.equal(response.status, status);
      assert.match(errorOf(await response.text()).message, message);
    });
});

describe("a whole reply", () => {
  test("has the protocol's fields", async (t) => {
    const url = await serving(t, new ScriptedSampler(["Hi.<|im_end|>"]));
    const { status, type, text } = await post(url, HELLO);
    assert.deepEqual([status, type], [200, "application/json; charset=utf-8"]);
    assert.deepEqual(JSON.parse(text), {
      id: "chatcmpl-2",
      object: "chat.completion",
      created: 1_700_000_000,
      model: "some/model",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "Hi.", refusal: null },
          logprobs: null,
          finish_reason: "stop",
          stop_reason: null,
        },
      ],
      usage: {
        prompt_tokens: PROMPT_TOKENS,
        completion_tokens: 4,
        total_tokens: PROMPT_TOKENS + 4,
        prompt_tokens_details: { cached_tokens: 0 },
      },
    });
  });

  test("has log-probabilities and vLLM's token ids when they are asked for", async (t) => {
    const url = await serving(t, new ScriptedSampler(["Hi<|im_end|>"]));
    const { text } = await post(url, { ...HELLO, logprobs: true, return_token_ids: true });
    const { choices, prompt_token_ids } = JSON.parse(text) as {
      choices: { token_ids: number[]; logprobs: unknown }[];
      prompt_token_ids: number[];
    };
    assert.deepEqual(choices[0]?.token_ids, [72, 105, 301]);
    assert.deepEqual(choices[0]?.logprobs, {
      content: [
        { token: "H", logprob: -1 / 1024, bytes: [72], top_logprobs: [] },
        { token: "i", logprob: -2 / 1024, bytes: [105], top_logprobs: [] },
        { token: "<|im_end|>", logprob: -3 / 1024, bytes: [...Buffer.from("<|im_end|>")], top_logprobs: [] },
      ],
      refusal: null,
    });
    assert.equal(prompt_token_ids.length, PROMPT_TOKENS);
    assert.deepEqual(prompt_token_ids.slice(0, 8), [300, 115, 121, 115, 116, 101, 109, 10]);
  });

  test("tells what ended it", async (t) => {
    const url = await serving(t, new ScriptedSampler(["abc", "abcdef"]));
    const ending = async (body: object): Promise<unknown> => {
      const { choices } = JSON.parse((await post(url, { ...HELLO, ...body })).text) as {
        choices: Record<string, unknown>[];
      };
      const [{ finish_reason, stop_reason } = {}] = choices;
      return [finish_reason, stop_reason];
    };
    assert.deepEqual(await ending({ stop: "bc" }), ["stop", "bc"]);
    assert.deepEqual(await ending({ max_tokens: 4 }), ["length", null]);
  });
});

describe("a stream", () => {
  /** Data of the events; every event is one line of data and a blank one. */
  const eventsOf = (text: string): unknown[] => {
    const events = text.split("\n\n");
    assert.equal(events.pop(), "");
    return events.map((event) => {
      assert.match(event, /^data: [^\n]+$/);
      return event === "data: [DONE]" ? "[DONE]" : (JSON.parse(event.slice(6)) as unknown);
    });
  };

  test("opens, says, closes, counts", async (t) => {
    const url = await serving(t, new ScriptedSampler(["Hi.<|im_end|>"]));
    const { status, type, text } = await post(url, { ...HELLO, stream: true, stream_options: { include_usage: true } }); // prettier-ignore
    assert.deepEqual([status, type], [200, "text/event-stream; charset=utf-8"]);
    const head = {
      id: "chatcmpl-2",
      object: "chat.completion.chunk",
      created: 1_700_000_000,
      model: "some/model",
    };
    const choice = { index: 0, logprobs: null, finish_reason: null };
    assert.deepEqual(eventsOf(text), [
      { ...head, choices: [{ ...choice, delta: { role: "assistant", content: "" } }] },
      { ...head, choices: [{ ...choice, delta: { content: "Hi." } }] },
      { ...head, choices: [{ ...choice, delta: {}, finish_reason: "stop", stop_reason: null }] },
      {
        ...head,
        choices: [],
        usage: {
          prompt_tokens: PROMPT_TOKENS,
          completion_tokens: 4,
          total_tokens: PROMPT_TOKENS + 4,
          prompt_tokens_details: { cached_tokens: 0 },
        },
      },
      "[DONE]",
    ]);
  });

  test("has token ids: the prompt's in the first event, each piece's in its own", async (t) => {
    const url = await serving(t, new ScriptedSampler(["Hi<|im_end|>"]));
    const { text } = await post(url, { ...HELLO, stream: true, logprobs: true, return_token_ids: true });
    const [opening, piece, closing, done] = eventsOf(text) as {
      prompt_token_ids?: number[];
      choices: { token_ids?: number[]; logprobs: { content: unknown[] } | null }[];
    }[];
    assert.equal(opening?.prompt_token_ids?.length, PROMPT_TOKENS);
    assert.deepEqual(piece?.choices[0]?.token_ids, [72, 105, 301]);
    assert.equal(piece.choices[0]?.logprobs?.content.length, 3);
    assert.deepEqual(
      [piece.prompt_token_ids, closing?.choices[0]?.token_ids, done],
      [undefined, undefined, "[DONE]"],
    );
  });

  test("that fails before its first piece has a status; in the middle, an event with the error", async (t) => {
    const failures: unknown[] = [];
    const sampler: Sampler = {
      release: () => undefined,
      sample: async ([request]) => {
        if (request?.segments.at(-1)?.type === "sampled" || request?.params.temperature === 0)
          throw new Error("secret");
        return [
          { tokens: Array<number>(50).fill(120), logprobs: Array<number>(50).fill(-1), stop: "length" },
        ];
      },
    };
    const url = await serving(t, sampler, { onFailure: (error) => failures.push(error) });
    const early = await post(url, { ...HELLO, stream: true, temperature: 0 });
    assert.equal(early.status, 500);
    const failure = {
      message: "the engine could not answer; the server's own messages tell why",
      type: "server_error",
      param: null,
      code: "internal_error",
    };
    assert.deepEqual(errorOf(early.text), failure);
    const late = await post(url, { ...HELLO, stream: true });
    assert.equal(late.status, 200);
    assert.deepEqual(eventsOf(late.text).slice(2), [{ error: failure }]);
    assert.deepEqual(failures.map(String), ["Error: secret", "Error: secret"]);
  });
});

describe("what is refused", () => {
  test("a missing or wrong key, by everything but /health", async (t) => {
    const url = await serving(t, new ScriptedSampler(["Hi<|im_end|>"]), { key: "k3y" });
    for (const [authorization, message] of [
      [undefined, /no key was sent/],
      ["Bearer other", /the key is not the server's/],
      ["Bearer k3y2", /the key is not the server's/],
      ["Basic k3y", /no key was sent/],
    ] as const) {
      const { status, text } = await post(url, HELLO, authorization === undefined ? {} : { authorization });
      assert.equal(status, 401);
      assert.match(errorOf(text).message, message);
      assert.equal(errorOf(text).code, "invalid_api_key");
      assert.ok(!text.includes("k3y2") && !text.includes("other"), "a key is not repeated");
    }
    assert.equal((await fetch(`${url}/models`)).status, 401);
    assert.equal((await fetch(url.replace(/v1$/, "health"))).status, 200);
    assert.equal((await post(url, HELLO, { authorization: "Bearer k3y" })).status, 200);
  });

  test("whoever comes from another page (checkCaller has tests of its own)", async (t) => {
    const url = await serving(t, new ScriptedSampler([]));
    const { status, text } = await post(url, HELLO, { origin: "http://page.example" });
    assert.deepEqual([status, errorOf(text).code], [403, "foreign_origin"]);
  });

  test("a body that is not declared as JSON, is none, or is too long", async (t) => {
    const failures: unknown[] = [];
    const options = { maxBodyBytes: 500, onFailure: (error: unknown) => failures.push(error) };
    const url = await serving(t, new ScriptedSampler([]), options);
    const form = await post(url, HELLO, { "content-type": "text/plain" });
    assert.equal(form.status, 415);
    assert.match(errorOf(form.text).message, /must be declared with content-type: application\/json/);
    const broken = await post(url, "{");
    assert.equal(broken.status, 400);
    assert.match(errorOf(broken.text).message, /^the body is not JSON: /);
    const long = await post(url, JSON.stringify(HELLO) + " ".repeat(500));
    assert.equal(long.status, 413);
    assert.match(errorOf(long.text).message, /longer than 500 bytes/);
    // Without a declared length.
    const chunked = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { "content-type": "application/json", "transfer-encoding": "chunked" };
      const request = startRequest(`${url}/chat/completions`, { method: "POST", headers });
      request.on("response", (response) => resolve(response.statusCode)).on("error", reject);
      request.write(JSON.stringify(HELLO));
      request.end(" ".repeat(500));
    });
    assert.equal(chunked, 413);
    const wrong = await post(url, { ...HELLO, n: 2 });
    assert.deepEqual([wrong.status, errorOf(wrong.text).param], [400, "n"]);
    assert.deepEqual(failures, [], "all of it is the client's");
  });
});

/** Samples until it is told to go on; counts what it was asked and told to forget. */
function held() {
  let open: (() => void) | undefined;
  let asked: (() => void) | undefined;
  const state = { requests: 0, released: 0 };
  const sampler: Sampler = {
    release: () => void state.released++,
    sample: async () => {
      state.requests++;
      asked?.();
      await new Promise<void>((resolve) => (open = resolve));
      return [{ tokens: [120], logprobs: [-1], stop: "length" }];
    },
  };
  const nextRequest = (): Promise<void> => new Promise((resolve) => (asked = resolve));
  return { sampler, state, nextRequest, goOn: () => open?.() };
}

describe("ends", () => {
  for (const stream of [false, true])
    test(`a client that goes away is sampled for no longer (stream: ${stream})`, async (t) => {
      const { sampler, state, nextRequest, goOn } = held();
      const failures: unknown[] = [];
      const server = await serve(sampler, { onFailure: (error) => failures.push(error) });
      t.after(() => server.close());
      const controller = new AbortController();
      const begun = nextRequest();
      const lost = assert.rejects(
        fetch(`${server.baseUrl}/chat/completions`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ ...HELLO, stream, max_tokens: 900 }),
          signal: controller.signal,
        }).then((response) => response.text()),
      );
      await begun;
      controller.abort();
      await lost;
      // The server hears of it a moment later.
      await eventually(() => {
        goOn();
        return state.released > 0 || state.requests === 900;
      });
      assert.equal(state.released, 1);
      assert.ok(state.requests < 900, `${state.requests} requests`);
      assert.deepEqual(failures, []);
    });

  test("a client that goes away while it still sends is no failure of the server's", async () => {
    const failures: unknown[] = [];
    const server = await serve(new ScriptedSampler([]), { onFailure: (error) => failures.push(error) });
    const headers = { "content-type": "application/json", "content-length": "1000" };
    const request = startRequest(`${server.baseUrl}/chat/completions`, { method: "POST", headers });
    request.on("error", () => undefined);
    const begun = requestArrives();
    request.write("{");
    await begun;
    request.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await server.close();
    assert.deepEqual(failures, []);
  });

  test("closing ends what is under way with 503 and takes nothing more", async () => {
    const { sampler, state, nextRequest, goOn } = held();
    const server = await serve(sampler);
    const begun = nextRequest();
    const reply = post(server.baseUrl, { ...HELLO, max_tokens: 20 });
    await begun;
    const closed = server.close();
    goOn();
    const { status, text } = await reply;
    await closed;
    assert.equal(status, 503);
    assert.deepEqual(
      [errorOf(text).message, errorOf(text).code],
      ["the server is being stopped", "stopping"],
    );
    assert.deepEqual(state, { requests: 1, released: 1 });
    await assert.rejects(fetch(`${server.baseUrl}/models`));
  });

  test("closing does not wait for a body that does not come", async () => {
    const server = await serve(new ScriptedSampler([]));
    const headers = { "content-type": "application/json", "content-length": "1000" };
    const begun = requestArrives();
    const request = startRequest(`${server.baseUrl}/chat/completions`, { method: "POST", headers });
    const status = new Promise<number | undefined>((resolve, reject) => {
      request.on("response", (response) => resolve(response.statusCode)).on("error", reject);
    });
    request.write("{");
    await begun;
    await server.close();
    assert.equal(await status, 503);
  });

  test("a port that is taken is named", async (t) => {
    const url = new URL(await serving(t, new ScriptedSampler([])));
    await assert.rejects(
      serve(new ScriptedSampler([]), { port: Number(url.port) }),
      new RegExp(
        `^EngineError: cannot serve on 127.0.0.1 port ${url.port}: the port is taken; choose another`,
      ),
    );
  });
});
