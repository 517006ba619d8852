// One item that cannot be read costs one item and no more: the same whether its pictures are missing or its row is damaged.
import assert from "node:assert/strict";
import test from "node:test";
import type { BenchmarkName } from "../../tasks/benchmarks/item.ts";
import { accuracyBy } from "./additive.ts";
import type { Aggregate, ItemScore } from "./aggregate.ts";
import { aggregators } from "./all.ts";
import { repeated, withIntervals } from "./intervals.ts";
import { isWithin, itemScore, valueOf } from "./testing.ts";

const unreadable = (i: number | string): ItemScore => itemScore(i, 0, {}, "unreadable");
const VERSIONS = ["Text Dominant", "Text Lite", "Vision Intensive", "Vision Dominant", "Vision Only"];
const TASKS = [
  ...["object_counting", "object_abs_distance", "object_size_estimation", "room_size_estimation"],
  ...["object_rel_distance", "object_rel_direction_easy", "object_rel_direction_medium"],
  ...["object_rel_direction_hard", "route_planning", "obj_appearance_order"],
];

/** All right. */
const all = (
  count: number,
  labels: (i: number) => Readonly<Record<string, string>>,
  questionType: (i: number) => string = () => "multi-choice",
): ItemScore[] => Array.from({ length: count }, (_, i) => itemScore(i, 1, labels(i), questionType(i)));

const vsi = all(
  5000,
  (i) => ({ dataset: "a", scene: `s${i % 200}` }),
  (i) => TASKS[i % 10] as string,
);
const hrbench = all(800, (i) => ({
  question: `${i % 200}`,
  cycle: `${Math.floor(i / 200)}`,
  category: "single",
}));
const mathverse = all(3940, (i) => ({
  problem: `${Math.floor(i / 5)}`,
  version: VERSIONS[i % 5] as string,
  subject: "Functions",
  subfield: "a",
  type: "free-form",
}));
const wemath = (right: number): ItemScore[] =>
  Array.from({ length: 525 }, (_, group) =>
    ["1", "2", "multi"].map((part) =>
      itemScore(`${group}-${part}`, group < right ? 1 : 0, { group: `${group}`, part, steps: "2" }),
    ),
  ).flat();

function headlineOf(name: BenchmarkName, scores: readonly ItemScore[]): [number | null, number] {
  const { value, count } = aggregators[name].aggregate(scores).headline;
  return [value, count];
}

const names = ({ metrics }: Aggregate): string[] => metrics.map(({ name }) => name);

test("means of means: an item of no category makes none of its own, and is one wrong item of all", () => {
  for (const [name, scores, expected] of [
    ["vsi-bench", vsi, 0.9998],
    ["hrbench-4k", hrbench, 0.99875],
    ["hrbench-8k", hrbench, 0.99875],
    ["mathverse", mathverse, 3939 / 3940],
  ] as const) {
    const damaged = [...scores.slice(1), unreadable(0)];
    const [value, count] = headlineOf(name, damaged);
    isWithin(value, expected, 1e-12);
    assert.equal(count, scores.length, name);
    assert.deepEqual(names(aggregators[name].aggregate(damaged)), names(aggregators[name].aggregate(scores)));
  }
});

test("means of means: an item whose pictures are missing is a wrong one of its category", () => {
  const missing = ([first, ...rest]: readonly ItemScore[]): ItemScore[] => [
    { item: (first as ItemScore).item, score: 0 },
    ...rest,
  ];
  // One of 500 in one of eight tasks; of 200 in one of four rotations; of 788 in one of five versions.
  isWithin(headlineOf("vsi-bench", missing(vsi))[0], 1 - 1 / 500 / 8, 1e-12);
  isWithin(headlineOf("hrbench-4k", missing(hrbench))[0], 1 - 1 / 200 / 4, 1e-12);
  isWithin(headlineOf("mathverse", missing(mathverse))[0], 1 - 1 / 788 / 5, 1e-12);
  // A problem of We-Math, all of whose steps are right, is inadequate generalization, which is half.
  isWithin(headlineOf("wemath", missing(wemath(525).reverse()))[0], 524.5 / 525, 1e-12);
});

test("We-Math: a group with a part that cannot be read is wrong, and the score never rises", () => {
  const whole = wemath(262);
  assert.deepEqual(headlineOf("wemath", whole), [262 / 525, 525]);
  const lost = (from: number, to: number): ItemScore[] =>
    whole.map((score, i) => (i % 3 === 2 && i >= 3 * from && i < 3 * to ? unreadable(i) : score));
  const [value, count] = headlineOf("wemath", lost(262, 362));
  isWithin(value, 262 / 525, 1e-12);
  assert.equal(count, 525);
  const right = aggregators.wemath.aggregate(lost(0, 1));
  isWithin(right.headline.value, 261 / 525, 1e-12);
  isWithin(valueOf(right, "score (loose)"), 261 / 525, 1e-12);
  isWithin(valueOf(right, "complete groups"), 524 / 525, 1e-12);
});

test("plain means: a zero more in the denominator, and no category", () => {
  const labels = { category: "c", task: "c", subject: "c", level: "1", kind: "c" };
  const dynamath = all(10, (i) => ({ ...labels, seed: "1", variant: `${i + 1}` }));
  for (const [aggregator, scores] of [
    [aggregators.vstar, all(10, () => labels)],
    [aggregators["tir-bench"], all(10, () => labels)],
    [aggregators.mathvision, all(10, () => labels)],
    [aggregators.dynamath, dynamath],
    [accuracyBy(["kind"]), all(10, () => labels)],
  ] as const) {
    const aggregate = aggregator.aggregate([...scores.slice(1), unreadable("x")]);
    assert.deepEqual([aggregate.headline.value, aggregate.headline.count], [0.9, 10]);
    assert.deepEqual(names(aggregate), names(aggregator.aggregate(scores)));
  }
  const lacking = aggregators.dynamath.aggregate([...dynamath.slice(1), unreadable("x")]);
  assert.deepEqual(
    ["worst case", "seeds with all ten variants"].map((name) => valueOf(lacking, name)),
    [0, 0],
  );
});

test("nothing but rows that cannot be read: 0 of all of them", () => {
  for (const aggregator of Object.values(aggregators)) {
    const { value, count } = aggregator.aggregate([unreadable(0), unreadable(1)]).headline;
    assert.deepEqual([value, count], [0, 2]);
  }
});

test("intervals and repeats are of the same number", () => {
  const scores = [...hrbench.slice(1).map(({ item }, i) => ({ item, score: i % 2 })), unreadable(0)];
  const { headline } = withIntervals(aggregators["hrbench-4k"], scores, 1);
  const { low = 1, high = 0 } = headline.interval ?? {};
  assert.deepEqual([headline.value, headline.count], headlineOf("hrbench-4k", scores));
  assert.ok(low < (headline.value as number) && (headline.value as number) < high && high < 0.6 && low > 0.4);
  isWithin(
    repeated(aggregators["hrbench-4k"], [scores, scores]).headline.value,
    headline.value as number,
    1e-15,
  );
});
