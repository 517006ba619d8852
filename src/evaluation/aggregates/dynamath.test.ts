import assert from "node:assert/strict";
import test from "node:test";
import { roundHalfEven } from "../../rewards/benchmarks/python.ts";
import { vectorsOf } from "../../rewards/benchmarks/vectors.ts";
import type { ItemScore } from "./aggregate.ts";
import { dynamathAggregator } from "./dynamath.ts";
import { isWithin, itemScore, valueOf } from "./testing.ts";

/** Seeds with so many of ten variants right. */
type Histogram = readonly number[];

const seedScores = (histograms: Readonly<Record<string, Histogram>>): ItemScore[] =>
  Object.entries(histograms).flatMap(([level, histogram]) =>
    histogram.flatMap((seeds, right) =>
      Array.from({ length: seeds }, (_, i) =>
        Array.from({ length: 10 }, (_, variant) =>
          itemScore(`${level}-${right}-${i}-${variant}`, variant < right ? 1 : 0, {
            seed: `${level}-${right}-${i}`,
            variant: String(variant + 1),
            subject: "all",
            level,
          }),
        ),
      ).flat(),
    ),
  );

/**
 * The tables of 501 seeds and 10 variants that DynaMath 598c3c3 ships, reduced to how many seeds of a level have 0, 1, … 10
 * variants right: awk -F, '/^Q[0-9]/ {n[$14 "," $12]++} END {for (k in n) print k "," n[k]}' "samples and result/….csv"
 */
const DYNAMATH_TABLES: Readonly<Record<string, Readonly<Record<string, Histogram>>>> = {
  "samples and result/GPT4o-result.csv": {
    "elementary school": [5, 7, 2, 3, 4, 1, 0, 1, 5, 6, 29],
    "high school": [33, 13, 22, 16, 12, 19, 10, 21, 16, 20, 95],
    undergraduate: [11, 12, 11, 6, 12, 8, 10, 16, 9, 16, 50],
  },
  "samples and result/claude3.5-result.csv": {
    "elementary school": [8, 6, 1, 3, 1, 1, 4, 0, 3, 4, 32],
    "high school": [35, 11, 21, 12, 12, 13, 19, 18, 19, 24, 93],
    undergraduate: [14, 8, 8, 6, 7, 12, 9, 10, 13, 20, 54],
  },
  "samples and result/Qwen2-7B-result.csv": {
    "elementary school": [18, 7, 4, 3, 1, 1, 2, 1, 2, 8, 16],
    "high school": [62, 25, 26, 20, 25, 18, 18, 15, 18, 16, 34],
    undergraduate: [39, 21, 14, 8, 8, 16, 8, 11, 10, 7, 19],
  },
};

test("the figures of the authors' own tables", () => {
  const rows = vectorsOf("DynaMath", { questionType: "aggregate_published" });
  assert.equal(rows.length, 3);
  for (const row of rows) {
    const table = DYNAMATH_TABLES[row.prediction as string];
    assert.ok(table, `no table ${String(row.prediction)}`);
    const aggregate = dynamathAggregator.aggregate(seedScores(table));
    assert.equal(aggregate.headline.count, 5010);
    const rounded = (name: string): number => roundHalfEven(valueOf(aggregate, name) as number, 6);
    assert.deepEqual(
      {
        average: rounded("average"),
        worst: rounded("worst case"),
        reasoning_robustness: rounded("reasoning robustness"),
      },
      row.expected,
    );
  }
});

test("by level, and with a variant missing", () => {
  const scores = seedScores({
    "high school": [1, 0, 0, 0, 0, 1],
    undergraduate: [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1],
  });
  const aggregate = dynamathAggregator.aggregate(scores);
  isWithin(aggregate.headline.value, 0.6, 1e-15);
  assert.equal(valueOf(aggregate, "worst case"), 0.25);
  isWithin(valueOf(aggregate, "reasoning robustness"), 0.41667, 1e-5);
  assert.equal(valueOf(aggregate, "average, high school"), 0.25);
  assert.equal(valueOf(aggregate, "worst case, undergraduate"), 0.5);
  isWithin(valueOf(aggregate, "reasoning robustness, undergraduate"), 0.5 / 0.95, 1e-15);
  const lacking = dynamathAggregator.aggregate(scores.slice(0, -1));
  assert.equal(valueOf(lacking, "worst case"), 0);
  assert.equal(valueOf(lacking, "seeds with all ten variants"), 0.75);
  assert.equal(lacking.headline.value, 23 / 39);
});
