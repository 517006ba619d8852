import assert from "node:assert/strict";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ScoredTrajectory } from "../core/trajectory.ts";
import { openHeldOutRecords } from "./heldOutRecords.ts";
import { openTrajectoryStore } from "./trajectoryStore.ts";

const root = mkdtempSync(join(tmpdir(), "pyvision-records-"));
after(() => rmSync(root, { recursive: true, force: true }));

const answered = (taskId: string): ScoredTrajectory => ({
  taskId,
  taskKind: "look",
  member: 0,
  question: "Which?",
  groundTruth: "red",
  segments: [{ type: "sampled", tokens: [3, 1], logprobs: [-0.1, -1 / 3] }],
  turns: [{ text: "red", action: { type: "answer", answer: "red" }, tokenCount: 2, stop: "stop" }],
  endReason: { type: "answered" },
  answer: "red",
  toolCalls: 0,
  effectiveToolCalls: 0,
  reward: { accuracy: 1, toolCall: 0, total: 1 },
});

function open(folder: string, what: unknown = "these weights") {
  const dropped: string[] = [];
  const store = openTrajectoryStore(join(root, folder));
  const records = openHeldOutRecords(store, "evaluation-test", what, (reason) => dropped.push(reason));
  return { records, dropped, path: join(root, folder, "evaluation-test.unfinished") };
}

test("what is recorded comes back exactly, in whatever order; what is over is removed", () => {
  const { records, path } = open("kept");
  assert.equal(records.size, 0);
  assert.ok(!existsSync(path));
  records.add(7, answered("seven"));
  records.add(0, answered("zero"));
  assert.deepEqual(records.get(7), answered("seven"));
  const again = open("kept");
  assert.equal(again.records.size, 2);
  assert.deepEqual(again.records.get(0), answered("zero"));
  assert.deepEqual([again.records.get(1), again.dropped], [undefined, []]);
  again.records.remove();
  assert.equal(open("kept").records.size, 0);
});

test("a line that was cut off or damaged is asked again, and written anew with the next", () => {
  const { records, path } = open("cut");
  for (const position of [0, 1, 2]) records.add(position, answered(String(position)));
  writeFileSync(path, readFileSync(path, "utf8").replace('"taskId":"1"', '"taskId":"9"'));
  appendFileSync(path, '3 0123456789abcdef {"vers');
  const again = open("cut");
  assert.deepEqual(
    [0, 1, 2, 3].map((p) => again.records.get(p)?.taskId),
    ["0", undefined, "2", undefined],
  );
  assert.match(
    again.dropped.join(),
    /evaluation-test\.unfinished: a line is not what was written; that task is asked again/,
  );
  again.records.add(1, answered("1"));
  const third = open("cut");
  assert.deepEqual([third.records.size, third.dropped], [3, []]);
});

test("records of other weights or another config are dropped, and it says so", () => {
  open("other").records.add(0, answered("zero"));
  const { records, dropped } = open("other", "other weights");
  assert.equal(records.size, 0);
  assert.match(dropped.join(), /is of other weights or another config, and is begun anew$/);
  records.add(1, answered("one"));
  assert.deepEqual([open("other", "other weights").records.size, open("other").records.size], [1, 0]);
});
