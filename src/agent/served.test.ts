// What a sampler that stands before a model server tells of a turn reaches the trajectory, and a datum made of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { datumFromSegments } from "../core/datum.ts";
import { randomStream } from "../core/random.ts";
import type { SampleResult } from "../engines/engine.ts";
import { runEpisode } from "./episode.ts";
import { byteCodec, sayLine, ScriptedRuntime } from "./scriptedFakes.ts";
import { loadTemplate } from "./template.ts";

function play(more: Partial<SampleResult>, line = "<answer>\\boxed{4}</answer>") {
  const template = loadTemplate("mini");
  return runEpisode({
    task: { id: "t", kind: "k", question: "Q", answer: "4", images: [] },
    member: 0,
    template,
    codec: byteCodec,
    sampler: { sample: async () => [{ ...sayLine(line, 100), ...more }], release: () => undefined },
    runtime: new ScriptedRuntime([]),
    limits: { maxTurns: 2, maxTurnTokens: 100, maxContextTokens: 1000, maxImages: 4 },
    errorPolicy: "show",
    sampling: { temperature: 1, topP: 1, topK: 0 },
    random: randomStream(0),
    sequenceId: "s",
  });
}

const served = {
  model: "m",
  promptTokens: 40,
  replyTokens: 9,
  visualTokens: 0,
  seconds: 0.5,
  attempts: 2,
} as const;

test("a served turn keeps what the server told; without it there is nothing", async () => {
  assert.deepEqual((await play({ served })).turns[0]?.served, served);
  assert.equal("served" in ((await play({})).turns[0] ?? {}), false);
});

test("unfit tokens make a trajectory that no datum is made of", async () => {
  const { segments } = await play({ unfit: "no token ids" });
  assert.throws(() => datumFromSegments(segments, 1, byteCodec.imagePadId), /no token ids/);
  assert.equal(datumFromSegments((await play({})).segments, 1, byteCodec.imagePadId).mask.at(-1), 1);
});

test("a full context of the model's own is the context's limit, not the turn's", async () => {
  const cut = { tokens: [], logprobs: [], stop: "length" } as const;
  assert.deepEqual((await play(cut)).endReason, { type: "turnTokenLimit" });
  assert.deepEqual((await play({ ...cut, contextFull: true })).endReason, { type: "contextLimit" });
});
