// What each fault does to a reply on the wire, seen by a plain client.
import assert from "node:assert/strict";
import { after, before, describe, test, type TestContext } from "node:test";
import { byteCodec, ScriptedSampler } from "../../agent/scriptedFakes.ts";
import { ChatService } from "./chatService.ts";
import { type Fault, startFaultProxy } from "./faults.ts";
import { type OpenAiServer, startOpenAiServer } from "./server.ts";

let server: OpenAiServer;
before(async () => {
  // Every test asks once or twice; whole replies and streams read alike.
  const sampler = new ScriptedSampler(Array<string>(60).fill("Hi.<|im_end|>"));
  const tokenBytes = (id: number): Uint8Array => Buffer.from(byteCodec.decode([id]), "latin1");
  const model = { id: "m", sampler, codec: byteCodec, tokenBytes, contextTokens: 1000 };
  const service = new ChatService(model, { newSeed: () => 1, streamTokens: 50 });
  server = await startOpenAiServer({ service, host: "127.0.0.1", port: 0, now: () => 0, newId: () => "1" });
});
after(() => server.close());

interface Received {
  /** Undefined when no reply began. */
  readonly status?: number;
  readonly headers?: Headers;
  readonly text: string;
  /** Whether the reply came to its end. */
  readonly whole: boolean;
}

/** @param stopBehind once the text matches, 300 ms more are given, then the request is aborted */
async function ask(url: string, stream: boolean, stopBehind?: RegExp): Promise<Received> {
  let response: Response;
  const controller = new AbortController();
  const signal = AbortSignal.any([controller.signal, AbortSignal.timeout(60_000)]);
  try {
    const body = JSON.stringify({ model: "m", messages: [{ role: "user", content: "Q" }], stream });
    const headers = { "content-type": "application/json", authorization: "Bearer k" };
    response = await fetch(`${url}/chat/completions`, { method: "POST", headers, body, signal });
  } catch {
    return { text: "", whole: false };
  }
  const { status, headers } = response;
  let text = "";
  try {
    const decoder = new TextDecoder();
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true });
      if (stopBehind?.test(text) === true) setTimeout(() => controller.abort(), 300);
    }
    return { status, headers, text, whole: true };
  } catch {
    return { status, headers, text, whole: false };
  }
}

async function proxied(
  t: TestContext,
  ...script: readonly Fault[]
): Promise<Awaited<ReturnType<typeof startFaultProxy>>> {
  const proxy = await startFaultProxy(server.baseUrl, script);
  t.after(() => proxy.close());
  return proxy;
}

const events = (text: string): number => text.match(/^data: /gm)?.length ?? 0;
const said = (text: string): unknown => (JSON.parse(text) as { choices: { message: { content: string } }[] }).choices[0]?.message.content; // prettier-ignore

test("one fault a chat request in order, then none; other requests and what was sent pass", async (t) => {
  const proxy = await proxied(t, { type: "status", status: 429, retryAfter: "2" }, { type: "none" });
  const models = await fetch(`${proxy.baseUrl}/models`);
  assert.equal(((await models.json()) as { data: { id: string }[] }).data[0]?.id, "m");
  const refused = await ask(proxy.baseUrl, false);
  assert.deepEqual([refused.status, refused.headers?.get("retry-after")], [429, "2"]);
  assert.deepEqual(JSON.parse(refused.text), {
    error: { message: "scripted failure 429", type: "server_error", param: null, code: null },
  });
  for (let i = 0; i < 2; i++) assert.equal(said((await ask(proxy.baseUrl, false)).text), "Hi.");
  assert.deepEqual(
    proxy.seen.map(({ fault }) => fault),
    ["status", "none", "none"],
  );
  assert.equal(proxy.seen[0]?.headers.authorization, "Bearer k");
  assert.deepEqual(JSON.parse(String(proxy.seen[0]?.body)), {
    model: "m",
    messages: [{ role: "user", content: "Q" }],
    stream: false,
  });
});

test("what the server itself refuses is passed on", async (t) => {
  const proxy = await proxied(t, { type: "malformed" });
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${proxy.baseUrl}/chat/completions`, { method: "POST", headers, body: "{}" });
  assert.equal(response.status, 400);
  assert.match(await response.text(), /^\{"error":\{"message":"model: must name the model/);
});

describe("whole replies", () => {
  test("slow: the whole reply, later", async (t) => {
    const startedMs = performance.now();
    const { text } = await ask((await proxied(t, { type: "slow", ms: 150 })).baseUrl, false);
    assert.equal(said(text), "Hi.");
    assert.ok(performance.now() - startedMs >= 145);
  });

  test("gateway: HTML with status 502", async (t) => {
    const { status, headers, text } = await ask((await proxied(t, { type: "gateway" })).baseUrl, false);
    assert.deepEqual([status, headers?.get("content-type")], [502, "text/html"]);
    assert.match(text, /^<html>/);
  });

  test("reset: no status at all", async (t) => {
    const { baseUrl, seen } = await proxied(t, { type: "reset" });
    assert.deepEqual(await ask(baseUrl, false), { text: "", whole: false });
    assert.equal(seen.length, 1);
  });

  test("cut: half of it, and no end", async (t) => {
    const { status, text, whole } = await ask(
      (await proxied(t, { type: "cut", afterEvents: 0 })).baseUrl,
      false,
    );
    assert.deepEqual([status, whole], [200, false]);
    assert.match(text, /^\{"id":"chatcmpl-1"/);
    assert.throws(() => JSON.parse(text), SyntaxError);
  });

  test("stall: half of it, then silence", async (t) => {
    const proxy = await proxied(t, { type: "stall", afterEvents: 0 });
    const startedMs = performance.now();
    const { text, whole } = await ask(proxy.baseUrl, false, /./);
    assert.equal(whole, false);
    assert.ok(performance.now() - startedMs >= 290);
    assert.match(text, /^\{"id"/);
  });

  test("malformed: a status that is good, a body that is no JSON", async (t) => {
    const { status, text, whole } = await ask((await proxied(t, { type: "malformed" })).baseUrl, false);
    assert.deepEqual([status, whole], [200, true]);
    assert.throws(() => JSON.parse(text), SyntaxError);
  });

  test("emptyChoices: all but the choices", async (t) => {
    const { text } = await ask((await proxied(t, { type: "emptyChoices" })).baseUrl, false);
    const { choices, usage } = JSON.parse(text) as {
      choices: unknown[];
      usage: { completion_tokens: number };
    };
    assert.deepEqual([choices, usage.completion_tokens], [[], 4]);
  });
});

describe("streams", () => {
  // Untouched: the opening, one piece, the closing, [DONE].
  for (const [fault, count, whole] of [
    [{ type: "none" }, 4, true],
    [{ type: "cut", afterEvents: 2 }, 2, false],
    [{ type: "end", afterEvents: 2 }, 2, true],
    [{ type: "stall", afterEvents: 1 }, 1, false],
  ] as const)
    test(`${fault.type}: ${count} events`, async (t) => {
      const { baseUrl } = await proxied(t, fault);
      const got = await ask(baseUrl, true, fault.type === "stall" ? /\n\n$/ : undefined);
      assert.deepEqual(
        [got.status, got.headers?.get("content-type")],
        [200, "text/event-stream; charset=utf-8"],
      );
      assert.deepEqual([events(got.text), got.whole], [count, whole]);
      assert.equal(got.text.endsWith("data: [DONE]\n\n"), fault.type === "none");
    });

  test("malformed, emptyChoices and errorEvent spoil events, not the stream", async (t) => {
    const script = [{ type: "malformed" }, { type: "emptyChoices" }, { type: "errorEvent" }] as const;
    const { baseUrl } = await proxied(t, ...script);
    const [malformed, empty, error] = [await ask(baseUrl, true), await ask(baseUrl, true), await ask(baseUrl, true)]; // prettier-ignore
    assert.deepEqual([malformed.whole, empty.whole, error.whole], [true, true, true]);
    assert.match(malformed.text, /\n\ndata: \{"choices": \[\n\ndata: \[DONE\]\n\n$/);
    assert.equal(empty.text.match(/"choices":\[\]/g)?.length, 3);
    assert.ok(!empty.text.includes("Hi."));
    assert.match(error.text, /\n\ndata: \{"error":\{"message":"scripted failure in the stream"[^\n]*\n\n$/);
  });
});
