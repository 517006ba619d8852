import assert from "node:assert/strict";
import test from "node:test";
import type { Segment, ToolOutcome, Turn } from "../core/trajectory.ts";
import { rolloutMetrics } from "./rolloutMetrics.ts";
import { withAdvantages } from "./selection.ts";
import type { RolloutStepResult } from "./selection.ts";
import { close, group, paperAdvantage, right } from "./testSupport.ts";
import type { TrajectorySketch } from "./testSupport.ts";
import { countTrajectory } from "./trajectoryStats.ts";

const cell = (outcome: ToolOutcome): Turn => ({
  text: "<code>",
  action: { type: "code", code: "1" },
  tool: { outcome, alive: true, stdout: "", figures: [], elapsedMs: 1 },
  tokenCount: 3,
  stop: "stop",
});
const answer: Turn = {
  text: "<answer>",
  action: { type: "answer", answer: "x" },
  tokenCount: 2,
  stop: "stop",
};
const raised: ToolOutcome = { type: "pythonError", errorType: "NameError", message: "x", traceback: "" };

const pixels = { width: 56, height: 28, data: new Uint8Array(56 * 28 * 3) };
const image: Segment = {
  type: "image",
  source: "observation",
  image: { pixels, grid: [1, 2, 4], tokenCount: 2 },
};

function metricsOf(members: readonly TrajectorySketch[]): ReturnType<typeof rolloutMetrics> {
  const advantaged = withAdvantages(group("t", members), paperAdvantage);
  const result: RolloutStepResult = {
    drawn: [advantaged],
    samples: [],
    record: {
      promptsDrawn: 1,
      batchesDrawn: 1,
      groupsSurviving: 0,
      droppedGroups: { allRight: 1 },
      droppedTrajectories: { noAction: 2 },
      capHit: true,
      rankCut: 0,
      groupsTrained: 0,
    },
  };
  return rolloutMetrics(result);
}

test("a trajectory in numbers", () => {
  const members: TrajectorySketch[] = [
    {
      turns: [cell({ type: "ok" }), cell(raised), cell({ type: "timeout", limitMs: 5 }), answer],
      segments: [
        { ...image, source: "prompt" },
        { type: "sampled", tokens: [1, 2], logprobs: [-1, -2] },
        image,
        { type: "sampled", tokens: [3], logprobs: [-4] },
      ],
    },
  ];
  const [only] = group("t", members).trajectories;
  assert.deepEqual(only && countTrajectory(only), {
    sampledTokens: 3,
    logprobSum: -7,
    visualTokens: 4,
    promptVisualTokens: 2,
    turns: 4,
    cells: 3,
    pythonErrors: 1,
    failures: 1,
  });
});

test("right answers with a negative advantage: those with fewer calls than their siblings", () => {
  // rewards 1, 1.1, 1.6, mean 1.2333: two of three right answers below it
  close(metricsOf(right(0, 1, 6))["advantage/correct_negative_share"], 2 / 3);
  // with a wrong one: 1.3, 1, 0 have mean 0.7667, no right answer below it
  assert.equal(metricsOf([...right(3, 0), { accuracy: 0 }])["advantage/correct_negative_share"], 0);
});

test("rates are over cells, not means of trajectories; undecided samples count in tool use but not in accuracy", () => {
  const metrics = metricsOf([
    { accuracy: 1, calls: 3, turns: [cell({ type: "ok" }), cell({ type: "ok" }), cell({ type: "ok" })] },
    { accuracy: 0, calls: 0, turns: [cell(raised)] },
    { accuracy: undefined, calls: 0, end: "noAction", turns: [] },
  ]);
  assert.equal(metrics["tool_calls/python_error_rate"], 0.25);
  assert.equal(metrics["tool_calls/mean"], 1);
  close(metrics["tool_calls/none_share"], 2 / 3);
  assert.equal(metrics["accuracy/mean"], 0.5);
  assert.equal(metrics["accuracy/undecided"], 1);
  assert.equal(metrics["end/answered"], 2);
  assert.equal(metrics["end/noAction"], 1);
  assert.equal(metrics["end/imageLimit"], 0);
  assert.equal(metrics["groups/dropped/allRight"], 1);
  assert.equal(metrics["trajectories/dropped/noAction"], 2);
  assert.equal(metrics["groups/cap_hit"], 1);
  assert.equal("advantage/trained_correct_negative_share" in metrics, false);
});

test("visual tokens are split by where they come from", () => {
  const prompt: Segment = { ...image, source: "prompt" };
  const metrics = metricsOf([
    { accuracy: 1, segments: [prompt, image, image] },
    { accuracy: 0, segments: [prompt] },
  ]);
  assert.deepEqual(
    ["", "prompt_", "observed_"].map(
      (part) => metrics[`response/visual_tokens_${part}mean` as "response/visual_tokens_mean"],
    ),
    [4, 2, 2],
  );
});
