import assert from "node:assert/strict";
import { test } from "node:test";
import { EngineError, SandboxError } from "../core/errors.ts";
import { failureOf, isFinal, watchFailures } from "./failureWatch.ts";
import type { ItemRecord } from "./itemRecord.ts";
import { testRecord } from "./testRecords.ts";

const engineFailed = testRecord(0, { stage: "failed", endReason: "engineFailure", error: "503" });
const toolFailed = testRecord(0, { stage: "failed", endReason: "sandboxFailure", error: "worker lost" });
const noted = (verdict: "failed" | "right"): ItemRecord =>
  testRecord(0, {
    stage: verdict === "failed" ? "none" : "judge",
    judge: { model: "j", promptHash: "0", verdict, ...(verdict === "failed" && { failure: "timeout" }) },
  });

function play(...records: readonly ItemRecord[]): void {
  const watch = watchFailures(0.5);
  for (const record of records) watch.note(record);
}

const times = (n: number, record: ItemRecord): ItemRecord[] => Array.from({ length: n }, () => record);

test("eight failures stop, when they are more than half", () => {
  play(...times(7, engineFailed));
  assert.throws(
    () => play(...times(8, engineFailed)),
    (error: Error) => {
      assert.ok(error instanceof EngineError);
      assert.match(
        error.message,
        /^8 of 8 items failed, the last because of: 503\. This stops here; what was answered is kept/,
      );
      return true;
    },
  );
  play(...times(10, testRecord(0)), ...times(10, engineFailed));
  assert.throws(
    () => play(...times(10, testRecord(0)), ...times(11, engineFailed)),
    /^EngineError: 11 of 21 items/,
  );
});

test("of the tool it says so", () => {
  assert.throws(
    () => play(...times(8, toolFailed)),
    (error: Error) => error instanceof SandboxError && /worker lost\..*pyvision doctor/.test(error.message),
  );
});

test("of a whole evaluation fewer are too many as well", () => {
  const failure = failureOf([engineFailed, engineFailed, testRecord(1)], 0.5);
  assert.ok(failure instanceof EngineError);
  assert.match(failure.message, /^2 of 3 items failed.* The report says little of the model; what was/);
  assert.equal(failureOf([engineFailed, testRecord(1)], 0.5), undefined);
  assert.equal(failureOf([], 0.5), undefined);
});

test("what failed before and fails again stops nothing; new failures do", () => {
  const failing = Array.from({ length: 20 }, (_, position) => ({ ...engineFailed, position }));
  const known = testRecord(90);
  const watch = watchFailures(0.5, [...failing.slice(0, 12), known]);
  for (const record of failing.slice(0, 19)) watch.note(record);
  assert.throws(() => watch.note(failing[19] as ItemRecord), /^EngineError: 8 of 8 items failed/);
  const unjudged = Array.from({ length: 9 }, (_, position) => ({ ...noted("failed"), position }));
  const judge = watchFailures(0.5, unjudged);
  for (const record of unjudged) judge.note(record);
});

test("a judge without verdicts stops it by the recipe's share", () => {
  play(...times(8, noted("right")), ...times(8, noted("failed")));
  assert.throws(
    () => play(...times(7, noted("right")), ...times(8, noted("failed"))),
    /the judge gave no verdict on 8 of 15 answers \(timeout\)/,
  );
});

test("asked again: what failed, and what a judge was to decide and did not", () => {
  assert.equal(isFinal(testRecord(0)), true);
  assert.equal(isFinal(testRecord(0, { stage: "unreadable" })), true);
  assert.equal(isFinal(testRecord(0, { stage: "none" })), true, "nobody was asked, and nobody would be");
  assert.equal(isFinal(engineFailed), false);
  assert.equal(isFinal(noted("failed")), false);
  assert.equal(isFinal(noted("right")), true);
});
