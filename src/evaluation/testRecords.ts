// Records for tests.
import type { ItemRecord } from "./itemRecord.ts";

/** A right answer to item `position` by rule, after one turn of 10 tokens; `more` replaces fields. */
export function testRecord(position: number, more: Partial<ItemRecord> = {}): ItemRecord {
  return {
    position,
    repeat: 0,
    id: `item-${position}`,
    content: "0123456789abcdef",
    kind: "kind",
    questionType: "type",
    labels: { kind: "kind" },
    score: 1,
    stage: "rule",
    extracted: "B",
    answer: "B",
    endReason: "answered",
    turns: 1,
    toolCalls: 0,
    cells: 0,
    pythonErrors: 0,
    visualTokens: 100,
    sampledTokens: 10,
    code: [],
    seconds: 1,
    ...more,
  };
}
