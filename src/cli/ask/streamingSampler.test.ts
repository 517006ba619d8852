import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { byteCodec } from "../../agent/scriptedFakes.ts";
import { segmentLength } from "../../core/datum.ts";
import { randomStream } from "../../core/random.ts";
import type { EmbeddedEngine } from "../../engines/embedded/embeddedEngine.ts";
import { observation, prompt, smallEngine } from "../../engines/embedded/testModel.ts";
import type { SampleRequest, Sampler, SamplingParams } from "../../engines/engine.ts";
import { StreamingSampler } from "./streamingSampler.ts";

let engine: EmbeddedEngine;
before(async () => {
  engine = await smallEngine();
});
after(() => engine.dispose());

const PARAMS: SamplingParams = { maxNewTokens: 12, temperature: 1, topP: 1, topK: 0, stopStrings: [] };

test("two turns of the engine token by token: the same tokens, every prompt token computed once", async () => {
  const streaming = new StreamingSampler(engine, engine.codec);
  const play = async (sampler: Sampler, sequenceId: string, onText?: (piece: string) => void) => {
    const random = randomStream("draw");
    const segments = prompt(engine, 1);
    const more = { sequenceId, random, params: PARAMS, ...(onText && { onText }) };
    const [first] = await sampler.sample([{ ...more, segments }]);
    assert.ok(first);
    const { tokens, logprobs } = first;
    const longer = [...segments, { type: "sampled" as const, tokens, logprobs }, ...observation(engine, 2)];
    const [second] = await sampler.sample([{ ...more, segments: longer }]);
    assert.ok(second);
    return [first, second];
  };
  const whole = await play(engine, "whole");
  const { prefillTokens: before } = engine.samplingWork;
  const pieces: string[] = [];
  const told = await play(streaming, "told", (piece) => pieces.push(piece));
  assert.deepEqual(
    told.map(({ tokens, stop }) => ({ tokens, stop })),
    whole.map(({ tokens, stop }) => ({ tokens, stop })),
  );
  told.forEach(({ logprobs }, i) =>
    logprobs.forEach((logprob, t) => assert.ok(Math.abs(logprob - (whole[i]?.logprobs[t] ?? 9)) < 1e-4)),
  );
  assert.equal(pieces.join(""), told.map(({ tokens }) => engine.codec.decode(tokens)).join(""));
  assert.ok(pieces.length > 12, `${pieces.length} pieces`);

  // Prompt, observation, and every sampled token but the last goes through the model once.
  const lengths = [...prompt(engine, 1), ...observation(engine, 2)].map(segmentLength);
  const expected = [...lengths, ...told.map(({ tokens }) => tokens.length)].reduce((a, b) => a + b) - 1;
  assert.equal(engine.samplingWork.prefillTokens - before, expected);
  assert.equal(engine.openSequences, 2);
  streaming.release("told");
  assert.equal(engine.openSequences, 1);
});

/** Says the tokens of a text one a request, and ends by itself only at the end-of-turn token. */
function speller(text: string): Sampler & { readonly requests: SampleRequest[] } {
  const tokens = byteCodec.encodeTemplate(text);
  const requests: SampleRequest[] = [];
  return {
    requests,
    sample: async (asked) => {
      const [request] = asked as [SampleRequest];
      const token = tokens[requests.length] as number;
      requests.push(request);
      const { length } = requests;
      return [{ tokens: [token], logprobs: [-length], stop: token === 301 ? "stop" : "length" }];
    },
    release: () => undefined,
  };
}

async function tell(text: string, params: Partial<SamplingParams>) {
  const inner = speller(text);
  const pieces: string[] = [];
  const [result] = await new StreamingSampler(inner, byteCodec).sample([
    {
      ...{
        sequenceId: "s",
        segments: [],
        random: randomStream(0),
        onText: (piece: string) => pieces.push(piece),
      },
      params: { ...PARAMS, maxNewTokens: 100, ...params },
    },
  ]);
  assert.ok(result);
  return { ...result, text: byteCodec.decode(result.tokens), pieces, requests: inner.requests };
}

test("a turn ends right after a stop string, wherever the tokens of it begin and end", async () => {
  const { text, stop, pieces, logprobs, requests } = await tell("a</code>b", {
    stopStrings: ["</x>", "</code>"],
  });
  assert.deepEqual([text, stop, pieces.join("")], ["a</code>", "stop", "a</code>"]);
  assert.deepEqual(logprobs, [-1, -2, -3, -4, -5, -6, -7, -8]);
  assert.ok(requests.every(({ params, onText }) => params.maxNewTokens === 1 && onText === undefined));
  assert.deepEqual(requests[2]?.segments, [{ type: "sampled", tokens: [97, 60], logprobs: [-1, -2] }]);
});

test("the model's own end and the limit of tokens end it too", async () => {
  const own = await tell("ab<|im_end|>c", {});
  assert.deepEqual([own.text, own.stop], ["ab<|im_end|>", "stop"]);
  const cut = await tell("abcd", { maxNewTokens: 3 });
  assert.deepEqual([cut.text, cut.stop], ["abc", "length"]);
});

test("characters of several tokens are told whole; bytes that make none are told in the end", async () => {
  const { pieces } = await tell("aé🙂b", { maxNewTokens: 8 });
  assert.deepEqual(pieces, ["a", "é", "🙂", "b"]);
  const cut = await tell("a🙂", { maxNewTokens: 3 });
  assert.deepEqual(cut.pieces, ["a", "\ufffd"]);
});

test("without a listener a request goes through as it is", async () => {
  const inner = speller("ab");
  const request = { sequenceId: "s", segments: [], random: randomStream(0), params: PARAMS };
  await new StreamingSampler(inner, byteCodec).sample([request]);
  assert.deepEqual(inner.requests, [request]);
});
