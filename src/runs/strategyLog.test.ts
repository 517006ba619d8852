import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ToolOutcome, TrajectoryGroup, Turn } from "../core/trajectory.ts";
import { rolloutStep, type SelectionOptions } from "../learning/selection.ts";
import {
  group,
  paperAdvantage,
  right,
  strictFilters,
  wrong,
  type TrajectorySketch,
} from "../learning/testSupport.ts";
import {
  appendStrategy,
  stepOfLine,
  strategyLine,
  strategyStep,
  truncateStrategy,
  type StrategyStep,
} from "./strategyLog.ts";

const root = mkdtempSync(join(tmpdir(), "pyvision-strategy-"));
after(() => rmSync(root, { recursive: true, force: true }));

const options: SelectionOptions = {
  trainGroups: 1,
  genBatch: 8,
  groupSize: 2,
  maxGenBatches: 1,
  ranking: "group",
  filters: strictFilters,
  advantage: paperAdvantage,
};

/** One batch of groups through the real selection. */
async function stepOf(
  groups: readonly TrajectoryGroup[],
  changes: Partial<SelectionOptions> = {},
): Promise<StrategyStep> {
  const chosen = { ...options, ...changes };
  const dependencies = { draw: () => [], rollout: async () => groups };
  const rolled = await rolloutStep(chosen, dependencies, "train/7");
  return strategyStep(7, rolled, chosen.filters, { name: "train-000007", count: 2 });
}

const undecided: TrajectorySketch = { accuracy: undefined };

test("every group and every member has the fate that the selection gave it", async () => {
  const step = await stepOf([
    group("narrow", [...wrong(1), ...right(0)]), // totals 0 and 1: deviation 0.5
    group("wide", [...wrong(1), ...right(4)]), // totals 0 and 1.4: deviation 0.7, the one group trained on
    group("wrong", wrong(2)),
    group("right", right(0, 2)),
    group("unknown", [undecided, undecided]),
    group("broken", [
      { accuracy: 0, end: "contextLimit" },
      { accuracy: 1, end: "noAction" },
    ]),
  ]);
  assert.deepEqual(
    step.groups.map(({ task, fate, fates, spread }) => [task, fate, fates, spread]),
    [
      ["narrow", "rankCut", ["rankCut", "rankCut"], 0.5],
      ["wide", "trained", ["trained", "trained"], 0.7],
      ["wrong", "allWrong", ["allWrong", "allWrong"], 0],
      ["right", "allRight", ["allRight", "allRight"], 0.1],
      ["unknown", "undecided", ["undecided", "undecided"], 0],
      ["broken", "nothingLeft", ["contextLimit", "noAction"], 0.5],
    ],
  );
  assert.deepEqual(step.groupFates, {
    rankCut: 1,
    trained: 1,
    allWrong: 1,
    allRight: 1,
    undecided: 1,
    nothingLeft: 1,
  });
  // What the step's own record counted, in its own words.
  assert.deepEqual(step.record.droppedGroups, { allWrong: 1, allRight: 1, undecided: 1, nothingLeft: 1 });
  assert.equal(step.record.rankCut, 1);
  assert.equal(step.trajectories, 12);
});

test("a broken member of a trained group has its own reason", async () => {
  const step = await stepOf([
    group("g", [...wrong(1), ...right(1), { accuracy: 1, end: "turnTokenLimit" }, undecided]),
  ]);
  assert.deepEqual(step.groups[0]?.fates, ["trained", "trained", "turnTokenLimit", "undecided"]);
  assert.deepEqual(step.memberFates, { trained: 2, turnTokenLimit: 1, undecided: 1 });
});

test("ranking by sample may cut part of a group", async () => {
  const step = await stepOf(
    [group("a", [...wrong(1), ...right(4)]), group("b", [...wrong(1), ...right(0)])],
    { ranking: "sample", trainGroups: 1, groupSize: 3 },
  );
  assert.deepEqual(
    step.groups.map(({ fate, fates }) => [fate, fates]),
    [
      ["trained", ["trained", "trained"]],
      ["trained", ["trained", "rankCut"]],
    ],
  );
  assert.equal(step.record.rankCut, 1);
});

test("figures of a member are those of its trajectory", async () => {
  const raised: ToolOutcome = { type: "pythonError", errorType: "E", message: "", traceback: "" };
  const turn = (outcome: ToolOutcome): Turn => ({
    text: "",
    action: { type: "code", code: "1" },
    tool: { outcome, alive: true, stdout: "", figures: [], elapsedMs: 1 },
    tokenCount: 2,
    stop: "stop",
  });
  const turns = [turn(raised), turn({ type: "ok" }), turn(raised), turn({ type: "outOfMemory" })];
  const step = await stepOf([group("g", [{ accuracy: 1, calls: 3, turns }, ...wrong(1), undecided])]);
  const [first] = step.groups;
  assert.deepEqual(first, {
    task: "g",
    kind: "kind",
    question: "?",
    spread: 0.65, // of 1.3 and 0: the undecided member does not count
    fate: "trained",
    member: [0, 1, 2],
    reward: [1.3, 0, 0],
    accuracy: [1, 0, null],
    calls: [3, 0, 0],
    effective: [3, 0, 0],
    errors: [2, 0, 0],
    turns: [4, 0, 0],
    tokens: [2, 2, 2],
    end: ["answered", "answered", "answered"],
    advantage: [0.65, -0.65, null],
    fates: ["trained", "trained", "undecided"],
  });
});

test("a line begins with its step and ends with the groups", async () => {
  const step = await stepOf([group("g", [...wrong(1), ...right(1)])]);
  const line = strategyLine(step);
  assert.equal(stepOfLine(line), 7);
  assert.equal(stepOfLine('{"version":2,"step":7,"x":1}'), undefined);
  const head = `${line.slice(0, line.indexOf(',"groups":['))}}`;
  assert.equal((JSON.parse(head) as StrategyStep).memberFates.trained, 2);
  assert.deepEqual(JSON.parse(line), step);
});

test("truncating drops later steps and a cut last line", async () => {
  const path = join(root, "strategy.jsonl");
  const step = await stepOf([group("g", right(0, 1))]);
  for (const number of [1, 2, 3, 4]) appendStrategy(path, { ...step, step: number });
  appendFileSync(path, '{"version":1,"step":2,"rec');
  truncateStrategy(path, 2);
  const lines = readFileSync(path, "utf8").split("\n");
  assert.deepEqual(lines.map(stepOfLine), [1, 2, undefined]);
  truncateStrategy(join(root, "none"), 2);
});

test("500 steps of 512 trajectories stay under 25 MB", async () => {
  const members = [...right(0, 1, 2, 3), ...wrong(4)].map((m) => ({ ...m, end: "turnLimit" as const }));
  const question = `${"Which colour is the small shape? ".repeat(9)}`;
  const groups = Array.from({ length: 64 }, (_, i) => {
    const { trajectories, ...rest } = group(`world-train-${100000 + i}`, members, "look-closely");
    return { ...rest, trajectories: trajectories.map((t) => ({ ...t, question })) };
  });
  const line = strategyLine(await stepOf(groups, { groupSize: 8, trainGroups: 32 }));
  assert.ok(line.length * 500 < 25e6, `one line has ${line.length} bytes`);
  assert.ok(line.length * 500 > 10e6, "the figures of 512 members are in it");
});
