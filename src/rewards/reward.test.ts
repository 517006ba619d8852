import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndReason, Trajectory } from "../core/trajectory.ts";
import { gradedReward, scoreTrajectory } from "./reward.ts";
import type { RewardOptions } from "./reward.ts";
import { ruleGrader } from "./rules/choose.ts";
import type { Graded, Verdict } from "./verdict.ts";

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

const rule = ruleGrader({ type: "text" });
const NOTHING = { total: 0, accuracy: 0, toolCall: 0 };
const LEFT_OUT = { total: 0, accuracy: undefined, toolCall: 0 };

test("the rule first, the judge for what it leaves open, each with the same pay", async () => {
  const asked: Graded[] = [];
  const verdicts: Readonly<Record<string, Verdict>> = {
    crimson: "right",
    navy: "wrong",
    "a color": "unknown",
  };
  const reward = gradedReward(PAPER_REWARD, {
    rule,
    judge: async (graded) => {
      asked.push(graded);
      return verdicts[graded.answer] as Verdict;
    },
  });
  const of = (answer: string) => reward(trajectory({ groundTruth: "red", answer, toolCalls: 2 }));
  assert.deepEqual(await of("Red"), { total: 1.2, accuracy: 1, toolCall: 0.2 });
  assert.deepEqual(await of(""), NOTHING);
  assert.deepEqual(asked, []);
  assert.deepEqual(await of("crimson"), { total: 1.2, accuracy: 1, toolCall: 0.2 });
  assert.deepEqual(await of("navy"), NOTHING);
  assert.deepEqual(await of("a color"), LEFT_OUT);
  assert.deepEqual(asked[0], { question: "Q", answer: "crimson", truth: "red", kind: "k" });
});

test("without a judge what the rule leaves open is wrong: no model may leave itself out", () => {
  const reward = gradedReward(PAPER_REWARD, { rule });
  assert.deepEqual(reward(trajectory({ groundTruth: "red", answer: "crimson", toolCalls: 2 })), NOTHING);
});

test("neither rule nor judge reads what is too long, did not end with an answer, or has no truth", async () => {
  const judge = async (): Promise<Verdict> => assert.fail("the judge was asked");
  const reward = gradedReward(PAPER_REWARD, { rule, judge });
  const long = trajectory({ groundTruth: "4", answer: "4".padEnd(1001), toolCalls: 3 });
  assert.deepEqual(await reward(long), NOTHING);
  const { answer: _, ...unanswered } = trajectory({ toolCalls: 3, endReason: { type: "turnLimit" } });
  assert.deepEqual(await reward(unanswered), NOTHING);
  assert.deepEqual(
    await reward(trajectory({ endReason: { type: "sandboxFailure", message: "x" } })),
    LEFT_OUT,
  );
  assert.deepEqual(await reward(trajectory({ groundTruth: " ", answer: "4" })), LEFT_OUT);
});
