// One item's trouble is its own: damaged pictures, an engine that gives up, a tool that loses an episode.
import assert from "node:assert/strict";
import { test } from "node:test";
import { DataError, EngineError } from "../core/errors.ts";
import type { EndReason, ScoredTrajectory, Trajectory } from "../core/trajectory.ts";
import type { ItemVerdict } from "../rewards/itemVerdict.ts";
import type { BenchmarkItem } from "../tasks/benchmarks/item.ts";
import { vsiBench } from "../tasks/benchmarks/vsiBench.ts";
import { vstar } from "../tasks/benchmarks/vstar.ts";
import { png, testFolder, writeTo } from "../tasks/formats/testFiles.ts";
import { aggregators } from "./aggregates/all.ts";
import { askItems, type AskOptions, type AskedTask } from "./askItems.ts";
import { shuffledOptions } from "./controls.ts";
import type { DescribedTask, ItemRecord } from "./itemRecord.ts";
import { scoreOf } from "./summary.ts";

const picture = { width: 1, height: 1, data: new Uint8Array(3) };

function item(position: number): DescribedTask {
  return {
    id: `q${position}`,
    kind: "kind",
    questionType: "multi-choice",
    labels: { category: "c" },
    question: `question ${position}`,
    answer: "B",
    get images() {
      if (position === 2) throw new DataError("q2.jpg: is no picture");
      return [picture];
    },
  };
}

function episode({ task }: AskedTask, endReason: EndReason = { type: "answered" }): Trajectory {
  const code = { type: "code", code: "crop" } as const;
  const tool = { outcome: { type: "ok" }, alive: true, stdout: "", figures: [], elapsedMs: 1 } as const;
  return {
    ...{ taskId: task.id, taskKind: task.kind, question: task.question, groundTruth: task.answer, member: 0 },
    segments: [{ type: "sampled", tokens: [1, 2, 3], logprobs: [0, 0, 0] }],
    turns: [
      { text: "<code>", action: code, tool, tokenCount: 1, stop: "stop" },
      { text: "B", action: { type: "answer", answer: "B" }, tokenCount: 2, stop: "stop" },
    ],
    endReason,
    answer: "B",
    ...{ toolCalls: 1, effectiveToolCalls: 1 },
  };
}

interface Kept {
  readonly records: ItemRecord[];
  readonly stored: ScoredTrajectory[];
  readonly asked: string[][];
}

async function ask(
  positions: readonly number[],
  rollout: (asked: readonly AskedTask[]) => readonly Trajectory[],
  more: Partial<AskOptions> = {},
): Promise<Kept> {
  const kept: Kept = { records: [], stored: [], asked: [] };
  let clock = 0;
  await askItems(
    positions.map((position) => ({ position, repeat: 3 })),
    {
      at: item,
      rollout: async (asked, onEnd) => {
        kept.asked.push(asked.map(({ task }) => task.id));
        clock += 2;
        asked.forEach((_, place) => onEnd(place));
        return rollout(asked);
      },
      score: async ({ answer }, trajectory) => ({
        score: answer === trajectory.answer ? 1 : 0,
        stage: "rule",
        extracted: "B",
      }),
      classify: (codes) => codes.map((code) => [code, "look"]),
      records: {
        get: () => undefined,
        add: (record) => kept.records.push(record),
        all: () => kept.records,
        settle: () => undefined,
      },
      stored: { add: (trajectory) => kept.stored.push(trajectory), settle: () => undefined },
      now: () => clock,
      onRecord: () => undefined,
      ...more,
    },
  );
  return kept;
}

test("answered: a record and a trajectory of the wanted repeat, with what it took", async () => {
  const { records, stored } = await ask([0], (asked) => asked.map((one) => episode(one)));
  assert.deepEqual(records, [
    {
      ...{
        position: 0,
        repeat: 3,
        id: "q0",
        content: "cd88851fe115cbf8",
        kind: "kind",
        questionType: "multi-choice",
        labels: { category: "c" },
      },
      ...{ answer: "B", score: 1, stage: "rule", extracted: "B", endReason: "answered" },
      ...{ turns: 2, toolCalls: 1, cells: 1, pythonErrors: 0, visualTokens: 0, sampledTokens: 3 },
      ...{ code: ["crop", "look"], seconds: 2 },
    },
  ]);
  const [trajectory] = stored;
  assert.deepEqual(
    [trajectory?.member, trajectory?.reward],
    [3, { total: 1, accuracy: 1, toolCall: 0, score: 1 }],
  );
});

test("a damaged picture and a row that cannot be read score 0 and keep nobody else from being asked", async () => {
  const { records, stored, asked } = await ask([1, 2, 9], (all) => all.map((one) => episode(one)), {
    at: (position) => {
      if (position === 9) throw new DataError("row 9: is cut off");
      return item(position);
    },
  });
  assert.deepEqual(asked, [["q1"]]);
  const seen = records.map(({ id, stage, score, error }) => [id, stage, score, error]);
  assert.deepEqual(seen, [
    ["q2", "unreadable", 0, "q2.jpg: is no picture"],
    ["item-9", "unreadable", 0, "row 9: is cut off"],
    ["q1", "rule", 1, undefined],
  ]);
  assert.equal(stored.length, 1);
});

test("a missing picture or video keeps id, truth and labels, and is a wrong item of its category", async () => {
  const folder = testFolder();
  const row = { category: "direct_attributes", text: "Which?\n(A) this\n(B) that", label: "B" };
  writeTo(folder, "here.png", png(1, 1, [1, 2, 3]));
  writeTo(
    folder,
    "test_questions.jsonl",
    ["here", "gone"].map((name) => `${JSON.stringify({ ...row, image: `${name}.png` })}\n`).join(""),
  );
  const room = { dataset: "scannet", question_type: "object_counting", question: "How many?", options: null };
  const films = ["here", "gone"].map((scene, id) => ({ ...room, id, scene_name: scene, ground_truth: "4" }));
  writeTo(folder, "scannet/here.mp4", "film");
  writeTo(folder, "test.jsonl", films.map((film) => `${JSON.stringify(film)}\n`).join(""));
  const play = (all: readonly AskedTask[]): Trajectory[] => all.map((one) => episode(one));
  const [pictures, videos] = [vstar.open(folder), vsiBench.open(folder)];
  const seen = async (at: AskOptions["at"], score: AskOptions["score"]): Promise<ItemRecord[]> =>
    (await ask([0, 1], play, { at, score })).records;
  const right = (): Promise<ItemVerdict> => Promise.resolve({ score: 1, stage: "rule" });
  const [gone, here] = await seen((i) => pictures.at(i), right);
  assert.deepEqual(
    [gone?.id, gone?.stage, gone?.score, gone?.answer, gone?.kind, gone?.labels],
    ["vstar-direct_attributes-gone", "unreadable", 0, "B", row.category, { category: row.category }],
  );
  assert.match(gone?.error ?? "", /row 1 at byte \d+: there is no file gone\.png/);
  assert.equal(here?.score, 1);
  const [film, other] = await seen((i) => shuffledCopy(videos.at(i)), right);
  assert.deepEqual(
    [film?.id, film?.stage, film?.questionType, film?.labels],
    [
      "vsi-bench-1",
      "unreadable",
      "object_counting",
      { type: "object_counting", scene: "gone", dataset: "scannet" },
    ],
  );
  const scores = [film, other].map((record) => scoreOf(record as ItemRecord));
  const { headline, metrics } = aggregators["vsi-bench"].aggregate(scores);
  assert.deepEqual(headline, { name: "average", value: 0.5, count: 2 });
  assert.deepEqual(metrics, [{ name: "object_counting", value: 0.5, count: 2 }]);
});

/** A changed copy, as controls make. */
const shuffledCopy = (item: BenchmarkItem): BenchmarkItem => shuffledOptions(item, 1);

test("media that cannot be shown: found by asking each by itself", async () => {
  const { records, asked } = await ask([0, 1], (all) => {
    if (all.some(({ task }) => task.id === "q1")) throw new DataError("too narrow");
    return all.map((one) => episode(one));
  });
  assert.deepEqual(asked, [["q0", "q1"], ["q0"], ["q1"]]);
  assert.deepEqual(
    records.map(({ id, stage }) => [id, stage]),
    [["q0", "rule"], ["q1", "unreadable"]], // prettier-ignore
  );
});

test("an engine that gives up on an item; errors of ours are not swallowed", async () => {
  const { records, stored } = await ask([0], () => {
    throw new EngineError("503 for good");
  });
  assert.deepEqual(
    records.map(({ stage, endReason, error, score }) => [stage, endReason, error, score]),
    [["failed", "engineFailure", "503 for good", 0]],
  );
  assert.equal(stored.length, 0);
  const bug = ask([0], () => {
    throw new TypeError("internal");
  });
  await assert.rejects(bug, TypeError);
});

test("an episode that the tool lost is played once more, and then is a failure", async () => {
  const lost = { type: "sandboxFailure", message: "worker lost" } as const;
  let rounds = 0;
  const saved = await ask([0, 1], (all) => {
    rounds++;
    return all.map((one) => episode(one, rounds === 1 && one.task.id === "q1" ? lost : { type: "answered" }));
  });
  assert.deepEqual(saved.asked, [["q0", "q1"], ["q1"]]);
  assert.deepEqual(saved.records.map(({ stage }) => stage), ["rule", "rule"]); // prettier-ignore
  const gone = await ask([0], (all) => all.map((one) => episode(one, lost)));
  const [record] = gone.records;
  assert.deepEqual([record?.stage, record?.score, record?.error], ["failed", 0, "worker lost"]);
  assert.equal(gone.stored[0]?.reward.accuracy, undefined);
});
