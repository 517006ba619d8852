import assert from "node:assert/strict";
import test from "node:test";
import { randomStream } from "../../core/random.ts";
import { assertLinear } from "../../core/testGrowth.ts";
import { meanInterval, wilson } from "../../learning/statistics.ts";
import { accuracyBy } from "./additive.ts";
import type { Aggregate, ItemScore, Metric } from "./aggregate.ts";
import { aggregators } from "./all.ts";
import { pairedHeadlines, repeated, withIntervals } from "./intervals.ts";
import { isWithin, itemScore } from "./testing.ts";

const plain = accuracyBy(["category"]);

const metricOf = ({ headline, metrics }: Aggregate, name: string): Metric =>
  [headline, ...metrics].find((metric) => metric.name === name) as Metric;

const rights = (n: number, right: number): ItemScore[] =>
  Array.from({ length: n }, (_, i) => itemScore(i, i < right ? 1 : 0, { category: i % 2 === 0 ? "a" : "b" }));

test("shares of right answers to items that stand alone have Wilson's interval", () => {
  const aggregate = withIntervals(plain, rights(20, 15), 1);
  assert.deepEqual(aggregate.headline, {
    name: "accuracy",
    value: 0.75,
    count: 20,
    interval: { low: 0.531299122381256, high: 0.8881382985923343 },
  });
  assert.deepEqual(metricOf(aggregate, "a").interval, wilson(8, 10));
  assert.deepEqual(metricOf(aggregate, "b").interval, wilson(7, 10));
});

test("fractions are drawn, and come close to the normal interval", () => {
  const random = randomStream("fractions");
  const scores = Array.from({ length: 400 }, (_, i) => itemScore(i, random.next(), {}));
  const { interval } = withIntervals(plain, scores, 1).headline;
  const normal = meanInterval(scores.map(({ score }) => score));
  isWithin(interval?.low, normal?.low, 0.005);
  isWithin(interval?.high, normal?.high, 0.005);
});

test("items of a cluster are drawn together", () => {
  const byGroup = accuracyBy([], { clusterOf: ({ labels }) => labels["group"] ?? "" });
  const scores = Array.from({ length: 400 }, (_, i) =>
    itemScore(i, Math.floor(i / 4) % 2, { group: String(Math.floor(i / 4)) }),
  );
  const { interval } = withIntervals(byGroup, scores, 1).headline;
  // 100 trials, not 400: 0.5 +- 1.96 sqrt(0.25 / 100)
  isWithin(interval?.low, 0.402, 0.012);
  isWithin(interval?.high, 0.598, 0.012);
});

test("a cluster that is drawn twice counts as two: the worst case of DynaMath", () => {
  const scores = Array.from({ length: 200 }, (_, seed) =>
    Array.from({ length: 10 }, (_, variant) =>
      itemScore(`${seed}-${variant}`, seed < 80 || variant > 0 ? 1 : 0, {
        seed: String(seed),
        variant: String(variant + 1),
      }),
    ),
  ).flat();
  const aggregate = withIntervals(aggregators.dynamath, scores, 1);
  const [worst, average] = [metricOf(aggregate, "worst case"), aggregate.headline];
  assert.deepEqual(worst.interval, wilson(80, 200));
  // 0.94 +- 1.96 * 0.1 sqrt(0.4 * 0.6 / 200)
  isWithin(average.interval?.low, 0.94 - 0.00679, 0.0008);
  isWithin(average.interval?.high, 0.94 + 0.00679, 0.0008);
  // Monotonous in the share p of seeds that are right: p / (0.9 + p / 10), at 0.4 +- 1.96 sqrt(0.24 / 200).
  const { interval } = metricOf(aggregate, "reasoning robustness");
  const at = (p: number): number => p / (0.9 + p / 10);
  isWithin(interval?.low, at(0.3321), 0.012);
  isWithin(interval?.high, at(0.4679), 0.012);
});

test("all right is not certainty, and one cluster says nothing of others", () => {
  const scores = rights(40, 40).map(({ item, score }, i) => ({
    item: {
      ...item,
      labels: { question: String(i % 10), cycle: String(Math.floor(i / 10)), category: "single" },
    },
    score,
  }));
  const { headline } = withIntervals(aggregators["hrbench-4k"], scores, 1);
  assert.deepEqual(headline.interval, wilson(10, 10));
  assert.equal("interval" in withIntervals(plain, rights(1, 1), 1).headline, false);
  assert.equal("interval" in withIntervals(aggregators.wemath, [], 1).headline, false);
});

test("the seed decides, not the order; numbers are those of the plain aggregate", () => {
  const random = randomStream("order");
  const scores = Array.from({ length: 100 }, (_, i) =>
    itemScore(i, random.next(), { subject: "s", level: String(i % 5), category: String(i % 3) }),
  );
  for (const [name, aggregator] of Object.entries(aggregators)) {
    const aggregate = withIntervals(aggregator, scores, 7);
    assert.deepEqual(withIntervals(aggregator, random.shuffle(scores), 7), aggregate, name);
    const withoutInterval = ({ name, value, count }: Metric): Metric => ({ name, value, count });
    assert.deepEqual(
      { headline: withoutInterval(aggregate.headline), metrics: aggregate.metrics.map(withoutInterval) },
      aggregator.aggregate(scores),
      name,
    );
  }
  assert.notDeepEqual(withIntervals(plain, scores, 8), withIntervals(plain, scores, 7));
});

test("time grows with the items and no faster, however many numbers are made of them", () => {
  assertLinear("items", 8000, (count) => {
    // A number for each level of each subject: drawing for every number anew would be a square.
    const subjects = count / 500;
    const scores = Array.from({ length: count }, (_, i) =>
      itemScore(i, i % 3 === 0 ? 0.4 : 1, {
        subject: `subject ${i % subjects}`,
        level: String(Math.floor(i / subjects) % 5),
      }),
    );
    const { metrics } = withIntervals(aggregators.mathvision, scores, 1);
    assert.equal(metrics.length, 5 + 6 * subjects);
  });
});

test("avg@k is the mean of the repeats, of each number", () => {
  const scores = (right: (i: number) => boolean): ItemScore[] =>
    Array.from({ length: 20 }, (_, i) =>
      itemScore(i, right(i) ? 1 : 0, { seed: String(Math.floor(i / 10)), variant: String((i % 10) + 1) }),
    );
  const repeats = [
    scores(() => true),
    scores((i) => i < 10),
    scores((i) => i % 2 === 0),
    scores(() => false),
  ];
  const aggregate = repeated(aggregators.dynamath, repeats);
  assert.deepEqual(aggregate.headline, { name: "average", value: 0.5, count: 20 });
  assert.equal(metricOf(aggregate, "worst case").value, 0.375);
  // Of the repeat that has nothing right there is no robustness: (1 + 1 + 0) / 3.
  assert.equal(metricOf(aggregate, "reasoning robustness").value, 2 / 3);
});

test("more repeats of an item are not more items", () => {
  const once = Array.from({ length: 100 }, (_, i) => itemScore(i, i % 2, {}));
  const { interval } = repeated(
    plain,
    Array.from({ length: 8 }, () => once),
    1,
  ).headline;
  isWithin(interval?.low, 0.402, 0.012);
  isWithin(interval?.high, 0.598, 0.012);
});

test("repeats must be of the same items", () => {
  assert.throws(() => repeated(plain, [rights(3, 1), rights(2, 1)]), /same items.*got 2 of 3, 2 items/s);
  assert.throws(() => repeated(plain, []), RangeError);
});

test("few clusters: the interval holds the truth in about 95 of 100 samples, not in 86", () => {
  const random = randomStream("few clusters");
  const byGroup = accuracyBy([], { clusterOf: ({ labels }) => labels["group"] ?? "" });
  const covers = (sample: number): boolean => {
    const scores = Array.from({ length: 5 }, (_, group) => {
      const chance = random.next(); // a half on average
      return Array.from({ length: 10 }, (_, i) =>
        itemScore(`${group}-${i}`, random.next() < chance ? 1 : 0, { group: String(group) }),
      );
    }).flat();
    const { interval } = withIntervals(byGroup, scores, sample).headline;
    return interval !== undefined && interval.low <= 0.5 && interval.high >= 0.5;
  };
  const held = Array.from({ length: 300 }, (_, sample) => covers(sample)).filter(Boolean).length;
  assert.ok(held >= 276, `${held} of 300`);
});

test("two runs over the same items: the difference is that of the headlines, in clusters of any size", () => {
  const byGroup = accuracyBy([], { clusterOf: ({ labels }) => labels["group"] ?? "" });
  const run = (score: (i: number) => number): ItemScore[] =>
    Array.from({ length: 10 }, (_, i) => itemScore(i, score(i), { group: i < 9 ? "large" : "small" }));
  const [before, after] = [run((i) => (i < 9 ? 1 : 0)), run(() => 0)];
  const { real, changed, difference } = pairedHeadlines(byGroup, [before], [after], 0);
  assert.deepEqual([real, changed, difference?.difference, difference?.pairs], [0.9, 0, 0.9, 2]);
  assert.ok((difference?.low ?? -2) >= -1 && (difference?.high ?? 2) <= 1);
  // No difference anywhere: twenty items cannot rule out that a seventh of all would differ.
  const twenty = rights(20, 20);
  const same = pairedHeadlines(plain, [twenty], [twenty], 0).difference;
  assert.deepEqual([same?.low, same?.high], [-(wilson(0, 20)?.high ?? 0), wilson(0, 20)?.high]);
  assert.equal(pairedHeadlines(plain, [rights(1, 1)], [rights(1, 1)], 0).difference, null);
  // Several answers to each: the means of both.
  const several = pairedHeadlines(plain, [rights(8, 8), rights(8, 4)], [rights(8, 2), rights(8, 2)], 0);
  assert.deepEqual([several.real, several.changed, several.difference?.difference], [0.75, 0.25, 0.5]);
});
