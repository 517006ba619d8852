// The client against the real server: the agent's loop over HTTP is the agent's loop in process, and stays so when replies
// are late, refused, cut or unreadable.
import assert from "node:assert/strict";
import { after, before, describe, test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { runEpisode } from "../../agent/episode.ts";
import { ScriptedRuntime, toolResult } from "../../agent/scriptedFakes.ts";
import { loadTemplate } from "../../agent/template.ts";
import { EngineError } from "../../core/errors.ts";
import { randomStream } from "../../core/random.ts";
import { eventually, holdTimers, replyBegins } from "../../core/testTime.ts";
import type { Segment, Trajectory } from "../../core/trajectory.ts";
import { EmbeddedEngine } from "../../engines/embedded/embeddedEngine.ts";
import type { Codec, Sampler } from "../../engines/engine.ts";
import type { ChatRequest } from "../../engines/openai/chat.ts";
import { chatCodec } from "../../engines/openai/chatCodec.ts";
import { chatSampler } from "../../engines/openai/chatSampler.ts";
import {
  openAiClient,
  type OpenAiClient,
  type OpenAiOptions,
  systemClock,
} from "../../engines/openai/client.ts";
import { tokenSampler } from "../../engines/openai/tokenSampler.ts";
import { createWorld } from "../../tasks/world/world.ts";
import { type Fault, type FaultProxy, startFaultProxy } from "./faults.ts";
import { tokensOf } from "./prompt.ts";
import { startTestServer, type TestServer } from "./testServer.ts";

const CARRIED = fileURLToPath(new URL("../../../checkpoints/image-mini/sft", import.meta.url));
const KEY = "sk-of-this-test-0123456789";
const TEMPLATE = loadTemplate("mini");

let server: TestServer;
let engine: EmbeddedEngine;
before(async () => {
  const args = ["--key-variable", "TEST_SERVER_KEY"];
  const starting = startTestServer({ args, env: { TEST_SERVER_KEY: KEY } });
  [server, engine] = await Promise.all([starting, EmbeddedEngine.load(CARRIED, { threads: 1 })]);
});
after(async () => {
  await engine.dispose();
  assert.equal(await server.stop(), 0, server.stderr());
  assert.ok(!server.stderr().includes(KEY));
});

/** Pauses between attempts are written down instead of slept. */
function clientAt(
  baseUrl: string,
  more: Partial<OpenAiOptions> = {},
): { client: OpenAiClient; pausesMs: number[] } {
  const pausesMs: number[] = [];
  const sleep = async (ms: number): Promise<void> => void pausesMs.push(ms);
  const clock = { ...systemClock, random: () => 0, sleep };
  const env = { TEST_KEY: KEY };
  const options = { baseUrl, model: server.model, apiKeyVariable: "TEST_KEY", env, clock };
  return { client: openAiClient({ ...options, ...more }), pausesMs };
}

/** The policy as the chat samplers ask for it: with a seed of the sequence's stream where something is drawn. */
const inProcess: Sampler = {
  release: (id) => engine.release(id),
  sample: (requests) =>
    engine.sample(
      requests.map((request) => {
        if (request.params.temperature === 0) return request;
        return { ...request, random: randomStream("served", request.random.below(2 ** 31)) };
      }),
    ),
};

interface Played {
  readonly index: number;
  readonly temperature: number;
  readonly codec: Codec;
  readonly sampler: Sampler;
}

async function play({ index, temperature, codec, sampler }: Played): Promise<Trajectory> {
  const task = createWorld({ seed: 0, split: "test" }).at(index);
  const [scene] = task.images;
  assert.ok(scene !== undefined);
  const looks = [0, 1, 2, 3, 4].map((n) => {
    const data = scene.data.slice(n * 84 * 84 * 3, (n + 1) * 84 * 84 * 3);
    return toolResult({ figures: [{ width: 84, height: 84, data }] });
  });
  return runEpisode({
    task,
    member: 0,
    template: TEMPLATE,
    codec,
    sampler,
    runtime: new ScriptedRuntime(looks),
    limits: { maxTurns: 5, maxTurnTokens: 64, maxContextTokens: 4096, maxImages: 8 },
    errorPolicy: "show",
    sampling: { temperature, topP: 1, topK: 0 },
    random: randomStream("client test", index),
    sequenceId: `${index}`,
  });
}

/** What can be told from the outside: the turns' texts (up to what stops them), their actions, and how it ended. */
function outline({ turns, endReason, answer }: Trajectory): unknown {
  const shown = (text: string): string =>
    /^[^]*?<\/(code|answer)>/.exec(text)?.[0] ?? text.replace(/<\|im_end\|>$/, "");
  return { turns: turns.map(({ text, action, stop }) => [shown(text), action, stop]), endReason, answer };
}

/** Task, temperature, and the turns that it takes in process. */
const EPISODES = [
  { index: 0, temperature: 0 },
  { index: 2, temperature: 0 },
  ...[3, 5, 9, 12, 18, 28].map((index) => ({ index, temperature: 1 })),
];

describe("the agent over HTTP and in process", { concurrency: 1 }, () => {
  const expected = new Map<number, Trajectory>();
  before(async () => {
    for (const episode of EPISODES)
      expected.set(episode.index, await play({ ...episode, codec: engine.codec, sampler: inProcess }));
    const turns = [...expected.values()].map((trajectory) => trajectory.turns.length);
    assert.ok(turns.filter((n) => n >= 3).length >= 2, `turns: ${turns.join(", ")}`);
  });

  for (const dialect of ["openai", "vllm"] as const)
    test(`texts, dialect ${dialect}: the same turns, calls and answers, all episodes at once`, async () => {
      const { client } = clientAt(server.baseUrl, { dialect });
      const codec = chatCodec(engine.files.limits);
      const sampler = chatSampler(client, codec);
      const played = await Promise.all(EPISODES.map((episode) => play({ ...episode, codec, sampler })));
      played.forEach((trajectory, i) =>
        assert.deepEqual(outline(trajectory), outline(expected.get(EPISODES[i]?.index ?? -1) as Trajectory)),
      );
    });

  test("token ids as vLLM gives them: the very sequences, fit for training", async () => {
    const { client } = clientAt(server.baseUrl, { dialect: "vllm" });
    const { codec } = engine;
    const sampler = tokenSampler(client, codec);
    const played = await Promise.all(EPISODES.map((episode) => play({ ...episode, codec, sampler })));
    played.forEach((trajectory, i) => {
      const ours = expected.get(EPISODES[i]?.index ?? -1) as Trajectory;
      assert.deepEqual(outline(trajectory), outline(ours));
      assert.deepEqual(
        tokensOf(trajectory.segments, codec.imagePadId),
        tokensOf(ours.segments, codec.imagePadId),
      );
      assert.ok(!("unfit" in trajectory) || trajectory.unfit === undefined);
      const logprobs = (segments: readonly Segment[]): number[] =>
        segments.flatMap((segment) => (segment.type === "sampled" ? segment.logprobs : []));
      const theirs = logprobs(trajectory.segments);
      logprobs(ours.segments).forEach((value, t) => assert.ok(Math.abs(value - (theirs[t] ?? NaN)) < 1e-4));
    });
  });

  test("the same through a bad connection: every turn fails once, each in another way", async (t) => {
    const faults: Fault[] = [
      { type: "status", status: 429, retryAfter: "7" },
      { type: "none" },
      { type: "cut", afterEvents: 2 },
      { type: "none" },
      { type: "malformed" },
      { type: "none" },
      { type: "emptyChoices" },
      { type: "none" },
      { type: "status", status: 500 },
    ];
    const [longest] = [...expected].sort(([, x], [, y]) => y.turns.length - x.turns.length);
    assert.ok(longest !== undefined && longest[1].turns.length >= 3, "several turns");
    const [index, ours] = longest;
    const proxy = await proxied(t, faults);
    const { client } = clientAt(proxy.baseUrl, { dialect: "vllm" });
    const { codec } = engine;
    const trajectory = await play({ index, temperature: 1, codec, sampler: tokenSampler(client, codec) });
    assert.deepEqual(
      tokensOf(trajectory.segments, codec.imagePadId),
      tokensOf(ours.segments, codec.imagePadId),
    );
    assert.equal(proxy.seen.length, 2 * ours.turns.length);
  });
});

async function proxied(t: TestContext, script: readonly Fault[]): Promise<FaultProxy> {
  const proxy = await startFaultProxy(server.baseUrl, script);
  t.after(() => proxy.close());
  return proxy;
}

const question: ChatRequest = {
  messages: [
    { role: "system", content: [{ type: "text", text: TEMPLATE.system }] },
    { role: "user", content: [{ type: "text", text: "What is the color of the bead?" }] },
  ],
  maxTokens: 40,
  temperature: 0,
  topP: 1,
  stop: ["</code>", "</answer>"],
};

describe("a reply that is spoilt", { concurrency: 1 }, () => {
  let good: string;
  before(async () => {
    const reply = await clientAt(server.baseUrl).client.complete(question);
    good = reply.text;
    assert.ok(good.endsWith("</code>") || good.endsWith("</answer>"), good);
    assert.equal(reply.attempts, 1);
  });

  const passing: readonly Fault[] = [
    { type: "status", status: 408 },
    { type: "status", status: 429 },
    { type: "status", status: 500 },
    { type: "status", status: 503 },
    { type: "gateway" },
    { type: "reset" },
    { type: "cut", afterEvents: 3 },
    { type: "malformed" },
    { type: "emptyChoices" },
  ];
  const ofStreams: readonly Fault[] = [
    { type: "end", afterEvents: 3 },
    { type: "errorEvent" },
    { type: "cut", afterEvents: 0 },
  ];
  for (const stream of [false, true])
    for (const fault of [...passing, ...(stream ? ofStreams : [])])
      test(`is asked for again: ${Object.values(fault).join(" ")}${stream ? ", streamed" : ""}`, async (t) => {
        const proxy = await proxied(t, [fault, fault]);
        const { client, pausesMs } = clientAt(proxy.baseUrl);
        let told = "";
        const streaming = { onText: (piece: string) => (told += piece), onRetry: () => (told = "") };
        const reply = await client.complete({ ...question, ...(stream && streaming) });
        assert.deepEqual([reply.text, reply.attempts, proxy.seen.length], [good, 3, 3]);
        assert.equal(pausesMs.length, 2);
        assert.ok((pausesMs[1] ?? 0) > (pausesMs[0] ?? Infinity), "pauses grow");
        if (stream) assert.equal(told, good, "what was told of spoilt replies is void");
      });

  test("is waited for as long as the server wishes", async (t) => {
    const proxy = await proxied(t, [{ type: "status", status: 429, retryAfter: "7" }]);
    const { client, pausesMs } = clientAt(proxy.baseUrl);
    assert.equal((await client.complete(question)).text, good);
    assert.ok((pausesMs[0] ?? 0) >= 7000, String(pausesMs));
  });

  for (const stream of [false, true])
    for (const fault of [
      { type: "slow", ms: 600_000 },
      { type: "stall", afterEvents: 3 },
    ] as const)
      test(`or does not come in time is given up: ${fault.type}${stream ? ", streamed" : ""}`, async (t) => {
        const patience = holdTimers(t, 1500);
        const proxy = await proxied(t, [fault]);
        const { client } = clientAt(proxy.baseUrl, { requestTimeoutSeconds: 1.5, deadlineSeconds: 600 });
        let told = "";
        const onText = (piece: string): void => void (told += piece);
        let begun = false;
        void replyBegins().then(() => (begun = true));
        const asked = client.complete({ ...question, ...(stream && { onText }) });
        await eventually(() =>
          fault.type === "slow" ? proxy.seen.length === 1 : begun && (told !== "" || !stream),
        );
        patience.expireNext();
        const reply = await asked;
        assert.deepEqual([reply.text, reply.attempts, patience.begun], [good, 2, 2]);
      });

  test("or only late is taken", async (t) => {
    const proxy = await proxied(t, [{ type: "slow", ms: 200 }]);
    const reply = await clientAt(proxy.baseUrl).client.complete(question);
    assert.deepEqual([reply.text, reply.attempts], [good, 1]);
    assert.ok(reply.seconds >= 0.19);
  });

  test("again and again ends with an error that tells it, without the key", async (t) => {
    const proxy = await proxied(t, Array<Fault>(9).fill({ type: "status", status: 503 }));
    const { client } = clientAt(proxy.baseUrl, { maxRetries: 2 });
    await assert.rejects(client.complete(question), (error: unknown) => {
      assert.ok(error instanceof EngineError);
      assert.match(error.message, /503 scripted failure 503 \(3 attempts/);
      assert.ok(!error.message.includes(KEY) && error.message.includes(proxy.baseUrl));
      return true;
    });
    assert.equal(proxy.seen.length, 3);
    assert.equal(proxy.seen[0]?.headers.authorization, `Bearer ${KEY}`);
  });
});

describe("what asking again does not mend is told at once", () => {
  for (const [name, options, request, message] of [
    ["a model that is not there", { model: "other" }, {}, /404 .*has only "policy".*it serves policy/],
    ["a wrong key", { env: { TEST_KEY: "sk-wrong" } }, {}, /401 the key is not the server's.*check the key in the environment variable TEST_KEY/], // prettier-ignore
    ["no key", { env: {} }, {}, /401 no key was sent.*put it into the environment variable TEST_KEY/],
    ["a reply longer than the context", {}, { maxTokens: 40_000 }, /maximum context length is 32768 tokens/],
  ] as const)
    test(name, async () => {
      const { client, pausesMs } = clientAt(server.baseUrl, options);
      await assert.rejects(client.complete({ ...question, ...request }), (error: unknown) => {
        assert.ok(error instanceof EngineError);
        assert.match(error.message, message);
        assert.ok(!error.message.includes("sk-"), error.message);
        return true;
      });
      assert.deepEqual(pausesMs, []);
    });

  test("a picture that is none", async () => {
    const { client } = clientAt(server.baseUrl);
    const png = Buffer.from("not a picture");
    const messages = [{ role: "user", content: [{ type: "image", png }] }] as const;
    await assert.rejects(
      client.complete({ ...question, messages }),
      /400 messages\[0\]\.content\[0\]\.image_url\.url: image in the data URI: must be PNG or JPEG/,
    );
  });
});
