import assert from "node:assert/strict";
import test from "node:test";
import { percent2 } from "../../rewards/benchmarks/python.ts";
import { vectorsOf } from "../../rewards/benchmarks/vectors.ts";
import type { Aggregate, ItemScore } from "./aggregate.ts";
import { isWithin, itemScore, valueOf } from "./testing.ts";
import { wemathAggregator } from "./wemath.ts";

interface Groups {
  readonly steps: number;
  readonly sub: readonly number[];
  readonly multi: number;
  readonly groups: number;
}

const groupScores = (kinds: readonly Groups[]): ItemScore[] =>
  kinds.flatMap(({ steps, sub, multi, groups }, kind) =>
    Array.from({ length: groups }, (_, group) =>
      [...sub.map((score, i): [string, number] => [String(i + 1), score]), ["multi", multi] as const].map(
        ([part, score]) =>
          itemScore(`${kind}-${group}-${part}`, score, {
            group: `${kind}-${group}`,
            part,
            steps: String(steps),
          }),
      ),
    ).flat(),
  );

/** The columns of the authors' table. */
function fourDimensional(aggregate: Aggregate): Record<string, string> {
  const groups = aggregate.headline.count;
  const share = (name: string): string => percent2(valueOf(aggregate, name) as number);
  const columns: [string, string, number][] = ["strict", "loose"].flatMap(
    (reading): [string, string, number][] => {
      const right = aggregate.metrics.find(({ name }) => name === `RM (${reading})`)?.count as number;
      return [
        [`InsufficientKnowledge (${reading})`, "IK", groups],
        [`InadequateGeneralization (${reading})`, "IG", groups],
        [`CompleteMastery (${reading})`, `CM (${reading})`, groups],
        [`RoteMemorization (${reading})`, `RM (${reading})`, right],
      ];
    },
  );
  const table = [
    ...["strict", "loose"].map((reading) => [`Score (${reading})`, share(`score (${reading})`)]),
    ...columns.map(([column, name, of]) => {
      const count = Math.round((valueOf(aggregate, name) as number) * of);
      return [column, `${share(name)} (${count})`];
    }),
  ];
  return Object.fromEntries(
    table.map(([name = "", shown]) => [name.replace("(s", "(S").replace("(l", "(L"), shown]),
  ) as Record<string, string>;
}

test("the four outcomes, strict and loose, and the accuracies by steps", () => {
  const rows = vectorsOf("WeMath", { questionType: "four_dimensional" });
  assert.equal(rows.length, 2);
  for (const row of rows) {
    const aggregate = wemathAggregator.aggregate(groupScores(row.prediction as Groups[]));
    assert.deepEqual(fourDimensional(aggregate), row.expected);
    for (const steps of ["one", "two", "three"])
      assert.equal(percent2(valueOf(aggregate, `${steps}-step`) as number), row.extra[`${steps}_step`]);
  }
});

test("a mixture of outcomes", () => {
  const groups = groupScores([
    { steps: 2, sub: [1, 1], multi: 1, groups: 100 },
    { steps: 2, sub: [1, 1], multi: 0, groups: 80 },
    { steps: 2, sub: [1, 0], multi: 1, groups: 40 },
    { steps: 2, sub: [0, 0], multi: 1, groups: 20 },
    { steps: 2, sub: [1, 0], multi: 0, groups: 120 },
    { steps: 3, sub: [1, 1, 1], multi: 1, groups: 30 },
    { steps: 3, sub: [1, 1, 1], multi: 0, groups: 20 },
    { steps: 3, sub: [1, 1, 0], multi: 1, groups: 20 },
    { steps: 3, sub: [0, 0, 0], multi: 1, groups: 5 },
    { steps: 3, sub: [0, 1, 1], multi: 0, groups: 90 },
  ]);
  assert.deepEqual(fourDimensional(wemathAggregator.aggregate(groups)), {
    "Score (Strict)": "34.29%",
    "Score (Loose)": "45.71%",
    "InsufficientKnowledge (Strict)": "40.00% (210)",
    "InadequateGeneralization (Strict)": "19.05% (100)",
    "CompleteMastery (Strict)": "24.76% (130)",
    "RoteMemorization (Strict)": "39.53% (85)",
    "InsufficientKnowledge (Loose)": "40.00% (210)",
    "InadequateGeneralization (Loose)": "19.05% (100)",
    "CompleteMastery (Loose)": "36.19% (190)",
    "RoteMemorization (Loose)": "11.63% (25)",
  });
  const fewRight = wemathAggregator.aggregate(
    groupScores([
      { steps: 2, sub: [1, 1], multi: 1, groups: 2 },
      { steps: 2, sub: [1, 1], multi: 0, groups: 358 },
      { steps: 3, sub: [1, 1, 1], multi: 0, groups: 165 },
    ]),
  );
  assert.equal(percent2(fewRight.headline.value as number), "50.19%");
  assert.equal(percent2(valueOf(fewRight, "score (loose)") as number), "50.19%");
});

test("without a right problem nothing can be said of memorization", () => {
  const { headline, metrics } = wemathAggregator.aggregate(
    groupScores([{ steps: 3, sub: [0, 1, 0], multi: 0, groups: 4 }]),
  );
  assert.deepEqual(headline, { name: "score (strict)", value: 0, count: 4 });
  assert.deepEqual(
    metrics.find(({ name }) => name === "RM (strict)"),
    { name: "RM (strict)", value: null, count: 0 },
  );
});

test("groups that are not whole count in accuracies alone", () => {
  const scores = groupScores([
    { steps: 2, sub: [1, 1], multi: 1, groups: 2 },
    { steps: 3, sub: [1, 0, 1], multi: 1, groups: 1 },
  ]);
  const aggregate = wemathAggregator.aggregate(scores.slice(0, -2));
  assert.deepEqual(aggregate.headline, { name: "score (strict)", value: 1, count: 2 });
  assert.deepEqual(aggregate.metrics.slice(-3), [
    { name: "complete groups", value: 2 / 3, count: 3 },
    { name: "one-step", value: 5 / 6, count: 6 },
    { name: "two-step", value: 1, count: 2 },
  ]);
  const none = wemathAggregator.aggregate(scores.slice(0, 1));
  assert.deepEqual(none.headline, { name: "score (strict)", value: null, count: 0 });
});

test("a domain is the mean of its concepts, whatever their sizes, and of steps only", () => {
  const item = (i: number, score: number, concept: string, domain: string, part = "1"): ItemScore =>
    itemScore(i, score, { group: String(i), part, steps: "2", concept, domain });
  const aggregate = wemathAggregator.aggregate([
    item(0, 1, "angles", "Angles and Length"),
    item(1, 1, "angles", "Angles and Length"),
    item(2, 0, "angles", "Angles and Length", "2"),
    item(3, 0, "lengths", "Angles and Length"),
    item(4, 0, "angles", "Angles and Length", "multi"),
    item(5, 1, "maps", "Route Map"),
  ]);
  isWithin(valueOf(aggregate, "Angles and Length"), 1 / 3, 1e-15);
  assert.equal(valueOf(aggregate, "Route Map"), 1);
});
