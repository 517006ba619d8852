// `pyvision bench engine`: the arithmetic between measured times and the report, by hand: rates, what decoding costs without
// its prefill, the bars, and the work of a training step.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "../models/qwen2_5_vl/config.ts";
import { smallConfigJson } from "../models/qwen2_5_vl/testFixtures.ts";
import { trainingFlops } from "../../bench/engine/flops.ts";
import { type Case, type Rounds, runRounds } from "../../bench/engine/measure.ts";
import type { Plan } from "../../bench/engine/plan.ts";
import type { Side } from "../../bench/engine/side.ts";
import {
  barsOf,
  COMPILED,
  EAGER,
  measuredOf,
  OURS,
  prefillOf,
  rowsOf,
  SCORES,
} from "../../bench/engine/verdict.ts";

const shape = (rows: number) => ({ lengths: Array.from({ length: rows }, () => 10), images: false });
const plan: Plan = {
  training: [{ name: "t", shape: shape(4), rounds: 2, bar: true }],
  sampling: [
    { name: "a", shape: shape(2), rounds: 2, barOf: 2, scores: true },
    { name: "b", shape: shape(2), rounds: 2, barOf: 2, scores: false },
    { name: "cut off", shape: shape(64), rounds: 2, barOf: 64, scores: false },
  ],
  ...{ newTokens: 11, seconds: 1, compileLimitSeconds: 0, matmulRepeats: 1, memory: false },
};

function roundsOf(ms: Readonly<Record<string, readonly number[]>>): Rounds {
  return {
    times: (name, contestant) => (ms[`${name}/${contestant}`] ?? []).map((t) => ({ ms: t, cpuMs: t })),
    ...{ idleShare: new Map<string, number>(), skipped: 0, faults: new Map<string, string>() },
  };
}

const measured = roundsOf({
  [`t/${OURS}`]: [20, 10],
  [`t/${EAGER}`]: [80, 30],
  [`t/${COMPILED}`]: [40, 32],
  [`a/${OURS}`]: [30, 30],
  [`a/${prefillOf(OURS)}`]: [10, 10],
  [`a/${EAGER}`]: [150, 150],
  [`a/${SCORES}`]: [130, 130],
  [`a/${prefillOf(EAGER)}`]: [50, 50],
  [`b/${OURS}`]: [20, 20],
  [`b/${prefillOf(OURS)}`]: [10, 10],
  [`b/${EAGER}`]: [90, 60],
  [`b/${prefillOf(EAGER)}`]: [35, 35],
});

test("rates are of real tokens, and decoding leaves out the prefill and the first token", () => {
  const row = (name: string) => {
    const found = rowsOf(plan, measured).find((r) => r.name === name);
    return [found?.value, found?.peer, found?.ratio];
  };
  assert.deepEqual(row("t"), [40_000 / 15, 40_000 / 55, 55 / 15]); // medians 15 and 55 ms for 40 tokens
  assert.deepEqual(row("prefill a"), [2000, 400, 5]);
  assert.deepEqual(row("decode a"), [1000, 200, 5]); // 2 rows x 10 tokens in 20 and in 100 ms
  assert.deepEqual(row("decode a; peer gives scores"), [1000, 250, 4]); // 130 - 50 = 80 ms
});

test("a bar takes the peer's fastest way, the lower of median and best round, and the lowest of its shapes", () => {
  const bars = barsOf(plan, measured);
  // Training: the peer's fastest is 36 ms in the median (2.4x) and 30 in the best round (3x).
  assert.deepEqual([bars[0]?.value, bars[0]?.met], [2.4, true]);
  // Decoding: a 80 / 20 = 4x; b 40 / 10 in the median, 25 / 10 in the best round.
  assert.deepEqual([bars[1]?.value, bars[1]?.met], [2.5, false]);
  assert.match(bars[1]?.bar ?? "", /lowest of 2: b$/);
  assert.equal(bars.length, 2); // none for the shape that was cut off
  assert.deepEqual(measuredOf(plan, measured).names, ["t", "a", "b"]);
});

test("rounds take turns, the first is not counted, and what a waiting side burns is seen", async () => {
  const order: string[] = [];
  const cpu = { x: 0, y: 0 };
  const side = (name: "x" | "y") => ({ name, cpuSeconds: () => cpu[name] }) as unknown as Side;
  const [x, y] = [side("x"), side("y")];
  const contestant = (name: "x" | "y", its: Side) => ({
    ...{ name, side: its },
    run: () => {
      order.push(name);
      if (name === "x") cpu.y += 1000; // y does not rest: more than a core, however long the call takes
      return Promise.resolve({ ms: order.length, cpuMs: 0 });
    },
  });
  const cases: Case[] = [
    { name: "c", kind: "training", rounds: 2, contestants: [contestant("x", x), contestant("y", y)] },
  ];
  const progress = { update: () => {}, advance: () => {}, end: () => {} };
  const rounds = await runRounds(cases, [x, y], 60, 100, progress);
  assert.equal(order.join(""), "xyyxxy");
  assert.deepEqual(
    rounds.times("c", "x").map(({ ms }) => ms),
    [4, 5],
  );
  assert.equal(rounds.idleShare.get("x"), 0);
  assert.ok((rounds.idleShare.get("y") ?? 0) > 1);
});

test("a fault ends its case alone, and costs a bar", async () => {
  const side = { name: "x", cpuSeconds: () => 0 } as unknown as Side;
  const contestant = (run: () => Promise<{ ms: number; cpuMs: number }>) => ({ name: OURS, side, run });
  let calls = 0;
  const cases: Case[] = [
    {
      name: "bad",
      kind: "training",
      rounds: 2,
      contestants: [contestant(() => Promise.reject(new Error(`call ${++calls}`)))],
    },
    {
      name: "good",
      kind: "sampling",
      rounds: 2,
      contestants: [contestant(() => Promise.resolve({ ms: 7, cpuMs: 7 }))],
    },
  ];
  const progress = { update: () => {}, advance: () => {}, end: () => {} };
  const rounds = await runRounds(cases, [side], 60, 100, progress);
  assert.deepEqual([...rounds.faults], [["bad", `${OURS}: call 1`]]);
  assert.equal(calls, 1);
  assert.deepEqual([rounds.times("bad", OURS).length, rounds.times("good", OURS).length], [0, 2]);
  const bar = barsOf(plan, rounds).at(-1);
  assert.deepEqual([bar?.value, bar?.met], [3, false]); // three of the plan's four cases
});

test("work of a training step, by hand", () => {
  const config = {
    ...parseConfig(smallConfigJson()),
    ...{ hiddenSize: 8, intermediateSize: 16, numHiddenLayers: 1, numAttentionHeads: 2, numKeyValueHeads: 1 },
    vocabSize: 10,
  };
  const row = { tokens: [1, 2, 3], mask: [0, 1, 1], logprobs: [], advantages: [], pictures: [] };
  const file = { rows: [row], padId: 0, promptKeys: undefined, grids: [], pictures: [] };
  // A token: q and o 8 x 8, k and v 8 x 4, three of 8 x 16: 128 + 64 + 384 = 576; attention 2 x 3 x 8 = 48. Forward
  // 2 x 3 x 624 = 3744, the head 2 x 2 x 8 x 10 = 320; with the backward pass three times that.
  assert.equal(trainingFlops(config, file), 3 * (3744 + 320));
});
