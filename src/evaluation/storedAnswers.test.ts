// Trajectories on the disk: appended, then each once in the order of the items.
import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ScoredTrajectory } from "../core/trajectory.ts";
import { openTrajectoryStore } from "../runs/trajectoryStore.ts";
import { openStoredAnswers } from "./storedAnswers.ts";

const root = mkdtempSync(join(tmpdir(), "pyvision-answers-"));
after(() => rmSync(root, { recursive: true, force: true }));

function answer(taskId: string, member: number, text: string): ScoredTrajectory {
  return {
    ...{ taskId, taskKind: "kind", question: "?".repeat(700_000), groundTruth: "!", member },
    segments: [],
    turns: [],
    endReason: { type: "answered" },
    answer: text,
    ...{ toolCalls: 0, effectiveToolCalls: 0, reward: { total: 0.5, accuracy: 1, toolCall: 0, score: 0.5 } },
  };
}

test("settled: the last line of each wanted answer, in order; a cut line is gone; pictures' names are not lost", () => {
  const store = openTrajectoryStore(join(root, "trajectories"));
  const stored = openStoredAnswers(store, "bench");
  stored.settle(() => 0); // nothing is there
  for (const [id, member, text] of [
    ["b", 0, "old"],
    ["a", 1, "x"],
    ["b", 0, "new"],
    ["a", 0, "y"],
    ["z", 0, "-"],
  ] as const)
    // prettier-ignore
    stored.add(answer(id, member, text));
  appendFileSync(join(store.path, "bench.jsonl"), '{"taskId":"c","mem');
  const order = (id: string, member: number): number | undefined =>
    id === "z" ? undefined : (id === "a" ? 0 : 10) + member;
  stored.settle(order);
  const seen = store.load("bench").map((t) => [t.taskId, t.member, t.answer]);
  assert.deepEqual(seen, [["a", 0, "y"], ["a", 1, "x"], ["b", 0, "new"]]); // prettier-ignore
  assert.deepEqual(
    store.load("bench").map((t) => ("reward" in t ? t.reward.score : undefined)),
    [0.5, 0.5, 0.5],
  );
  const before = readFileSync(join(store.path, "bench.jsonl"), "utf8");
  stored.settle(order);
  assert.equal(readFileSync(join(store.path, "bench.jsonl"), "utf8"), before);
  assert.deepEqual(readdirSync(store.path).sort(), ["bench.jsonl", "images"]);
});
