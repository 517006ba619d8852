// Requests that come while others are being decoded: who waits for whom, and what is computed how often.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { segmentLength } from "../../core/datum.ts";
import { randomStream } from "../../core/random.ts";
import type { Segment } from "../../core/trajectory.ts";
import type { SampleRequest, SamplingParams } from "../engine.ts";
import type { EmbeddedEngine } from "./embeddedEngine.ts";
import { observation, prompt, smallEngine } from "./testModel.ts";

let engine: EmbeddedEngine;
before(async () => {
  engine = await smallEngine();
});
after(() => engine.dispose());

const lengthOf = (segments: readonly Segment[]): number =>
  segments.reduce((n, segment) => n + segmentLength(segment), 0);

function request(
  sequenceId: string,
  segments: readonly Segment[],
  maxNewTokens: number,
  more: Partial<SampleRequest> & { params?: Partial<SamplingParams> } = {},
): SampleRequest {
  const params = { maxNewTokens, temperature: 1, topP: 1, topK: 0, stopStrings: [], ...more.params };
  return { sequenceId, segments, random: randomStream("draw", sequenceId), ...more, params };
}

test("a request that comes late joins at the next token and is answered while the early one still runs", async () => {
  const order: string[] = [];
  const steps = engine.samplingWork.decodeSteps;
  const early = engine.sample([request("early", prompt(engine, 1), 80)]).then(([result]) => {
    order.push("early");
    return result!;
  });
  for (const until = performance.now() + 60_000; engine.samplingWork.decodeSteps < steps + 5; await turn())
    assert.ok(performance.now() < until, "no five tokens of the early one within a minute");
  const late = await engine.sample([request("late", prompt(engine, 2), 6)]);
  order.push("late");
  const long = await early;
  assert.ok(long.tokens.length > 30, `the early one ended after ${long.tokens.length} tokens`);
  assert.deepEqual(order, ["late", "early"]);
  // The later of the two cost no step of its own but for the wait: 80 tokens are 79 steps, not 79 + 5.
  assert.ok(engine.samplingWork.decodeSteps - steps <= long.tokens.length);
  // Both drew what they draw alone.
  const alone = async (id: string, seed: number, count: number): Promise<unknown> => {
    const own = { random: randomStream("draw", id) };
    const [result] = await engine.sample([request(`${id} alone`, prompt(engine, seed), count, own)]);
    return result!.tokens;
  };
  assert.deepEqual(late[0]!.tokens, await alone("late", 2, 6));
  assert.deepEqual(long.tokens, await alone("early", 1, 80));
});

test("the event loop runs between two tokens: others see a call go on, token by token", async () => {
  const seen = new Set<number>();
  let running = true;
  const look = (): void => {
    seen.add(engine.samplingWork.decodeSteps);
    if (running) setImmediate(look);
  };
  setImmediate(look);
  try {
    const [result] = await engine.sample([request("seen", prompt(engine, 3), 60)]);
    assert.ok(seen.size >= result!.tokens.length - 2, `${seen.size} of ${result!.tokens.length}`);
  } finally {
    running = false;
  }
});

test("sequences come and go at random times: each draws what it draws alone, turn after turn", async () => {
  const random = randomStream("arrivals");
  const draw = async (id: string, seed: number, wait: number): Promise<number[][]> => {
    const segments: Segment[] = prompt(engine, seed);
    const turns: number[][] = [];
    for (let t = 0; t < 3; t++) {
      if (wait > 0) await sleep(wait);
      const own = { random: randomStream("turn", seed, t) };
      const [result] = await engine.sample([request(id, segments, 3 + ((7 * seed + 11 * t) % 40), own)]);
      turns.push([...result!.tokens]);
      segments.push({ type: "sampled", ...result! }, ...observation(engine, seed + t));
    }
    return turns;
  };
  const seeds = Array.from({ length: 12 }, (_, i) => 30 + i);
  const together = await Promise.all(seeds.map((seed) => draw(`mixed ${seed}`, seed, random.below(12))));
  for (const [i, seed] of seeds.entries())
    assert.deepEqual(together[i], await draw(`alone ${seed}`, seed, 0), `sequence ${seed}`);
});

test("a prefix is computed once: the prompt of a group in whatever calls, and earlier turns", async () => {
  const segments = prompt(engine, 4);
  const group = { promptKey: "group" };
  const before = engine.samplingWork;
  const together = [0, 1].map((i) => engine.sample([request(`member${i}`, segments, 9, group)]));
  const [first] = await Promise.all(together);
  const afterwards = await engine.sample([request("member2", segments, 9, group)]);
  let { prefillTokens, images } = engine.samplingWork;
  assert.equal(prefillTokens - before.prefillTokens, lengthOf(segments), "one prompt for three members");
  assert.equal(images - before.images, 1);
  // A second turn: what the observation holds, and the last token drawn, which was never fed.
  const more = observation(engine, 5);
  const grown: Segment[] = [...segments, { type: "sampled", ...first![0]! }, ...more];
  await engine.sample([request("member0", grown, 2, group)]);
  assert.equal(engine.samplingWork.prefillTokens - prefillTokens, lengthOf(more) + 1);
  ({ prefillTokens, images } = engine.samplingWork);
  // A member whose first request goes beyond the shared prompt computes only what is beyond.
  const beyond: Segment[] = [...segments, { type: "sampled", ...afterwards[0]! }];
  const [continued] = await engine.sample([request("member3", beyond, 4, group)]);
  assert.equal(engine.samplingWork.prefillTokens - prefillTokens, afterwards[0]!.tokens.length);
  const own = { random: randomStream("draw", "member3") };
  const [anew] = await engine.sample([request("no group", beyond, 4, own)]);
  assert.deepEqual(continued!.tokens, anew!.tokens);
});

test("a promptKey that stands for another prompt is refused, and only that call", async () => {
  const key = { promptKey: "mine" };
  const good = engine.sample([request("good", prompt(engine, 6), 4, key)]);
  const bad = engine.sample([request("bad", prompt(engine, 7), 4, key)]);
  await assert.rejects(
    bad,
    /sampling "bad": promptKey "mine" stands for another prompt \(segment \d differs\)/,
  );
  assert.equal((await good)[0]!.stop, "length");
  const later = engine.sample([request("bad", prompt(engine, 7), 4, key)]);
  await assert.rejects(later, /promptKey "mine" stands for another prompt/);
});

test("a promptKey speaks of contents: equal pixels in another object are the same prompt", async () => {
  const key = { promptKey: "equal" };
  const { prefillTokens } = engine.samplingWork;
  await engine.sample([request("equal 1", prompt(engine, 9), 2, key)]);
  await engine.sample([request("equal 2", prompt(engine, 9), 2, key)]);
  assert.equal(engine.samplingWork.prefillTokens - prefillTokens, lengthOf(prompt(engine, 9)));
});

test("one sequence is never sampled twice at a time", async () => {
  const segments = prompt(engine, 8);
  const pending = engine.sample([request("twin", segments, 4)]);
  await assert.rejects(
    engine.sample([request("twin", segments, 4)]),
    /"twin": the sequence is being sampled already/,
  );
  await pending;
  const both = [request("pair", segments, 4), request("pair", segments, 4)];
  await assert.rejects(engine.sample(both), /"pair": the sequence is being sampled already/);
  engine.release("twin");
  await engine.sample([request("twin", segments, 4)]);
});
