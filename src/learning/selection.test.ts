import assert from "node:assert/strict";
import test from "node:test";
import type { Task } from "../core/task.ts";
import type { TrajectoryGroup } from "../core/trajectory.ts";
import { rolloutStep } from "./selection.ts";
import type { RolloutStepResult, SelectionOptions } from "./selection.ts";
import { group, paperAdvantage, right, strictFilters, wrong } from "./testSupport.ts";
import type { TrajectorySketch } from "./testSupport.ts";

const options: SelectionOptions = {
  trainGroups: 2,
  genBatch: 3,
  groupSize: 4,
  maxGenBatches: 3,
  ranking: "group",
  filters: strictFilters,
  advantage: paperAdvantage,
};

/** Plays the batches in order; a batch is the members of each of its groups, named a, b, c, ... across batches. */
async function play(
  batches: readonly (readonly TrajectorySketch[])[][],
  changed: Partial<SelectionOptions> = {},
): Promise<RolloutStepResult & { labels: string[] }> {
  const labels: string[] = [];
  let drawn = 0;
  const draw = (count: number): Task[] =>
    Array.from({ length: count }, () => {
      const id = String.fromCharCode(97 + drawn++);
      return { id, kind: "kind", question: "?", answer: "!", images: [] };
    });
  const rollout = (tasks: readonly Task[], n: number, label: string): Promise<TrajectoryGroup[]> => {
    assert.equal(n, 4);
    const batch = batches[labels.length] ?? assert.fail("more batches drawn than scripted");
    labels.push(label);
    return Promise.resolve(tasks.map((task, i) => group(task.id, batch[i] ?? [])));
  };
  return { ...(await rolloutStep({ ...options, ...changed }, { draw, rollout }, "train/7")), labels };
}

/** "a0+0.60": member 0 of group a with its advantage. */
const shown = ({ samples }: RolloutStepResult): string[] =>
  samples.map(({ trajectory, advantage }) => {
    const sign = advantage < 0 ? "-" : "+";
    return `${trajectory.taskId}${trajectory.member}${sign}${Math.abs(advantage).toFixed(2)}`;
  });

const weak = [...right(0), ...wrong(3)]; // rewards 1 0 0 0: mean 0.25, deviation 0.433
const even = [...right(0, 0), ...wrong(2)]; // 1 1 0 0: mean 0.5, deviation 0.5
const strong = [...right(2, 2), ...wrong(2)]; // 1.2 1.2 0 0: mean 0.6, deviation 0.6

test("one batch is enough: groups are ranked by reward deviation and kept whole", async () => {
  const result = await play([[weak, strong, even]]);
  assert.deepEqual(shown(result), [
    "b0+0.60",
    "b1+0.60",
    "b2-0.60",
    "b3-0.60",
    "c0+0.50",
    "c1+0.50",
    "c2-0.50",
    "c3-0.50",
  ]);
  assert.deepEqual(result.labels, ["train/7/0"]);
  assert.deepEqual(result.record, {
    promptsDrawn: 3,
    batchesDrawn: 1,
    groupsSurviving: 3,
    droppedGroups: {},
    droppedTrajectories: {},
    capHit: false,
    rankCut: 1,
    groupsTrained: 2,
  });
});

test("oversampling fills up from further batches, and ranks over all of them", async () => {
  const result = await play([
    [wrong(4), right(0, 1, 2, 3), weak],
    [wrong(4), strong, even],
  ]);
  assert.deepEqual(result.labels, ["train/7/0", "train/7/1"]);
  assert.deepEqual([...new Set(result.samples.map((s) => s.trajectory.taskId))], ["e", "f"]);
  assert.deepEqual(result.record.droppedGroups, { allWrong: 2, allRight: 1 });
  assert.equal(result.record.promptsDrawn, 6);
  assert.equal(result.record.rankCut, 1);
  assert.equal(result.drawn.length, 6);
});

test("the cap: the step goes on with fewer and says so", async () => {
  const result = await play(
    [
      [wrong(4), weak, wrong(4)],
      [wrong(4), wrong(4), wrong(4)],
    ],
    { maxGenBatches: 2 },
  );
  assert.deepEqual(shown(result), ["b0+0.75", "b1-0.25", "b2-0.25", "b3-0.25"]);
  assert.equal(result.record.capHit, true);
  assert.equal(result.record.groupsSurviving, 1);
  assert.deepEqual(result.record.droppedGroups, { allWrong: 5 });
});

test("enough survivors in the last allowed batch is no cap hit", async () => {
  const result = await play(
    [
      [wrong(4), weak, wrong(4)],
      [even, wrong(4), wrong(4)],
    ],
    { maxGenBatches: 2 },
  );
  assert.equal(result.record.capHit, false);
  assert.equal(result.record.groupsTrained, 2);
});

test("broken trajectories count in the group's mean, and are not trained on", async () => {
  const broken = { accuracy: 0, end: "turnTokenLimit" } as const;
  const holed = [...right(2, 2), broken, ...wrong(1)]; // mean of 1.2 1.2 0 0 is 0.6 as if whole
  const dropped = await play([[holed, even, weak]]);
  assert.deepEqual(shown(dropped).slice(0, 3), ["a0+0.60", "a1+0.60", "a3-0.60"]);
  assert.deepEqual(dropped.record.droppedTrajectories, { turnTokenLimit: 1 });
  const keep = { ...strictFilters, broken: "keep" } as const;
  const kept = await play([[holed, even, weak]], { filters: keep });
  assert.deepEqual(shown(kept).slice(0, 4), ["a0+0.60", "a1+0.60", "a2-0.60", "a3-0.60"]);
});

test("a group with nothing left does not count as a survivor", async () => {
  const filters = { ...strictFilters, keepEndReasons: ["turnLimit"] } as const;
  const late = even.map((sketch) => ({ ...sketch, end: "turnLimit" }) as const);
  const result = await play([[strong, late, late]], { filters });
  assert.deepEqual(result.record.droppedGroups, { nothingLeft: 1 });
  assert.deepEqual(result.record.droppedTrajectories, { answered: 4 });
  assert.equal(result.record.groupsSurviving, 2);
});

test("ties keep the order they were drawn in", async () => {
  const result = await play([[even, even, even]]);
  assert.deepEqual([...new Set(result.samples.map((s) => s.trajectory.taskId))], ["a", "b"]);
});

test("ranking off takes the first groups that survive", async () => {
  const result = await play([[weak, even, strong]], { ranking: "off" });
  assert.deepEqual([...new Set(result.samples.map((s) => s.trajectory.taskId))], ["a", "b"]);
  assert.equal(result.record.rankCut, 1);
});

test("ranking by sample fills trainGroups × groupSize places and splits the last group", async () => {
  const broken = { accuracy: 0, end: "noAction" } as const;
  const holed = [...right(2, 2), ...wrong(1), broken];
  const result = await play([[even, holed, weak]], { ranking: "sample" });
  assert.deepEqual(shown(result), [
    "b0+0.60",
    "b1+0.60",
    "b2-0.60",
    "a0+0.50",
    "a1+0.50",
    "a2-0.50",
    "a3-0.50",
    "c0+0.75",
  ]);
  assert.equal(result.record.rankCut, 3);
  assert.equal(result.record.groupsTrained, 3);
});
