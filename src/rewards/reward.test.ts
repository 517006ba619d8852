import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndReason, Trajectory } from "../core/trajectory.ts";
import { scoreTrajectory } from "./reward.ts";
import type { RewardOptions } from "./reward.ts";

const PAPER_REWARD: RewardOptions = { toolCall: 0.1, countedCalls: "ran", maxAnswerChars: 1000 };

function trajectory(more: Partial<Trajectory>): Trajectory {
  return {
    taskId: "t",
    taskKind: "k",
    question: "Q",
    groundTruth: "4",
    member: 0,
    segments: [],
    turns: [],
    endReason: { type: "answered" },
    answer: "4",
    toolCalls: 0,
    effectiveToolCalls: 0,
    ...more,
  };
}

test("right answers earn 1 and 0.1 for each call: 1 + 3 * 0.1", () => {
  assert.deepEqual(scoreTrajectory(trajectory({}), PAPER_REWARD), { total: 1, accuracy: 1, toolCall: 0 });
  const reward = scoreTrajectory(trajectory({ toolCalls: 3 }), PAPER_REWARD);
  assert.equal(reward.accuracy, 1);
  assert.ok(Math.abs(reward.total - 1.3) < 1e-12 && Math.abs(reward.toolCall - 0.3) < 1e-12);
});

test("wrong answers earn nothing for their calls", () => {
  const reward = scoreTrajectory(
    trajectory({ answer: "5", toolCalls: 3, effectiveToolCalls: 3 }),
    PAPER_REWARD,
  );
  assert.deepEqual(reward, { total: 0, accuracy: 0, toolCall: 0 });
});

test("countedCalls chooses which calls pay, toolCall how much", () => {
  const calls = trajectory({ toolCalls: 4, effectiveToolCalls: 2 });
  assert.equal(scoreTrajectory(calls, { ...PAPER_REWARD, toolCall: 0.25 }).total, 2);
  assert.equal(
    scoreTrajectory(calls, { ...PAPER_REWARD, toolCall: 0.25, countedCalls: "effective" }).total,
    1.5,
  );
  assert.deepEqual(scoreTrajectory(calls, { ...PAPER_REWARD, toolCall: 0 }), {
    total: 1,
    accuracy: 1,
    toolCall: 0,
  });
});

test("answers longer than maxAnswerChars earn 0, at the limit they do not", () => {
  const padded = trajectory({ answer: "4".padEnd(1000), toolCalls: 1 });
  assert.equal(scoreTrajectory(padded, PAPER_REWARD).total, 1.1);
  const tooLong = trajectory({ answer: "4".padEnd(1001), toolCalls: 1 });
  assert.deepEqual(scoreTrajectory(tooLong, PAPER_REWARD), { total: 0, accuracy: 0, toolCall: 0 });
});

test("every other end earns 0, and accuracy is undecided only when the sandbox failed", () => {
  const ends = [
    "turnLimit",
    "turnTokenLimit",
    "contextLimit",
    "imageLimit",
    "noAction",
    "pythonError",
  ] as const;
  for (const type of ends) {
    const endReason: EndReason = { type };
    const reward = scoreTrajectory(trajectory({ endReason, toolCalls: 2 }), PAPER_REWARD);
    assert.deepEqual(reward, { total: 0, accuracy: 0, toolCall: 0 }, type);
  }
  const failed = trajectory({ endReason: { type: "sandboxFailure", message: "x" }, toolCalls: 2 });
  assert.deepEqual(scoreTrajectory(failed, PAPER_REWARD), { total: 0, accuracy: undefined, toolCall: 0 });
});
