// The study's commands are valid for the recipe, alike for both arms but for the context; its table is what summaries say.
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../../src/runs/config.ts";
import { studyPlan } from "./plan.ts";
import { seedTable, summarySchema } from "./tables.ts";

const plan = studyPlan({ runs: "r", seeds: [0, 2], frames: 32, steps: 7, set: ["engine.threads=1"] });
const setsOf = (args: readonly string[]): string[] =>
  args.flatMap((arg, i) => (arg === "--set" ? [args[i + 1] as string] : []));

test("cold start of both arms, then seed after seed, each from the weights before it", () => {
  assert.deepEqual(
    plan.map(({ name, args }) => `${args[0]} ${name}`),
    [
      ...["pretrain frames32-base", "sft frames32-sft", "pretrain demand-base", "sft demand-sft"],
      ...["train frames32-s0", "train demand-s0", "train frames32-s2", "train demand-s2"],
    ],
  );
  const config = loadConfig("configs/video-mini.yaml", setsOf(plan[7]?.args ?? []));
  assert.deepEqual(
    [config.model.init, config.seed, config.train.steps, config.engine],
    ["r/demand-sft/checkpoints/final", 2, 7, { type: "embedded", threads: 1 }],
  );
  assert.equal(
    loadConfig("configs/video-mini.yaml", setsOf(plan[1]?.args ?? [])).sft.init,
    "r/frames32-base/checkpoints/final",
  );
});

test("the arms differ in the context, the room for it and their weights, in nothing else", () => {
  const [frames, demand] = [plan[4], plan[5]].map((step) =>
    loadConfig("configs/video-mini.yaml", setsOf(step?.args ?? [])),
  );
  assert.ok(frames && demand);
  assert.deepEqual(frames.agent.context, { type: "videoFrames", frames: 32, inRuntime: false });
  assert.deepEqual([frames.agent.maxContextTokens, demand.agent.maxContextTokens], [640, 512]);
  const { context: _, ...rest } = frames.agent;
  assert.deepEqual(
    { ...frames, name: demand.name, model: demand.model, agent: { ...rest, maxContextTokens: 512 } },
    demand,
  );
  assert.deepEqual(frames.model.architecture, demand.model.architecture);
});

test("a row a run, with its intervals; numbers have their mean relative accuracy in brackets", () => {
  const slice = (accuracy: number, visualTokens: number) => ({
    accuracy,
    interval: { low: accuracy - 0.05, high: accuracy + 0.05 },
    toolCalls: 2 * accuracy,
    visualTokens,
    visualTokensInterval: { low: visualTokens - 1, high: visualTokens + 1 },
  });
  const summary = summarySchema.parse({
    seed: 2,
    before: { overall: slice(0.5, 3), kinds: {} },
    after: {
      overall: slice(0.875, 8),
      kinds: { "video-when": { ...slice(0.75, 9), meanRelativeAccuracy: 0.8125 }, "video-at": slice(1, 9) },
    },
    difference: { difference: 0.375, low: 0.325, high: 0.425, pairs: 400 },
    more: "left out",
  });
  const lines = seedTable([{ arm: "on demand", summary }]).split("\n");
  const cells = lines.map((line) => line.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "").trim()));
  assert.deepEqual(cells[0], ["arm", "seed", "accuracy before", "accuracy after [95%]", "difference, points [95%]", "tool calls", "visual tokens [95%]", "`at`", "`when`"]); // prettier-ignore
  assert.deepEqual(cells[2], ["on demand", "2", "50.0", "87.5 [82.5, 92.5]", "+37.5 [+32.5, +42.5]", "1.00 → 1.75", "8.0 [7.0, 9.0]", "100.0", "75.0 (81.3)"]); // prettier-ignore
  assert.equal(lines.length, 4);
});
