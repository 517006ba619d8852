import assert from "node:assert/strict";
import { test } from "node:test";
import { randomStream } from "../../core/random.ts";
import type { Segment } from "../../core/trajectory.ts";
import type { SampleRequest } from "../engine.ts";
import type { ChatClient, ChatReply, ChatRequest } from "./chat.ts";
import { chatCodec } from "./chatCodec.ts";
import { CHAT_IS_UNFIT, chatSampler } from "./chatSampler.ts";
import { ContextLengthError } from "./contextLength.ts";

const codec = chatCodec();
const view = codec.viewImage({ width: 56, height: 84, data: new Uint8Array(56 * 84 * 3) });
const segments: Segment[] = [
  { type: "text", source: "prompt", tokens: codec.encodeTemplate("<|im_start|>user\n<|vision_start|>") },
  { type: "image", source: "prompt", image: view },
  {
    type: "text",
    source: "prompt",
    tokens: codec.encodeTemplate("<|vision_end|>Q<|im_end|>\n<|im_start|>assistant\n"),
  },
];

function request(more: Partial<SampleRequest["params"]> = {}): SampleRequest {
  return {
    sequenceId: "s",
    segments,
    params: { maxNewTokens: 20, temperature: 1, topP: 0.9, topK: 3, stopStrings: ["</code>"], ...more },
    random: randomStream("chat"),
  };
}

const reply: ChatReply = {
  text: "<code>x</code>",
  stop: "stop",
  usage: { promptTokens: 50, replyTokens: 6 },
  tokens: undefined,
  model: "served",
  attempts: 2,
  seconds: 1.5,
};

/** Answers in order; an error is thrown. */
function clientOf(
  ...answers: readonly (Partial<ChatReply> | Error)[]
): ChatClient & { asked: ChatRequest[] } {
  const asked: ChatRequest[] = [];
  return {
    model: "m",
    asked,
    complete: async (chat) => {
      const answer = answers[asked.length] ?? {};
      asked.push(chat);
      if (answer instanceof Error) throw answer;
      return { ...reply, ...answer };
    },
  };
}

async function sampleOne(client: ChatClient, asked = request()) {
  const [result] = await chatSampler(client, codec).sample([asked]);
  return result ?? assert.fail("no result");
}

test("a turn asks with the sequence's messages, the sampling of the request and a seed of its own stream", async () => {
  const client = clientOf();
  await sampleOne(client);
  const [{ messages, ...rest } = assert.fail()] = client.asked;
  assert.deepEqual(
    messages.map(({ role, content }) => [role, ...content.map((part) => part.type)]),
    [["user", "image", "text"]],
  );
  const seed = randomStream("chat").below(2 ** 31);
  assert.deepEqual(rest, { maxTokens: 20, temperature: 1, topP: 0.9, topK: 3, stop: ["</code>"], seed });
  await sampleOne(client, request({ temperature: 0 }));
  assert.equal(client.asked[1]?.seed, undefined, "nothing is drawn, so nothing is consumed");
});

test("the turn is the reply's text in as many tokens as the server counted, unfit, with what was told of it", async () => {
  const result = await sampleOne(clientOf());
  assert.equal(codec.decode(result.tokens), "<code>x</code>");
  assert.deepEqual(
    { ...result, tokens: result.tokens.length },
    {
      tokens: 6,
      logprobs: [0, 0, 0, 0, 0, 0],
      stop: "stop",
      unfit: CHAT_IS_UNFIT,
      served: {
        model: "served",
        promptTokens: 50,
        replyTokens: 6,
        visualTokens: 6, // 2 x 3 cells of 28 pixels
        seconds: 1.5,
        attempts: 2,
      },
    },
  );
});

test("a turn that the model ended itself ends with the end of the turn, which counts as one", async () => {
  const ended = await sampleOne(clientOf({ text: "four bytes" }));
  assert.deepEqual([ended.tokens.length, ended.tokens.at(-1)], [6, codec.endOfTurnId]);
  assert.equal(codec.decode(ended.tokens), "four bytes<|im_end|>");
  const cut = await sampleOne(clientOf({ text: "four bytes", stop: "length" }));
  assert.deepEqual([cut.stop, cut.tokens.at(-1) === codec.endOfTurnId], ["length", false]);
  const uncounted = await sampleOne(clientOf({ text: "four bytes", usage: undefined }));
  assert.equal(uncounted.tokens.length, 4, "3 of four bytes, and the end");
  assert.equal("promptTokens" in (uncounted.served ?? {}), false);
});

test("a server whose context is nearly full is asked for what is left of it", async () => {
  const full = new ContextLengthError("too long", 64, 55);
  const client = clientOf(full, { text: "<code>", stop: "length" });
  const result = await sampleOne(client);
  assert.deepEqual(
    client.asked.map(({ maxTokens }) => maxTokens),
    [20, 9],
  );
  assert.equal(codec.decode(result.tokens), "<code>");
  assert.equal(result.contextFull, true, "it was the context that cut it");
});

test("tokens that are not in the reply's text do not fill the sequence", async () => {
  const usage = { promptTokens: 7, replyTokens: 8000 };
  const { tokens } = await sampleOne(clientOf({ text: "<code>x</code>", usage }));
  assert.ok(tokens.length <= 14, `${tokens.length} tokens for 14 bytes`);
});

test("one whose context is full ends the turn for that reason; other errors are errors", async () => {
  for (const answers of [
    [new ContextLengthError("too long", 64, 64)],
    [new ContextLengthError("too long", undefined, undefined)],
    [new ContextLengthError("too long", 64, 60), new ContextLengthError("too long", 64, 64)],
  ]) {
    const client = clientOf(...answers);
    const { tokens, stop, contextFull } = await sampleOne(client);
    assert.deepEqual([tokens, stop, contextFull, client.asked.length], [[], "length", true, answers.length]);
  }
  await assert.rejects(sampleOne(clientOf(new Error("gone"))), /gone/);
});

test("who listens to the text hears it from the client, and when it begins anew", async () => {
  const client: ChatClient = {
    model: "m",
    complete: async ({ onText, onRetry }) => {
      onText?.("half");
      onRetry?.("it was cut");
      onText?.("whole</code>");
      return reply;
    },
  };
  const told: string[] = [];
  await sampleOne(client, {
    ...request(),
    onText: (piece) => told.push(piece),
    onAgain: (reason) => told.push(`(${reason})`),
  });
  assert.deepEqual(told, ["half", "(it was cut)", "whole</code>"]);
});

test("requests of one batch are asked together, and answered in their order", async () => {
  const waiting: (() => void)[] = [];
  let index = 0;
  const client: ChatClient = {
    model: "m",
    complete: async () => {
      const text = `answer ${index++}</code>`;
      await new Promise<void>((resolve) => waiting.push(resolve));
      return { ...reply, text };
    },
  };
  const results = chatSampler(client, codec).sample([request(), request(), request()]);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(waiting.length, 3);
  for (const go of waiting.reverse()) go();
  assert.deepEqual(
    (await results).map(({ tokens }) => codec.decode(tokens)),
    ["answer 0</code>", "answer 1</code>", "answer 2</code>"],
  );
});
