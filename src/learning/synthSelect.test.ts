import assert from "node:assert/strict";
import { test } from "node:test";
import { selectDemonstrations, whyNot, type SynthFacts, type SynthFilter } from "./synthSelect.ts";

const FILTER: SynthFilter = { right: true, lastCallRan: true, minCalls: 0 };

function facts(sketch: Partial<SynthFacts> = {}): SynthFacts {
  const position = sketch.position ?? 0;
  return {
    taskId: `task${position}`,
    kind: "look",
    position,
    attempt: 0,
    questionKey: `q${position}`,
    wordsKey: "w",
    end: "answered",
    accuracy: 1,
    turns: 2,
    calls: 1,
    failedCalls: 0,
    lastCallRan: true,
    images: 2,
    tokens: 100,
    ...sketch,
  };
}

function without<K extends keyof SynthFacts>(record: SynthFacts, key: K): SynthFacts {
  const { [key]: _, ...rest } = record;
  return rest as SynthFacts;
}

const undecided = without(facts(), "accuracy");
for (const [name, record, filter, reason] of [
  ["good", facts(), {}, undefined],
  ["broken task", facts({ end: "broken" }), {}, "the task is broken"],
  ["sandbox", without(facts({ end: "sandboxFailure" }), "accuracy"), {}, "the sandbox failed"],
  ["no answer", facts({ end: "turnLimit", accuracy: 0 }), {}, "not answered: turnLimit"],
  ["wrong", facts({ accuracy: 0 }), {}, "wrong answer"],
  ["wrong, allowed", facts({ accuracy: 0 }), { right: false }, undefined],
  ["undecided is not right", undecided, {}, "nobody could decide the answer"],
  ["last call", facts({ lastCallRan: false, failedCalls: 1 }), {}, "the last call failed"],
  ["last call, allowed", facts({ lastCallRan: false }), { lastCallRan: false }, undefined],
  ["calls below", facts({ calls: 1 }), { minCalls: 2 }, "too few calls"],
  ["calls at the bound", facts({ calls: 2 }), { minCalls: 2, maxCalls: 2 }, undefined],
  ["calls above", facts({ calls: 3 }), { maxCalls: 2 }, "too many calls"],
  ["failed calls", facts({ failedCalls: 1 }), { maxFailedCalls: 0 }, "too many failed calls"],
  ["images", facts({ images: 5 }), { maxImages: 4 }, "too many images"],
  ["tokens", facts({ tokens: 101 }), { maxTokens: 100 }, "too long"],
  ["writing", facts({ unwritable: "text holds <image>" }), {}, "cannot be written: text holds <image>"],
] as const)
  test(`filter: ${name}`, () => assert.equal(whyNot(record, { ...FILTER, ...filter }), reason));

function select(records: readonly SynthFacts[], options: { perTask?: number; dialogues?: number } = {}) {
  const { perTask = 1, dialogues } = options;
  return selectDemonstrations(records, {
    filter: FILTER,
    perTask,
    balance: { maxShare: 1, ...(dialogues !== undefined && { dialogues }) },
    seed: 0,
  });
}

test("duplicates: the same words to the same question once, other words up to perTask, other questions not counted", () => {
  const records = [
    facts({ position: 2, attempt: 1, wordsKey: "b" }),
    facts({ position: 2, attempt: 0, wordsKey: "a" }),
    facts({ position: 5, questionKey: "q2", wordsKey: "a" }), // another id, the same question
    facts({ position: 6, wordsKey: "a" }),
    facts({ position: 2, attempt: 2, wordsKey: "c" }),
  ];
  const one = select(records);
  assert.deepEqual(one.chosen, [records[1], records[3]]);
  assert.deepEqual(one.dropped, [
    ["enough of this question", 2],
    ["duplicate", 1],
  ]);
  const two = select(records, { perTask: 2 });
  assert.deepEqual(two.chosen, [records[1], records[0], records[3]]);
});

test("balance: the count by turns is told before and after, and the choice within a length depends on the seed alone", () => {
  const records = Array.from({ length: 12 }, (_, position) =>
    facts({ position, turns: position < 9 ? 1 : 3, accuracy: position === 4 ? 0 : 1 }),
  );
  const { chosen, dropped, turns } = select(records, { dialogues: 6 });
  assert.deepEqual(turns, [
    { turns: 1, passed: 8, chosen: 3 },
    { turns: 3, passed: 3, chosen: 3 },
  ]);
  assert.deepEqual(dropped, [
    ["balanced away", 5],
    ["wrong answer", 1],
  ]);
  assert.equal(chosen.length, 6);
  assert.deepEqual(
    chosen.map(({ position }) => position),
    chosen.map(({ position }) => position).toSorted((a, b) => a - b),
  );
  assert.deepEqual(select(records.toReversed(), { dialogues: 6 }).chosen, chosen, "order does not matter");
  const positions = (seed: number): number[] =>
    selectDemonstrations(records, {
      filter: FILTER,
      perTask: 1,
      balance: { maxShare: 1, dialogues: 6 },
      seed,
    }).chosen.map(({ position }) => position);
  assert.ok([1, 2, 3, 4].some((seed) => String(positions(seed)) !== String(positions(0))));
});
