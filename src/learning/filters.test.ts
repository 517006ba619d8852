import assert from "node:assert/strict";
import test from "node:test";
import type { Segment } from "../core/trajectory.ts";
import { endReasonTypes, groupDropReason, trajectoryDropReason } from "./filters.ts";
import { group, right, strictFilters, trajectory, wrong } from "./testSupport.ts";

const both = strictFilters.zeroVariance;
const totalOnly = { ...both, accuracy: false };
const accuracyOnly = { ...both, total: false };

test("accuracy and total reward are tested separately", () => {
  const mixed = group("t", [...right(0), ...wrong(1)]);
  const allWrong = group("t", wrong(3));
  const sameRight = group("t", right(2, 2));
  const callsDiffer = group("t", right(0, 4));
  const reasons = [mixed, allWrong, sameRight, callsDiffer].map((g) => [
    groupDropReason(g, both),
    groupDropReason(g, totalOnly),
    groupDropReason(g, accuracyOnly),
  ]);
  assert.deepEqual(reasons, [
    [undefined, undefined, undefined],
    ["allWrong", "allWrong", "allWrong"],
    ["allRight", "allRight", "allRight"],
    ["allRight", undefined, "allRight"],
  ]);
});

test("a total that does not vary although accuracy does is its own reason", () => {
  const reward = { total: 0.5, toolCall: 0 };
  const base = group("t", [...right(0), ...wrong(1)]);
  const trajectories = base.trajectories.map((t) => ({ ...t, reward: { ...t.reward, ...reward } }));
  assert.equal(groupDropReason({ ...base, trajectories }, both), "constantReward");
  assert.equal(groupDropReason({ ...base, trajectories }, accuracyOnly), undefined);
});

test("rounding noise is no variance, a real difference is", () => {
  const base = group("t", right(1, 1));
  const withTotals = (totals: number[]) => ({
    ...base,
    trajectories: base.trajectories.map((t, i) => ({
      ...t,
      reward: { ...t.reward, total: totals[i] as number },
    })),
  });
  assert.equal(groupDropReason(withTotals([0.1 + 0.2, 0.3]), totalOnly), "allRight");
  // deviation 1e-5 / 2 = 5e-6 > 1e-6
  assert.equal(groupDropReason(withTotals([1, 1.00001]), totalOnly), undefined);
});

test("members that cannot be judged neither make nor break variance", () => {
  const undecided = { accuracy: undefined };
  assert.equal(groupDropReason(group("t", [undecided, ...right(1, 1)]), both), "allRight");
  assert.equal(groupDropReason(group("t", [undecided, ...right(1), ...wrong(1)]), both), undefined);
  assert.equal(groupDropReason(group("t", [undecided, undecided]), both), "undecided");
  // our sandbox's failure is graded 0 by its lack of an answer, yet it is not the model's wrong answer
  const failure = { accuracy: 0, end: "sandboxFailure" } as const;
  assert.equal(groupDropReason(group("t", [failure, ...right(1, 1)]), both), "allRight");
});

test("end reasons by default: answered, out of turns and ended by an error survive; the rest is broken", () => {
  const kept = endReasonTypes.filter(
    (end) => trajectoryDropReason(trajectory({ end }), strictFilters) === undefined,
  );
  assert.deepEqual(kept, ["answered", "turnLimit", "pythonError"]);
  assert.equal(trajectoryDropReason(trajectory({ end: "noAction" }), strictFilters), "noAction");
});

test("the keep list is configuration; what cannot be trained on goes whatever it says", () => {
  const keep = { keepEndReasons: ["noAction", "sandboxFailure"], broken: "drop" } as const;
  assert.equal(trajectoryDropReason(trajectory({ end: "noAction" }), keep), undefined);
  assert.equal(trajectoryDropReason(trajectory({ end: "answered" }), keep), "answered");
  assert.equal(trajectoryDropReason(trajectory({ end: "sandboxFailure" }), keep), "sandboxFailure");
  const all = { keepEndReasons: [], broken: "keep" } as const;
  assert.equal(trajectoryDropReason(trajectory({ end: "contextLimit" }), all), undefined);
  assert.equal(trajectoryDropReason(trajectory({ accuracy: undefined }), all), "undecided");
  assert.equal(trajectoryDropReason(trajectory({ segments: [] }), all), "noSampledTokens");
});

test("image placeholders must fit the grid", () => {
  const pixels = { width: 56, height: 28, data: new Uint8Array(56 * 28 * 3) };
  const withImage = (tokenCount: number): Segment[] => [
    { type: "image", source: "prompt", image: { pixels, grid: [1, 2, 4], tokenCount } },
    { type: "sampled", tokens: [1], logprobs: [-1] },
  ];
  assert.equal(trajectoryDropReason(trajectory({ segments: withImage(2) }), strictFilters), undefined);
  assert.equal(trajectoryDropReason(trajectory({ segments: withImage(8) }), strictFilters), "imageMismatch");
});
