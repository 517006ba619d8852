// Recorded answers against the items as they are now.
import assert from "node:assert/strict";
import { test } from "node:test";
import { DataError } from "../core/errors.ts";
import { contentOf, type DescribedTask } from "./itemRecord.ts";
import { keptRecords } from "./keptRecords.ts";
import { testRecord } from "./testRecords.ts";

const item = (position: number, more: Partial<DescribedTask> = {}): DescribedTask => ({
  ...{ id: `item-${position}`, kind: "kind", question: "Which?", answer: "B", images: [] },
  options: [{ letter: "A", text: "red" }, { letter: "B", text: "blue" }], // prettier-ignore
  ...more,
});

test("content: id, question, truth and options in their order, and nothing else", () => {
  const content = contentOf(item(0));
  assert.match(content, /^[0-9a-f]{16}$/);
  assert.equal(contentOf(item(0, { kind: "other", labels: { level: "2" } })), content);
  const others = [
    item(1),
    item(0, { question: "Who?" }),
    item(0, { answer: "A" }),
    item(0, { options: [{ letter: "A", text: "blue" }, { letter: "B", text: "red" }] }), // prettier-ignore
    item(0, { options: [] }),
  ].map(contentOf);
  assert.equal(new Set([content, ...others]).size, 6);
});

test("an answer counts while its item is what it was", () => {
  const asked = [0, 1].map((position) => testRecord(position, { content: contentOf(item(position)) }));
  const same = keptRecords(item);
  assert.deepEqual([asked.map(same.counts), same.said()], [[true, true], []]);
  const changed = keptRecords((position) => item(position, position === 1 ? { answer: "A" } : {}));
  assert.deepEqual(asked.map(changed.counts), [true, false]);
  assert.match(changed.said().join("\n"), /^1 answer is left out, the first to "item-1": .*Asked again$/);
  const gone = keptRecords(() => {
    throw new DataError("no row");
  });
  assert.deepEqual(asked.map(gone.counts), [false, false]);
  assert.match(gone.said().join("\n"), /^2 answers are left out/);
});

test("an item that could not be read counts as that until it can be read", () => {
  const lost = testRecord(0, { stage: "unreadable", score: 0, error: "no picture" });
  const damaged = keptRecords(
    (position) =>
      ({
        ...item(position),
        get images(): never {
          throw new DataError("no picture");
        },
      }) as DescribedTask,
  );
  assert.deepEqual([damaged.counts(lost), damaged.said()], [true, []]);
  const mended = keptRecords(item);
  assert.equal(mended.counts(lost), false);
  assert.match(mended.said().join("\n"), /^1 answer is missing so far, .* that can be now\. Asked again$/);
});
