// What of a server's tokens is the turn, and whether it may be trained on.
import assert from "node:assert/strict";
import test from "node:test";
import { capabilitiesOf } from "./capabilities.ts";
import type { Dialect, SampledSequence } from "./protocol/wire.ts";
import { lettersCodec } from "./stubServer.ts";
import { turnOf } from "./turn.ts";

const PLAIN = { maxNewTokens: 6, temperature: 1, topP: 1, topK: 0, stopStrings: ["cd", "zzz"] };
const [A, B, C, D, END, PAD] = [97, 98, 99, 100, 1, 0];

function turn(
  sequence: Partial<SampledSequence> & Pick<SampledSequence, "tokens">,
  params: Partial<typeof PLAIN> = {},
  dialect: Dialect = "pyvision",
): ReturnType<typeof turnOf> {
  const logprobs = sequence.tokens.map((_, i) => 0 - i);
  return turnOf(
    { stopReason: "stop", logprobs, ...sequence },
    { params: { ...PLAIN, ...params } },
    lettersCodec,
    capabilitiesOf(dialect),
  );
}

test("a turn that ends as it should stays as it is", () => {
  assert.deepEqual(turn({ tokens: [A, C, D] }), { tokens: [A, C, D], logprobs: [0, -1, -2], stop: "stop" });
  assert.deepEqual(turn({ tokens: [A, END] }), { tokens: [A, END], logprobs: [0, -1], stop: "stop" });
});

test("what comes after the end is cut, whatever the server says of it", () => {
  for (const stopReason of ["stop", "length"] as const) {
    assert.deepEqual(turn({ tokens: [A, C, D, B, B], stopReason }).tokens, [A, C, D]);
    assert.deepEqual(turn({ tokens: [A, END, B], stopReason }), {
      tokens: [A, END],
      logprobs: [0, -1],
      stop: "stop",
    });
  }
  const long = turn({ tokens: [A, A, A, A, A, A, A], stopReason: "stop" });
  assert.equal(long.tokens.length, 6);
  assert.equal(long.stop, "length");
  assert.equal(long.unfit, undefined);
});

test("an end by a rule of the server's own is its end", () => {
  assert.deepEqual(turn({ tokens: [A, B] }), { tokens: [A, B], logprobs: [0, -1], stop: "stop" });
});

test("a turn that is cut before its limit met the end of the model's context", () => {
  assert.deepEqual(turn({ tokens: [A, B], stopReason: "length" }), {
    tokens: [A, B],
    logprobs: [0, -1],
    stop: "length",
    contextFull: true,
  });
  assert.equal(turn({ tokens: [A, B, A, B, A, B], stopReason: "length" }).contextFull, undefined);
});

test("without log-probabilities nothing is trained on it", () => {
  const { logprobs: _, ...bare } = { logprobs: 0, tokens: [A, C, D], stopReason: "stop" as const };
  assert.deepEqual(turnOf(bare, { params: PLAIN }, lettersCodec, capabilitiesOf("hosted")), {
    tokens: [A, C, D],
    logprobs: [0, 0, 0],
    stop: "stop",
    unfit: "the server gave no log-probabilities for it",
  });
  assert.match(
    turn({ tokens: [A, C, D], logprobs: [-1, -Infinity, -1] }).unfit ?? "",
    /no log-probabilities/,
  );
  // Behind the end nobody looks.
  assert.equal(turn({ tokens: [END, C], logprobs: [-1, NaN] }).unfit, undefined);
  assert.throws(() => turn({ tokens: [A, C, D], logprobs: [-1] }), /1 log-probabilities for 3 tokens/);
});

test("where log-probabilities are scaled, only plain sampling can be trained on", () => {
  for (const params of [{ temperature: 0.5 }, { temperature: 0 }, { topP: 0.9 }, { topK: 5 }]) {
    assert.match(
      turn({ tokens: [END] }, params, "hosted").unfit ?? "",
      /only those of the plain distribution/,
    );
    assert.equal(turn({ tokens: [END] }, params, "skyrl").unfit, undefined);
  }
  assert.equal(turn({ tokens: [END] }, {}, "hosted").unfit, undefined);
});

test("a forged image ends the turn before it, and nothing is trained on it", () => {
  assert.deepEqual(turn({ tokens: [A, PAD, END] }), {
    tokens: [A],
    logprobs: [0],
    stop: "length",
    unfit: "the model wrote the placeholder of an image that is not there",
  });
});
