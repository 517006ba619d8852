// What the engine computes for sampling requests that come together or go on: counted, not timed.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { randomStream } from "../../core/random.ts";
import { watchedClock } from "../../core/testTime.ts";
import type { EmbeddedEngine } from "../../engines/embedded/embeddedEngine.ts";
import { smallEngine } from "../../engines/embedded/testModel.ts";
import type { SampleRequest } from "../../engines/engine.ts";
import { Pictures } from "../pictures.ts";
import { PolicySampler } from "./policySampler.ts";
import { promptOf } from "./prompt.ts";
import type { SampleJob, SampleOutput } from "./sampleJob.ts";

let engine: EmbeddedEngine;
let sampler: PolicySampler;
const GATHER = { gatherMs: 5, maxGatherMs: 300, togetherMs: 5000, arriving: () => false };
before(async () => {
  engine = await smallEngine();
  sampler = new PolicySampler(engine, { ...GATHER, now: () => performance.now() });
});
after(() => engine.dispose());

function job(tokens: readonly number[], more: Partial<SampleJob> = {}): SampleJob {
  const pictures = new Pictures(engine.codec);
  const chunk = { type: "encoded_text", tokens: Int32Array.from(tokens) } as const;
  return {
    order: [0, 0],
    sequence: undefined,
    together: undefined,
    prompt: promptOf([chunk], engine.codec.imagePadId, pictures),
    streams: [randomStream("job", 1)],
    maxTokens: 5,
    temperature: 1,
    topP: 1,
    topK: 0,
    stopStrings: [],
    stopTokens: new Set(),
    endsAtTurn: true,
    promptLogprobs: 0,
    ...more,
  };
}

const askOf = (by: PolicySampler, one: SampleJob): Promise<SampleOutput> => by.sample(one, (use) => use(by));
const ask = (one: SampleJob): Promise<SampleOutput> => askOf(sampler, one);

/** A sampler by whose clock nothing passes but what the test says. */
function stopped(arriving = false) {
  // A look reads the clock up to two times, and after one that hands over none follows: the fifth read is of a third look,
  // thus two have ended before it that handed nothing over.
  const clock = watchedClock(5);
  return { by: new PolicySampler(engine, { ...GATHER, arriving: () => arriving, now: clock.now }), clock };
}
const tokensOf = ({ sequences }: SampleOutput): readonly number[] => sequences[0]?.tokens ?? [];

async function work(run: () => Promise<unknown>) {
  const start = engine.samplingWork;
  await run();
  const end = engine.samplingWork;
  return {
    prefillTokens: end.prefillTokens - start.prefillTokens,
    decodeSteps: end.decodeSteps - start.decodeSteps,
  };
}

test("requests of one moment are computed together, in their own order", async () => {
  const seen: string[] = [];
  const original = engine.sample.bind(engine);
  engine.sample = (requests: readonly SampleRequest[]) => {
    for (const { segments } of requests)
      seen.push(String(segments[0]?.type === "text" && segments[0].tokens[0]));
    return original(requests);
  };
  const { decodeSteps } = await work(() =>
    Promise.all(
      (
        [
          [2, 0],
          [1, 7],
          [1, 3],
          [2, 1],
        ] as const
      ).map(async (order, i) => {
        await sleep(i);
        return ask(job([10 + i, 2, 3], { order }));
      }),
    ),
  );
  engine.sample = original;
  assert.deepEqual(seen, ["12", "11", "10", "13"]);
  assert.equal(decodeSteps, 4, "five tokens each, the first with the prompt");
});

test("a request that is being read is waited for, but not for ever", async () => {
  const { by, clock } = stopped(true);
  const { decodeSteps } = engine.samplingWork;
  const asked = askOf(by, job([1, 2, 3]));
  clock.ms = 299;
  await clock.looked();
  assert.equal(engine.samplingWork.decodeSteps, decodeSteps);
  clock.ms = 300;
  assert.ok(tokensOf(await asked).length > 0);
});

test("the requests of one call are one batch, however long one of them takes to come", async () => {
  const call = { call: "a call", count: 3 };
  const late = [0, 1, 2].map((i) =>
    job([1, 2, 3 + i], { order: [0, i], together: call, streams: [randomStream("late", i)] }),
  );
  const { by, clock } = stopped();
  let steps = 0;
  const { decodeSteps } = await work(async () => {
    const asked = late.slice(0, 2).map((one) => askOf(by, one));
    clock.ms = 4999;
    await clock.looked();
    steps = engine.samplingWork.decodeSteps;
    const last = askOf(by, late[2] as SampleJob);
    clock.ms += 5;
    const all = await Promise.all([...asked, last]);
    assert.ok(all.every((output) => tokensOf(output).length > 0));
  });
  assert.equal(
    engine.samplingWork.decodeSteps - steps,
    decodeSteps,
    "nothing was computed before the last came",
  );
  assert.ok(decodeSteps <= 4, `${decodeSteps} steps for at most 5 tokens of each`);
});

test("a call of which a part never comes is computed without it", async () => {
  const { by, clock } = stopped();
  const { decodeSteps } = engine.samplingWork;
  const asked = askOf(by, job([1, 2, 3], { together: { call: "torn", count: 2 } }));
  clock.ms = 4999;
  await clock.looked();
  assert.equal(engine.samplingWork.decodeSteps, decodeSteps);
  clock.ms = 5000;
  assert.ok(tokensOf(await asked).length > 0);
});

test("a sequence that its client names keeps its own cache, also where another one says the same", async () => {
  const prompt = [40, 41, 42, 43];
  const named = (sequence: string, tokens: readonly number[]): SampleJob => job(tokens, { sequence });
  const [a, b] = await Promise.all([ask(named("a", prompt)), ask(named("b", prompt))]);
  assert.deepEqual(tokensOf(a), tokensOf(b), "one stream, one prompt: they say the same");
  const seen: string[] = [];
  const original = engine.sample.bind(engine);
  engine.sample = (requests: readonly SampleRequest[]) => {
    seen.push(...requests.map(({ sequenceId }) => sequenceId));
    return original(requests);
  };
  const longer = [...prompt, ...tokensOf(a), 7];
  await ask(named("b", longer));
  await ask(named("a", longer));
  engine.sample = original;
  const order = seen.map((id) => Number(id.split("-")[1]));
  assert.equal((order[0] as number) - (order[1] as number), 1, "each went on with its own");
  assert.equal(
    (await work(() => ask(named("c", longer)))).prefillTokens,
    longer.length,
    "a stranger has none",
  );
});

test("equal prompts are computed once, and a prompt that goes on from a sample costs what is new", async () => {
  const prompt = Array.from({ length: 20 }, (_, i) => 100 + i);
  const firsts: SampleOutput[] = [];
  const one = await work(async () => {
    const jobs = [0, 1, 2].map((i) => job(prompt, { order: [0, i], streams: [randomStream("stream", i)] }));
    firsts.push(...(await Promise.all(jobs.map(ask))));
  });
  assert.equal(one.prefillTokens, 20);
  const [first, second] = firsts.map(tokensOf);
  assert.notDeepEqual(first, second);
  const longer = [...prompt, ...(first ?? []), 7, 8, 9];
  const goOn = await work(() => ask(job(longer)));
  // The last token that was sampled has not been through the model yet.
  assert.equal(goOn.prefillTokens, 4);
  const again = await work(() => ask(job(longer)));
  assert.equal(again.prefillTokens, longer.length, "the sequence was handed over");
  const other = await work(() => ask(job([...prompt, ...(second ?? []).map((token) => token ^ 1), 7])));
  assert.ok(other.prefillTokens >= 21, "another one does not go on from it");
});

test("sequences that are equal are handed over one by one", async () => {
  const prompt = [50, 51, 52];
  const twice = [0, 1].map((i) => job(prompt, { order: [0, i], streams: [randomStream("same")] }));
  const [one, two] = (await Promise.all(twice.map(ask))).map(tokensOf);
  assert.deepEqual(one, two);
  const longer = [...prompt, ...(one ?? []), 60];
  const { prefillTokens } = await work(() =>
    Promise.all([ask(job(longer)), ask(job(longer, { order: [0, 1] }))]),
  );
  assert.equal(prefillTokens, 4);
});

test("when the weights change, what was asked before sees the old ones, and nothing goes on from them", async () => {
  const fork = await engine.fork();
  const asked = ask(job([1, 2, 3], { maxTokens: 30 }));
  const expected = await new PolicySampler(fork, {
    ...GATHER,
    gatherMs: 0,
    maxGatherMs: 1,
    now: () => performance.now(),
  }).sample(job([1, 2, 3], { maxTokens: 30 }), (use) => use(sampler));
  await fork.dispose();
  await engine.forwardBackward(
    [
      {
        tokens: Int32Array.from({ length: 12 }, (_, i) => i),
        images: [],
        mask: new Float32Array(12).fill(1, 1),
        logprobs: new Float32Array(12),
        advantages: new Float32Array(12),
      },
    ],
    { type: "crossEntropy" },
  );
  const late = ask(job([1, 2, 3], { maxTokens: 30 }));
  sampler.weightsChange();
  const step = { learningRate: 0.3, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 0 };
  await engine.optimStep(step);
  assert.deepEqual(tokensOf(await asked), tokensOf(expected));
  assert.deepEqual(tokensOf(await late), tokensOf(expected));
  const longer = [1, 2, 3, ...tokensOf(expected), 4];
  const { prefillTokens } = await work(() => ask(job(longer)));
  assert.equal(prefillTokens, longer.length);
  assert.equal(sampler.busy, false);
});
