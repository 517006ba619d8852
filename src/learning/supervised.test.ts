import assert from "node:assert/strict";
import test from "node:test";
import type { Datum } from "../core/datum.ts";
import { stepsOfEpochs, supervisedLoop } from "./supervised.ts";
import type { SupervisedReport } from "./supervised.ts";
import { close, datum, ScriptedEngine } from "./testSupport.ts";

const options = {
  steps: 10,
  batchSize: 2,
  microBatchTokens: 100,
  optimizer: { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 },
  schedule: { type: "constant", peak: 1, warmupSteps: 2, finalFraction: 0 },
  stage: "SFT",
} as const;

async function run(
  data: Iterable<Datum>,
  changed: { steps?: number } = {},
  stepsDone = 0,
): Promise<{ reports: SupervisedReport[]; engine: ScriptedEngine }> {
  const engine = new ScriptedEngine();
  let clock = 0;
  const now = (): number => (clock += 500);
  const reports: SupervisedReport[] = [];
  for await (const report of supervisedLoop({ ...options, ...changed }, { engine, data, now }, stepsDone))
    reports.push(report);
  return { reports, engine };
}

test("batches of the given size, the last one short, one optimiser step each", async () => {
  const data = [datum(4, 3, -1), datum(4, 1, -5), datum(6, 2, -2), datum(6, 2, -2), datum(3, 1, -4)];
  const { reports, engine } = await run(data);
  assert.deepEqual(
    engine.events.map((event) =>
      event.type === "forwardBackward" ? event.batch.length : event.params.learningRate,
    ),
    [2, 0.5, 2, 1, 1, 1],
  );
  // (3 × 1 + 1 × 5) / 4 = 2: the mean of tokens, where the mean of sequences would be 3
  assert.deepEqual(
    reports.map(({ step, loss, sequences, trainedTokens }) => [step, loss, sequences, trainedTokens]),
    [
      [1, 2, 2, 4],
      [2, 2, 2, 4],
      [3, 4, 1, 1],
    ],
  );
  // 8 tokens, prompts included, in half a second
  close(reports[0]?.tokensPerSecond, 16);
  assert.equal(engine.events[0]?.type === "forwardBackward" && engine.events[0].loss.type, "crossEntropy");
});

test("stops at the number of steps and closes the data, having drawn no more than it used", async () => {
  let drawn = 0;
  let closed = false;
  function* endless(): Generator<Datum> {
    try {
      for (;;) {
        drawn++;
        yield datum(4, 2);
      }
    } finally {
      closed = true;
    }
  }
  const { reports } = await run(endless(), { steps: 3 });
  assert.equal(reports.length, 3);
  assert.equal(drawn, 6);
  assert.equal(closed, true);
});

test("a resumed run continues number and learning rate", async () => {
  const { reports } = await run([datum(4, 2), datum(4, 2)], {}, 1);
  assert.deepEqual(
    reports.map((r) => [r.step, r.learningRate]),
    [[2, 1]],
  );
});

test("the last batch of an epoch takes what it lacks from the next", () => {
  assert.equal(stepsOfEpochs(2000, { epochs: 2, batchSize: 32 }), 125); // 62.5 an epoch
  assert.equal(stepsOfEpochs(5, { epochs: 1, batchSize: 2 }), 3);
});
