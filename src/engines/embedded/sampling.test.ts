// What the embedded sampler promises beyond the contract; the contract itself is in conformance.test.ts.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { randomStream } from "../../core/random.ts";
import type { SampleRequest, SamplingParams } from "../engine.ts";
import type { EmbeddedEngine } from "./embeddedEngine.ts";
import { prompt, smallEngine } from "./testModel.ts";

let engine: EmbeddedEngine;
before(async () => {
  engine = await smallEngine();
});
after(() => engine.dispose());

function request(sequenceId: string, seed: number, params: Partial<SamplingParams>): SampleRequest {
  const all = { maxNewTokens: 12, temperature: 1, topP: 1, topK: 0, stopStrings: [], ...params };
  return { sequenceId, segments: prompt(engine, seed), params: all, random: randomStream("draw", seed) };
}

test("special tokens other than the end of a turn are never drawn", async () => {
  const results = await engine.sample(
    Array.from({ length: 32 }, (_, i) => request(`ban${i}`, i, { temperature: 10, maxNewTokens: 40 })),
  );
  const drawn = new Set(results.flatMap((r) => r.tokens));
  // 276..289 are the special tokens (278 is <|im_end|>), 290..319 are unused rows of the embedding.
  assert.deepEqual(
    [...drawn].filter((id) => id >= 276 && id !== 278),
    [],
  );
  assert.ok(drawn.has(278) && drawn.size > 200);
});

test("caches are held until a sequence is released", async () => {
  const before = engine.openSequences;
  await engine.sample([request("held", 50, {}), request("held too", 51, {})]);
  assert.equal(engine.openSequences, before + 2);
  engine.release("held");
  engine.release("held too");
  assert.equal(engine.openSequences, before);
});
