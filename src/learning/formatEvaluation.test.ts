import assert from "node:assert/strict";
import { test } from "node:test";
import type { ScoredTrajectory, ServedTurn } from "../core/trajectory.ts";
import { evaluateTrajectories } from "./evaluate.ts";
import { formatEvaluation, servedTotals } from "./formatEvaluation.ts";

function trajectory(taskId: string, accuracy: 0 | 1 | undefined, served?: ServedTurn): ScoredTrajectory {
  return {
    taskId,
    taskKind: "look",
    question: "Q",
    groundTruth: "4",
    member: 0,
    segments: [{ type: "sampled", tokens: [1, 2, 3], logprobs: [0, 0, 0] }],
    turns: [
      {
        text: "t",
        action: { type: "answer", answer: "4" },
        tokenCount: 3,
        stop: "stop",
        ...(served && { served }),
      },
    ],
    endReason: { type: "answered" },
    answer: "4",
    toolCalls: 2,
    effectiveToolCalls: 1,
    reward: { total: 1, accuracy, toolCall: 0 },
  };
}

const told: ServedTurn = {
  model: "m",
  promptTokens: 1000,
  replyTokens: 20,
  visualTokens: 12,
  seconds: 1.5,
  attempts: 1,
};

test("one evaluation, line by line; what was not judged is counted apart", () => {
  const all = [trajectory("a", 1), trajectory("b", 0), trajectory("c", undefined)];
  assert.equal(
    formatEvaluation(evaluateTrajectories(all)),
    [
      // 95% Wilson interval of 1 of 2: (1 + 1.92 -+ sqrt(...)) / 5.84 = 0.0945, 0.9055
      "accuracy in % [95% interval]  50.0 [9.5, 90.5] n=2",
      "  look                        50.0 [9.5, 90.5] n=2",
      "per trajectory",
      "  tool calls                  2.00",
      "  tool calls with new output  1.00",
      "  turns                       1.00",
      "  sampled tokens              3.0",
      "  visual tokens               0.0",
      "    in the prompt             0.0",
      "    shown by code             0.0",
      "cells that raised, %          –",
      "could not be judged           1",
      "end reasons",
      "  answered                    3",
    ].join("\n"),
  );
});

test("a server's turns are added up; a count that is missing once is not told at all", () => {
  assert.equal(servedTotals([trajectory("a", 1)]), undefined);
  const both = [trajectory("a", 1, told), trajectory("b", 1, { ...told, seconds: 0.5, attempts: 3 })];
  const totals = servedTotals(both);
  assert.deepEqual(totals, { turns: 2, requests: 4, promptTokens: 2000, replyTokens: 40, seconds: 2 });
  const lines = formatEvaluation(evaluateTrajectories(both), totals).split("\n").slice(-6);
  assert.deepEqual(
    lines.map((line) => line.trim().split(/ {2,}/)),
    [
      ["by the server"],
      ["turns", "2"],
      ["requests asked again", "2"],
      ["prompt tokens", "2,000"],
      ["reply tokens", "40"],
      ["seconds a turn", "1.00"],
    ],
  );
  const { promptTokens: _, ...uncounted } = told;
  assert.deepEqual(servedTotals([trajectory("a", 1, told), trajectory("b", 1, uncounted)]), {
    turns: 2,
    requests: 2,
    seconds: 3,
  });
});
