// Lines of items.jsonl: what was written is read; what was not is told of and left out.
import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { recordLine, recordOfLine } from "./itemRecord.ts";
import { openItemRecords } from "./itemRecords.ts";
import { testRecord } from "./testRecords.ts";

const root = mkdtempSync(join(tmpdir(), "pyvision-records-"));
after(() => rmSync(root, { recursive: true, force: true }));

const judged = testRecord(3, {
  stage: "judge",
  extracted: 'say "}," \n<|im_end|>',
  judge: { model: "j", promptHash: "ab", verdict: "right" },
});

test("a line is JSON, holds everything, and is the same whatever order its keys came in", () => {
  assert.deepEqual(recordOfLine(recordLine(judged)), judged);
  assert.equal((JSON.parse(recordLine(judged)) as { id: string }).id, "item-3");
  const turned = Object.fromEntries(Object.entries(judged).reverse()) as unknown as typeof judged;
  assert.equal(recordLine(turned), recordLine(judged));
});

test("a line with another character, without its end, or of another shape is refused", () => {
  const line = recordLine(judged);
  assert.throws(() => recordOfLine(line.replace('"score":1', '"score":0')), /not what was written/);
  for (const length of [0, 10, line.length - 1]) assert.throws(() => recordOfLine(line.slice(0, length)));
});

test("answers as they came, the later of two, sorted; a cut line and a damaged one are asked again", () => {
  const path = join(root, "items.jsonl");
  const told: string[] = [];
  const open = () =>
    openItemRecords(
      path,
      ({ position }) => position < 100,
      (reason) => told.push(reason),
    );
  const records = open();
  records.add(testRecord(2));
  records.add(testRecord(1));
  records.add(testRecord(0, { stage: "failed", score: 0, error: "no" }));
  records.add(testRecord(0));
  records.add(testRecord(500));
  records.add(testRecord(1, { repeat: 1 }));
  appendFileSync(path, recordLine(testRecord(4)).slice(0, 50));
  const again = open();
  assert.deepEqual(told, []);
  const seen = again.all().map(({ position, repeat, stage }) => [position, repeat, stage]);
  assert.deepEqual(seen, [[0, 0, "rule"], [1, 0, "rule"], [1, 1, "rule"], [2, 0, "rule"]]); // prettier-ignore
  assert.equal(again.get(4, 0), undefined);
  again.add(testRecord(4));
  assert.equal(open().all().length, 5);
  writeFileSync(path, readFileSync(path, "utf8").replace('"score":1', '"score":0'));
  assert.equal(open().all().length, 4);
  assert.match(
    told.join("\n"),
    /items\.jsonl line 1: a line is not what was written; that item is asked again/,
  );
});
