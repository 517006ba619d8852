// Every limit of an episode at its edge, and the laws that hold under all of them.
// « » are <|im_start|> and <|im_end|>, ‹ › the vision marks, # one image placeholder, ¶ a line end; every other
// character is one byte token; ^ below a token means trained on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { datumFromSegments } from "../core/datum.ts";
import { randomStream } from "../core/random.ts";
import { ANSWER, assertDrawn, errorResult, play } from "./episodeHarness.ts";
import { draw, fakeImage, toolResult } from "./scriptedFakes.ts";

test("a turn cut by its token limit is kept as sampled and ends the episode, even with a whole program in it", async () => {
  const { trajectory, runtime } = await play({ says: ["<code>a</code> "], limits: { maxTurnTokens: 14 } });
  assertDrawn(
    trajectory,
    `
«system¶S»¶«user¶Q»¶«assistant¶
...............................
<code>a</code>
^^^^^^^^^^^^^^
`,
  );
  assert.deepEqual(trajectory.endReason, { type: "turnTokenLimit" });
  assert.deepEqual(trajectory.turns[0]?.action, { type: "none", reason: "cut by length" });
  assert.equal(runtime.opened.length, 0);
});

test("context limit inside a turn: the prompt takes 31 of 36 tokens, the turn gets 5", async () => {
  const { trajectory, sampler } = await play({ says: [ANSWER], limits: { maxContextTokens: 36 } });
  assert.equal(sampler.requests[0]?.params.maxNewTokens, 5);
  assert.equal(draw(trajectory.segments).tokens, "«system¶S»¶«user¶Q»¶«assistant¶<answ");
  assert.deepEqual(trajectory.endReason, { type: "contextLimit" });
});

// prompt 31 + turn 14 + observation 24 = 69: with 69 no token could follow the observation, with 70 one can.
for (const [maxContextTokens, turns, length] of [
  [69, 1, 45],
  [70, 2, 70],
] as const)
  test(`context limit ${maxContextTokens} at the observation: ${turns} turn(s), ${length} tokens`, async () => {
    const { trajectory } = await play({
      says: ["<code>a</code>", ANSWER],
      gives: [toolResult({ stdout: "1" })],
      limits: { maxContextTokens },
    });
    assert.equal(trajectory.turns.length, turns);
    assert.equal(draw(trajectory.segments).tokens.length, length);
    assert.deepEqual(trajectory.endReason, { type: "contextLimit" });
    assert.equal(trajectory.segments.at(-1)?.type, "sampled");
    assert.equal(trajectory.toolCalls, 1);
  });

test("a prompt that fills the context gives a bare prompt without asking the sampler", async () => {
  const { trajectory, sampler } = await play({ says: [], limits: { maxContextTokens: 31 } });
  assert.deepEqual(trajectory.endReason, { type: "contextLimit" });
  assert.deepEqual([trajectory.turns.length, sampler.requests.length], [0, 0]);
});

test("image cap: with two images of at most three, two more figures do not enter, not even one of them", async () => {
  const { trajectory } = await play({
    images: [fakeImage(1), fakeImage(1)],
    says: ["<code>a</code>"],
    gives: [toolResult({ figures: [fakeImage(1, 5), fakeImage(1, 6)] })],
    limits: { maxImages: 3 },
  });
  assertDrawn(
    trajectory,
    `
«system¶S»¶«user¶i0:‹#›i1:‹#›Q»¶«assistant¶
...........................................
<code>a</code>
^^^^^^^^^^^^^^
`,
  );
  assert.deepEqual(trajectory.endReason, { type: "imageLimit" });
  assert.equal(trajectory.turns[0]?.tool?.figures.length, 2);
});

test("image cap: exactly maxImages is allowed", async () => {
  const { trajectory } = await play({
    images: [fakeImage(1)],
    says: ["<code>a</code>", ANSWER],
    gives: [toolResult({ figures: [fakeImage(1, 5)] })],
    limits: { maxImages: 2 },
  });
  assert.deepEqual(trajectory.endReason, { type: "answered" });
});

test("turn limit: code in the last turn is not run", async () => {
  const { trajectory, runtime } = await play({
    says: ["<code>a</code>", "<code>b</code>"],
    gives: [toolResult({})],
    limits: { maxTurns: 2 },
  });
  assertDrawn(
    trajectory,
    `
«system¶S»¶«user¶Q»¶«assistant¶
...............................
<code>a</code>
^^^^^^^^^^^^^^
»¶«user¶[-]»¶«assistant¶
........................
<code>b</code>
^^^^^^^^^^^^^^
`,
  );
  assert.deepEqual(trajectory.endReason, { type: "turnLimit" });
  assert.deepEqual(runtime.codes, ["a"]);
  assert.equal(trajectory.turns[1]?.tool, undefined);
});

test("law: whatever is sampled and drawn, placeholders equal images at every request and limits hold", async () => {
  for (let seed = 0; seed < 150; seed++) {
    const random = randomStream("law", seed);
    const limits = {
      maxTurns: 1 + random.below(5),
      maxTurnTokens: 5 + random.below(40),
      maxContextTokens: 40 + random.below(200),
      maxImages: random.below(5),
    };
    const turns = [
      "<code>a</code>",
      "<code>bb</code><|im_end|>",
      ANSWER,
      "x<|image_pad|>y",
      "<code></code>",
      "<|im_end|>",
    ];
    const { trajectory, sampler } = await play({
      images: Array.from({ length: random.below(3) }, () => fakeImage(1 + random.below(5))),
      says: Array.from(
        { length: 6 },
        () => turns[random.below(4) === 0 ? random.below(turns.length) : random.below(2)] as string,
      ),
      gives: Array.from({ length: 6 }, () => {
        const figures = Array.from({ length: random.below(3) }, () => fakeImage(1 + random.below(6)));
        return random.below(3) === 0
          ? errorResult("E: x", { figures })
          : toolResult({ stdout: "<|image_pad|>", figures });
      }),
      limits,
      errorPolicy: random.below(4) === 0 ? "end" : "show",
    });
    for (const segments of [...sampler.requests.map((r) => r.segments), trajectory.segments]) {
      const datum = datumFromSegments(segments, 0, 304); // throws unless logprobs and tokens are of equal number
      const pads = datum.tokens.filter((t) => t === 304).length;
      assert.equal(
        pads,
        datum.images.reduce((n, image) => n + image.tokenCount, 0),
      );
    }
    const sampledTokens = trajectory.segments.reduce(
      (n, s) => n + (s.type === "sampled" ? s.tokens.length : 0),
      0,
    );
    assert.equal(
      sampledTokens,
      trajectory.turns.reduce((n, turn) => n + turn.tokenCount, 0),
    );
    if (sampler.requests.length > 0) {
      const datum = datumFromSegments(trajectory.segments, 0, 304);
      assert.ok(datum.tokens.length <= limits.maxContextTokens && datum.images.length <= limits.maxImages);
      assert.ok(trajectory.turns.length <= limits.maxTurns);
    }
  }
});
