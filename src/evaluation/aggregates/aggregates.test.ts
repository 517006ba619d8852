import assert from "node:assert/strict";
import test from "node:test";
import { vectorsOf } from "../../rewards/benchmarks/vectors.ts";
import type { Aggregator } from "./aggregate.ts";
import { aggregators } from "./all.ts";
import { isWithin, itemScore, valueOf } from "./testing.ts";

test("HRBench: a mean of each rotation, then of the rotations", () => {
  for (const row of vectorsOf("HRBench", { questionType: "aggregate" })) {
    const items = row.prediction as { cycle_category: string; category: string; hit: number }[];
    const scores = items.map(({ cycle_category: cycle, category, hit }, i) =>
      itemScore(i, hit, { category, cycle, question: `${category}${Math.floor(i / 4)}` }),
    );
    const aggregate = aggregators["hrbench-4k"].aggregate(scores);
    const given = Object.fromEntries(
      ["all", "single", "cross"].map((name) => [name, valueOf(aggregate, name)]),
    );
    assert.deepEqual(given, row.expected);
  }
});

test("HRBench: with items missing, a rotation counts as much as any other", () => {
  const scores = [
    itemScore(0, 1, { category: "single", cycle: "0", question: "0" }),
    itemScore(1, 1, { category: "single", cycle: "0", question: "1" }),
    itemScore(2, 1, { category: "cross", cycle: "0", question: "2" }),
    itemScore(3, 0, { category: "single", cycle: "1", question: "0" }),
  ];
  const aggregate = aggregators["hrbench-8k"].aggregate(scores);
  assert.deepEqual(aggregate.headline, { name: "all", value: 0.5, count: 4 });
  assert.deepEqual(aggregate.metrics, [
    { name: "single", value: 0.5, count: 3 },
    { name: "cross", value: 1, count: 1 },
    { name: "cycle 0", value: 1, count: 3 },
    { name: "cycle 1", value: 0, count: 1 },
  ]);
});

test("MathVision: all, levels, subjects and levels of subjects, as the authors print them", () => {
  for (const row of vectorsOf("MathVision", { questionType: "aggregate" })) {
    const items = row.prediction as { subject: string; level: number; correct: number }[];
    const aggregate = aggregators.mathvision.aggregate(
      items.map(({ subject, level, correct }, i) => itemScore(i, correct, { subject, level: String(level) })),
    );
    const printed: Record<string, string> = {};
    for (const { name, value, count } of [aggregate.headline, ...aggregate.metrics]) {
      const share = value as number;
      const shown = `${Math.round(share * count)}/${count}=${(share * 100).toFixed(1)}%`;
      for (const key of authorsKeys(name)) printed[key] = shown;
    }
    assert.deepEqual(printed, row.expected);
  }
});

function authorsKeys(name: string): string[] {
  const [, subject, level] = /^(.+), level (\d)$/.exec(name) ?? [];
  if (level !== undefined) return [`-level${level}_${subject}`, `${subject}_level${level}`];
  return [name === "all" ? "-all" : name.replace(/^level /, "-level")];
}

test("V*: micro over all items, and each category", () => {
  const scores = [1, 1, 1, 0].map((score, i) => itemScore(i, score, { category: "direct_attributes" }));
  const aggregate = aggregators.vstar.aggregate([
    itemScore(9, 0, { category: "relative_position" }),
    ...scores,
  ]);
  assert.deepEqual(aggregate, {
    headline: { name: "accuracy", value: 0.6, count: 5 },
    metrics: [
      { name: "direct_attributes", value: 0.75, count: 4 },
      { name: "relative_position", value: 0, count: 1 },
    ],
  });
});

test("TIR-Bench: fractions count as they are", () => {
  const aggregate = aggregators["tir-bench"].aggregate([
    itemScore(0, 0.5, { task: "jigsaw" }),
    itemScore(1, 0.75, { task: "jigsaw" }),
    itemScore(2, 1, { task: "color" }),
  ]);
  assert.deepEqual(aggregate, {
    headline: { name: "accuracy", value: 0.75, count: 3 },
    metrics: [
      { name: "color", value: 1, count: 1 },
      { name: "jigsaw", value: 0.625, count: 2 },
    ],
  });
});

test("MathVerse: the mean of the versions with a picture; text alone enters nothing else", () => {
  const hits: readonly [string, readonly number[]][] = [
    ["Text Dominant", [1, 1]],
    ["Text Lite", [1, 0]],
    ["Vision Intensive", [0, 1]],
    ["Vision Dominant", [0, 0]],
    ["Vision Only", [1, 0]],
    ["Text Only", [1, 1]],
  ];
  const scores = hits.flatMap(([version, list]) =>
    list.map((score, i) =>
      itemScore(`${version}-${i}`, score, {
        version,
        subject: i === 0 ? "Plane Geometry" : "Functions",
        subfield: i === 0 ? "Angle" : "Property",
        problem: String(i),
        type: "multi-choice",
      }),
    ),
  );
  const { headline, metrics } = aggregators.mathverse.aggregate(scores);
  assert.deepEqual(headline, { name: "overall", value: 0.5, count: 10 });
  assert.deepEqual(
    metrics.map(({ name, value, count }) => [name, value, count]),
    [
      ["Text Dominant", 1, 2],
      ["Text Lite", 0.5, 2],
      ["Vision Intensive", 0.5, 2],
      ["Vision Dominant", 0, 2],
      ["Vision Only", 0.5, 2],
      ["Text Only", 1, 2],
      ["Plane Geometry", 0.6, 5],
      ["Functions", 0.4, 5],
      ["Functions: Property", 0.4, 5],
      ["Plane Geometry: Angle", 0.6, 5],
      ["multi-choice", 0.5, 10],
    ],
  );
  const textOnly = aggregators.mathverse.aggregate(scores.slice(-2));
  assert.deepEqual(textOnly.headline, { name: "overall", value: 1, count: 2 });
  assert.equal(valueOf(textOnly, "Functions"), 1);
});

test("VSI-Bench: eight tasks of one weight, relative direction being one", () => {
  const scores = (
    [
      ["object_counting", [1, 0.5]],
      ["object_abs_distance", [0.4]],
      ["object_size_estimation", [0.6, 0.8, 0.7]],
      ["room_size_estimation", [0.3]],
      ["object_rel_distance", [1, 0, 1, 0]],
      ["object_rel_direction_easy", [1, 1]],
      ["object_rel_direction_medium", [0, 0, 1, 0]],
      ["object_rel_direction_hard", [0]],
      ["route_planning", [0, 1]],
      ["obj_appearance_order", [1, 0, 0]],
    ] as const
  ).flatMap(([questionType, list]) =>
    list.map((score, i) =>
      itemScore(`${questionType}-${i}`, score, { scene: "s", dataset: "d" }, questionType),
    ),
  );
  const aggregate = aggregators["vsi-bench"].aggregate(scores);
  isWithin(aggregate.headline.value, 0.4875, 1e-12);
  isWithin(valueOf(aggregate, "object_rel_direction"), 0.41667, 1e-5);
  assert.deepEqual(
    aggregate.metrics.map(({ name, count }) => `${name} ${count}`),
    [
      "object_counting 2",
      "object_abs_distance 1",
      "object_size_estimation 3",
      "room_size_estimation 1",
      "object_rel_distance 4",
      "object_rel_direction 7",
      "route_planning 2",
      "obj_appearance_order 3",
      "object_rel_direction_easy 2",
      "object_rel_direction_medium 4",
      "object_rel_direction_hard 1",
    ],
  );
});

test("without scores nothing is said; labels that are missing are seen; order does not matter", () => {
  for (const [name, aggregator] of Object.entries<Aggregator>(aggregators)) {
    const { value, count } = aggregator.aggregate([]).headline;
    assert.deepEqual([value, count], [null, 0], name);
    const scores = Array.from({ length: 60 }, (_, i) =>
      itemScore(i, ((i * 7) % 10) / 10, { other: "label" }),
    );
    assert.deepEqual(aggregator.aggregate(scores.toReversed()), aggregator.aggregate(scores), name);
  }
  const { metrics } = aggregators.vstar.aggregate([itemScore(0, 1, { other: "label" })]);
  assert.deepEqual(metrics, [{ name: "(none)", value: 1, count: 1 }]);
});
