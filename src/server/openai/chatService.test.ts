// Calls answered by a sampler that says what a script says, on the codec of one token a byte.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { byteCodec, drawTokens } from "../../agent/scriptedFakes.ts";
import type { SampleRequest, SampleResult, Sampler } from "../../engines/engine.ts";
import { ChatService, type ChatServiceOptions, type Reply, type ReplyPiece } from "./chatService.ts";
import { tokensOf } from "./prompt.ts";
import { parseChatCall } from "./requestBody.ts";
import { RequestError } from "./requestError.ts";

/**
 * Says each line to one reply, piece by piece as it is asked, ending like an engine: right after a stop string that
 * stands within the piece.
 */
class LineSampler implements Sampler {
  readonly requests: SampleRequest[] = [];
  readonly released: string[] = [];
  private said = 0;
  private line = 0;

  constructor(private readonly lines: readonly string[]) {}

  async sample([request]: readonly SampleRequest[]): Promise<readonly SampleResult[]> {
    assert.ok(request !== undefined);
    this.requests.push(request);
    if (request.segments.at(-1)?.type !== "sampled") {
      this.said = 0;
      this.line++;
    }
    const { maxNewTokens, stopStrings } = request.params;
    const all = byteCodec.encodeTemplate(this.lines[this.line - 1] ?? "");
    const tokens: number[] = [];
    let stop: SampleResult["stop"] = "length";
    while (tokens.length < maxNewTokens && stop === "length") {
      tokens.push(all[this.said++] ?? byteCodec.endOfTurnId);
      const text = byteCodec.decode(tokens);
      if (tokens.at(-1) === byteCodec.endOfTurnId || stopStrings.some((s) => text.includes(s))) stop = "stop";
    }
    return [{ tokens, logprobs: tokens.map((_, i) => -(i + 1) / 1024), stop }];
  }

  release(sequenceId: string): void {
    this.released.push(sequenceId);
  }
}

interface Answered {
  readonly reply: Reply;
  readonly pieces: readonly ReplyPiece[];
  readonly promptTokens: readonly number[];
  readonly cachedTokens: number;
}

function served(lines: readonly string[], options: Partial<ChatServiceOptions> = {}) {
  const sampler = new LineSampler(lines);
  const tokenBytes = (id: number): Uint8Array => Buffer.from(byteCodec.decode([id]), "latin1");
  const model = { id: "m", sampler, codec: byteCodec, tokenBytes, contextTokens: 300 };
  const service = new ChatService(model, { newSeed: () => 7, ...options });
  const ask = async (body: object, signal?: AbortSignal): Promise<Answered> => {
    const run = service.begin(
      parseChatCall({ model: "m", messages: [{ role: "user", content: "Q" }], ...body }),
    );
    const pieces: ReplyPiece[] = [];
    const replies = run.reply(signal);
    for (;;) {
      const next = await replies.next();
      if (next.done === true)
        return { reply: next.value, pieces, promptTokens: run.promptTokens, cachedTokens: run.cachedTokens };
      pieces.push(next.value);
    }
  };
  return { sampler, service, ask };
}

const HEAD = "«system¶You are a helpful assistant.»¶«user¶Q»¶«assistant¶";
const said = (text: string) => [
  { role: "user", content: "Q" },
  { role: "assistant", content: text },
  { role: "user", content: "R" },
];

describe("one reply", () => {
  test("ends with its turn; the end-of-turn token is counted but no text", async () => {
    const { sampler, ask } = served(["Yes."]);
    const { reply, promptTokens, cachedTokens } = await ask({
      max_tokens: 9,
      temperature: 0,
      top_k: 3,
      top_p: 0.5,
      stop: "x",
    });
    assert.equal(drawTokens(promptTokens), HEAD);
    assert.equal(drawTokens(reply.tokens), "Yes.»");
    assert.deepEqual([reply.text, reply.finish, reply.stopReason], ["Yes.", "stop", undefined]);
    assert.deepEqual(
      reply.logprobs,
      [1, 2, 3, 4, 5].map((n) => -n / 1024),
    );
    assert.equal(cachedTokens, 0);
    const [request] = sampler.requests;
    assert.deepEqual(request?.params, {
      maxNewTokens: 9,
      temperature: 0,
      topP: 0.5,
      topK: 3,
      stopStrings: ["x"],
    });
  });

  test("is as long as asked, or as the context has room for", async () => {
    const { sampler, ask } = served(["abcdef", "x".repeat(1000)], { wholeTokens: 1000 });
    const short = await ask({ max_tokens: 3 });
    assert.deepEqual([short.reply.text, short.reply.finish], ["abc", "length"]);
    const long = await ask({});
    assert.equal(long.reply.tokens.length, 300 - HEAD.length);
    assert.equal(sampler.requests[1]?.params.maxNewTokens, 300 - HEAD.length);
  });

  test("comes in pieces that continue one sequence and one stream of random numbers", async () => {
    const { sampler, ask } = served(["abcdefg"], { streamTokens: 3 });
    const { pieces, reply } = await ask({ stream: true, max_tokens: 7 });
    assert.deepEqual(
      pieces.map(({ text }) => text),
      ["abc", "def", "g"],
    );
    assert.equal(reply.text, "abcdefg");
    const { requests } = sampler;
    assert.deepEqual(
      requests.map(({ params }) => params.maxNewTokens),
      [3, 3, 1],
    );
    assert.deepEqual(
      requests.map(({ segments }) => drawTokens(tokensOf(segments, byteCodec.imagePadId))),
      [HEAD, `${HEAD}abc`, `${HEAD}abcdef`],
    );
    assert.equal(new Set(requests.map(({ sequenceId }) => sequenceId)).size, 1);
    assert.equal(new Set(requests.map(({ random }) => random)).size, 1);
  });

  test("draws by its seed; without one by a new one", async () => {
    let seed = 0;
    const { sampler, ask } = served(["a", "a", "a", "a"], { newSeed: () => ++seed });
    for (const body of [{ seed: 5 }, { seed: 5 }, {}, {}]) await ask(body);
    const first = sampler.requests.map(({ random }) => random.next());
    assert.equal(first[0], first[1]);
    assert.equal(new Set(first).size, 3);
  });
});

describe("stop strings", () => {
  test("within a piece: left out of the text, or its end when asked for; the tokens have it", async () => {
    const { ask } = served(["ab</c>", "ab</c>"]);
    const without = await ask({ stop: ["</c>"] });
    assert.deepEqual(
      [without.reply.text, without.reply.finish, without.reply.stopReason],
      ["ab", "stop", "</c>"],
    );
    assert.equal(drawTokens(without.reply.tokens), "ab</c>");
    const within = await ask({ stop: ["</c>"], include_stop_str_in_output: true });
    assert.equal(within.reply.text, "ab</c>");
  });

  test("over two pieces: found, and what was sampled beyond it is dropped with its cache", async () => {
    const { sampler, ask } = served(["ab</c>xyz", "No."], { streamTokens: 4 });
    const { reply, pieces } = await ask({ stream: true, stop: ["</c>"], max_tokens: 50 });
    assert.deepEqual(
      pieces.map(({ text }) => text),
      ["ab", ""],
    );
    assert.deepEqual([reply.text, reply.stopReason], ["ab", "</c>"]);
    assert.equal(drawTokens(reply.tokens), "ab</c>");
    assert.equal(reply.logprobs.length, 6);
    const [first] = sampler.requests;
    assert.deepEqual(sampler.released, [first?.sequenceId]);
    const { promptTokens, cachedTokens } = await ask({ messages: said("ab</c>") });
    assert.equal(drawTokens(promptTokens), `${HEAD}ab</c>»¶«user¶R»¶«assistant¶`);
    assert.equal(cachedTokens, 0);
    assert.notEqual(sampler.requests.at(-1)?.sequenceId, first?.sequenceId);
  });
});

describe("a conversation that goes on", () => {
  test("continues its sequence: tokens as sampled, only the new ones to compute", async () => {
    const { sampler, ask } = served(["Yes.", "No."]);
    await ask({});
    const { promptTokens, cachedTokens } = await ask({ messages: said("Yes.") });
    assert.equal(drawTokens(promptTokens), `${HEAD}Yes.»¶«user¶R»¶«assistant¶`);
    assert.equal(cachedTokens, `${HEAD}Yes.`.length);
    const [first, second] = sampler.requests;
    assert.equal(second?.sequenceId, first?.sequenceId);
    assert.deepEqual(sampler.released, []);
  });

  test("whose reply the client ended itself with the stop string that was left out", async () => {
    const { ask } = served(["<c>1</c>", "No.", "Never."]);
    await ask({ stop: ["</c>"] });
    const { promptTokens, cachedTokens } = await ask({ messages: said("<c>1</c>") });
    assert.equal(drawTokens(promptTokens), `${HEAD}<c>1</c>»¶«user¶R»¶«assistant¶`);
    assert.equal(cachedTokens, `${HEAD}<c>1</c`.length);
    const bare = await ask({ messages: said("<c>1") });
    assert.equal(drawTokens(bare.promptTokens), drawTokens(promptTokens), "the model did end it");
    assert.equal(bare.cachedTokens, 0);
  });

  test("asked twice at once is two sequences", async () => {
    const { sampler, ask } = served(["Yes.", "No.", "Never."]);
    await ask({});
    const both = await Promise.all([ask({ messages: said("Yes.") }), ask({ messages: said("Yes.") })]);
    assert.deepEqual(both.map(({ cachedTokens }) => cachedTokens > 0).sort(), [false, true]);
    assert.equal(new Set(sampler.requests.map(({ sequenceId }) => sequenceId)).size, 2);
  });

  test("with another reply than was given is a new sequence", async () => {
    const { ask } = served(["Yes.", "No."]);
    await ask({});
    const { promptTokens, cachedTokens } = await ask({ messages: said("Perhaps.") });
    assert.equal(drawTokens(promptTokens), `${HEAD}Perhaps.»¶«user¶R»¶«assistant¶`);
    assert.equal(cachedTokens, 0);
  });

  test("sequences beyond the most that are held are released", async () => {
    const { sampler, ask } = served(["Yes.", "No.", "Never."], { maxOpenSequences: 1 });
    await ask({});
    const first = sampler.requests[0]?.sequenceId;
    await ask({ messages: [{ role: "user", content: "Other" }] });
    assert.deepEqual(sampler.released, [first]);
  });
});

describe("what cannot be answered", () => {
  const refused = (status: number, code: string, message: RegExp) => (error: unknown) => {
    assert.ok(error instanceof RequestError);
    assert.deepEqual([error.status, error.body.error.code], [status, code]);
    assert.match(error.message, message);
    return true;
  };

  test("another model", async () => {
    const { ask } = served([]);
    await assert.rejects(ask({ model: "gpt" }), refused(404, "model_not_found", /has only "m"; got "gpt"/));
  });

  test("more than the context holds; a conversation's sequence is released then", async () => {
    const { sampler, ask } = served(["Yes."]);
    const long = "x".repeat(300);
    const full = refused(
      400,
      "context_length_exceeded",
      /context length is 300 tokens: \d+ in the messages and 1 in/,
    );
    await assert.rejects(ask({ messages: [{ role: "user", content: long }] }), full);
    const room = 300 - HEAD.length;
    await assert.rejects(
      ask({ max_tokens: room + 1 }),
      refused(400, "context_length_exceeded", /lower max_tokens/),
    );
    await ask({});
    const messages = [...said("Yes."), { role: "assistant", content: long }, { role: "user", content: "" }];
    await assert.rejects(ask({ messages }), full);
    assert.deepEqual(sampler.released.at(-1), sampler.requests[0]?.sequenceId);
  });

  test("nobody waits any more: sampling ends with the piece, and the sequence is released", async () => {
    const { sampler, ask } = served(["x".repeat(200)], { streamTokens: 2 });
    const controller = new AbortController();
    const sample = sampler.sample.bind(sampler);
    sampler.sample = async (requests) => {
      if (sampler.requests.length === 2) controller.abort(new Error("gone"));
      return sample(requests);
    };
    await assert.rejects(ask({ stream: true }, controller.signal), /^Error: gone$/);
    assert.equal(sampler.requests.length, 3);
    assert.deepEqual(sampler.released, [sampler.requests[0]?.sequenceId]);
  });

  test("a stream that is given up in the middle releases its sequence", async () => {
    const { sampler, service } = served(["x".repeat(200)], { streamTokens: 2 });
    const messages = [{ role: "user", content: "Q" }];
    const run = service.begin(parseChatCall({ model: "m", messages, stream: true }));
    for await (const piece of run.reply()) {
      assert.equal(piece.text, "xx");
      break;
    }
    assert.deepEqual(sampler.released, [sampler.requests[0]?.sequenceId]);
  });

  test("the sampler's own failure is passed on, and the sequence released", async () => {
    const { sampler, ask } = served([]);
    const released: string[] = [];
    sampler.release = (id) => void released.push(id);
    sampler.sample = () => Promise.reject(new Error("logits are not finite"));
    await assert.rejects(ask({}), /logits are not finite/);
    assert.equal(released.length, 1);
  });
});
