// A report of literal records: every item in the denominator, what is uncertain above the numbers, the same text each time.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accuracyBy } from "./aggregates/additive.ts";
import { compareControl } from "./compareControl.ts";
import type { ItemRecord } from "./itemRecord.ts";
import { closingTable, reportMarkdown, reportOf, reportText } from "./report.ts";
import { type EvaluationHead, ownAggregator, summarize } from "./summary.ts";
import { testRecord } from "./testRecords.ts";

const head: EvaluationHead = {
  name: "sums",
  title: "Sums",
  items: { asked: 8, wanted: 8, available: 8, published: 10 },
  repeats: 1,
  profile: "default",
  differences: ["Ours reads more."],
  changes: [],
  published: [
    {
      benchmark: "vstar",
      model: "Paper-7B",
      metric: "accuracy",
      percent: 61.25,
      conditions: "sampled",
      source: "its paper",
    },
    { benchmark: "vstar", model: "Paper-7B", metric: "nowhere", percent: 9, source: "its paper" },
  ],
  engine: "m at http://x/v1",
  judge: { model: "j" },
  seed: 0,
  temperature: 0,
  maxTurns: 30,
  isolation: "namespaces",
  configDigest: "0123456789abcdef",
  version: "0.1.0",
};

const judged = (verdict: "right" | "undecided" | "failed"): Partial<ItemRecord> => ({
  score: verdict === "right" ? 1 : 0,
  stage: verdict === "failed" ? "none" : "judge",
  judge: { model: "j", promptHash: "a".repeat(64), verdict },
});

/** Eight answers, of which four are right. */
const records: readonly ItemRecord[] = [
  testRecord(0, { seconds: 1, turns: 3, toolCalls: 2, cells: 2, pythonErrors: 1, code: ["crop"] }),
  testRecord(1, { seconds: 2, score: 0 }),
  testRecord(2, { seconds: 3, ...judged("right") }),
  testRecord(3, { seconds: 4, ...judged("undecided") }),
  testRecord(4, { seconds: 5, ...judged("failed") }),
  testRecord(5, {
    seconds: 6,
    score: 0,
    stage: "unreadable",
    endReason: "none",
    error: "no\npicture",
    turns: 0,
  }),
  testRecord(6, { seconds: 7, kind: "other", labels: { kind: "other" } }),
  testRecord(7, { seconds: 8, kind: "other", labels: { kind: "other" } }),
];

test("figures: all items count, whatever became of them", () => {
  const summary = summarize(head, records, ownAggregator);
  assert.deepEqual([summary.headline.value, summary.headline.count, summary.answers], [0.5, 8, 8]);
  // Wilson's interval of 4 of 8.
  assert.equal(summary.headline.interval?.low.toFixed(4), "0.2152");
  assert.equal(summary.headline.interval?.high.toFixed(4), "0.7848");
  assert.deepEqual(
    summary.kinds.map(({ name, value, count }) => [name, value, count]),
    [["kind", 2 / 6, 6], ["other", 1, 2]], // prettier-ignore
  );
  assert.deepEqual(summary.stages, { rule: 4, judge: 2, none: 1, unreadable: 1, failed: 0 });
  assert.deepEqual([summary.unjudged, summary.undecided], [1 / 8, 1]);
  assert.deepEqual(summary.judgePrompts, { [`${"a".repeat(64)}`]: 3 });
  assert.deepEqual(summary.endReasons, { answered: 7, none: 1 });
  assert.deepEqual(summary.means, { turns: 9 / 8, toolCalls: 2 / 8, visualTokens: 100, sampledTokens: 10 });
  assert.deepEqual([summary.pythonErrorRate, summary.code], [0.5, { crop: 1 / 8 }]);
  assert.deepEqual(summary.time, { median: 4, p90: 8 });
  assert.deepEqual(summary.passAt, []);
});

test("what makes the score something else stands first", () => {
  const text = reportText(reportOf(summarize(head, records, ownAggregator)));
  assert.deepEqual(text.split("\n").slice(0, 7), [
    "Sums: accuracy 50.0 % [21.5, 78.5]",
    "! 8 of 10 published items are here: not comparable with published scores.",
    "! The score is a lower bound: 1 answer (12.5 %) was decided neither by rules nor by a judge and counts as wrong.",
    "! The judge could not tell of 1 answer, counted as wrong.",
    "! 1 answer missing, counted as wrong: its item cannot be read.",
    "",
    "Score",
  ]);
  assert.match(text, /\naccuracy +50\.0 \[21\.5, 78\.5\] +61\.3 Paper-7B +8\n/);
  assert.match(text, /\nPaper-7B, accuracy: 61\.3 \(sampled; its paper\)\n/);
  assert.doesNotMatch(text, /nowhere/);
  assert.match(text, /\nitem-5 +no picture(\n|$)/);
  assert.match(text, /\nJudge j: 3 answers with the prompt of SHA-256 a{64}\.\n/);
});

test("of a part it says how many are here, and why it is not as many as were wanted", () => {
  const cautions = (items: EvaluationHead["items"]): readonly string[] =>
    reportOf(summarize({ ...head, items }, [testRecord(0)], ownAggregator)).cautions;
  const rest = "not comparable with published scores.";
  assert.deepEqual(cautions({ asked: 4, wanted: 4, available: 12, published: 3040 }), [
    `4 of 12 items that are here, drawn by seed, of 3,040 that were published: ${rest}`,
  ]);
  assert.deepEqual(cautions({ asked: 10, wanted: 15, available: 5010, published: 5010 }), [
    `10 of 5,010 items, drawn by seed: ${rest}`,
    "10 of the 15 wanted: items that belong together stay together.",
  ]);
  assert.deepEqual(cautions({ asked: 4, wanted: 4, available: 9 }), [`4 of 9 items, drawn by seed: ${rest}`]);
  assert.deepEqual(cautions({ asked: 9, wanted: 9, available: 9, published: 9 }), []);
});

test("categories: items that stand or fall together are drawn as one, by the authors' own labels", () => {
  const groups = Array.from({ length: 24 }, (_, i) =>
    testRecord(i, { kind: "one", labels: { group: String(i >> 2) }, score: i < 12 ? 1 : 0 }),
  );
  const width = (clusterOf?: (item: { readonly labels: Readonly<Record<string, string>> }) => string) => {
    const [kind] = summarize(
      head,
      groups,
      accuracyBy([], clusterOf === undefined ? {} : { clusterOf }),
    ).kinds;
    assert.deepEqual([kind?.name, kind?.value, kind?.count], ["one", 0.5, 24]);
    return (kind?.interval?.high ?? NaN) - (kind?.interval?.low ?? NaN);
  };
  // Wilson's of 12 of 24 is 0.37 wide. In six groups that are all right or all wrong there are six answers, not 24.
  assert.ok(Math.abs(width() - 0.37) < 0.01, `${width()}`);
  const inGroups = width(({ labels }) => labels["group"] ?? "");
  assert.ok(inGroups > 0.6, `${inGroups}`);
});

test("Markdown has the same, in tables; nothing of an error breaks a table", () => {
  const markdown = reportMarkdown(reportOf(summarize(head, records, ownAggregator)));
  assert.match(markdown, /^# Sums: accuracy 50\.0 % \[21\.5, 78\.5\]\n\n- \*\*8 of 10 published items/);
  assert.match(markdown, /\n\| item-5 +\| no picture +\|\n/);
  assert.match(markdown, /\n\| engine +\| m at http:\/\/x\/v1 +\|\n/, "words stand to the left");
  assert.match(
    markdown,
    /\n\| end reason +\| answers \| +% \|\n\| -+ \| -+: \| -+: \|\n/,
    "numbers to the right",
  );
  assert.match(markdown, /\n## Who scored\n/);
  assert.match(markdown, /Ours reads more\./);
  const again = reportMarkdown(reportOf(summarize(head, [...records], ownAggregator)));
  assert.equal(again, markdown);
});

test("several answers to an item: their mean, and the chance that one of k is right", () => {
  const answers = [1, 0, 0, 0].flatMap((score, position) => [
    testRecord(position, { score, repeat: 0 }),
    testRecord(position, { score: position < 2 ? 1 : 0, repeat: 1 }),
  ]);
  const summary = summarize({ ...head, repeats: 2 }, answers, ownAggregator);
  // Repeat 0: 1 of 4; repeat 1: 2 of 4.
  assert.deepEqual([summary.headline.value, summary.headline.count], [0.375, 4]);
  assert.deepEqual(
    summary.passAt.map(({ name, value }) => [name, value]),
    [["pass@1", 0.375], ["pass@2", 0.5]], // prettier-ignore
  );
  assert.ok(summary.passAt.every(({ interval }) => interval !== undefined));
  assert.match(
    reportText(reportOf(summary)),
    /\navg@2 \(accuracy\) +37\.5 \[.*\npass@1 +37\.5 \[[\d.]+, [\d.]+\]\npass@2 +50\.0 \[[\d.]+, [\d.]+\]\n/,
  );
});

test("a control beside the run: paired over clusters of items", () => {
  const blind = records.map((record) => ({ ...record, score: record.position < 6 ? 0 : record.score }));
  const result = compareControl("no-image", records, blind, ownAggregator, 0);
  assert.deepEqual([result.with, result.without], [0.5, 0.25]);
  // Differences: two of 1, six of 0. Student's interval of a mean of eight: 0.25 ± 2.365 × 0.1637 = ± 0.387.
  assert.deepEqual([result.difference?.difference, result.difference?.pairs], [0.25, 8]);
  assert.ok(Math.abs((result.difference?.low ?? NaN) + 0.137) < 0.1, `${result.difference?.low}`);
  assert.ok(Math.abs((result.difference?.high ?? NaN) - 0.637) < 0.1, `${result.difference?.high}`);
  const pairs = accuracyBy(["kind"], { clusterOf: ({ id }) => String(Number(id.at(-1)) >> 1) });
  const inPairs = compareControl("no-image", records, blind, pairs, 0);
  assert.deepEqual([inPairs.difference?.pairs, inPairs.difference?.difference], [4, 0.25]);
  const text = reportText(reportOf(summarize(head, records, ownAggregator), [result]));
  assert.match(text, /\nno-image +50\.0 +25\.0 +\+25\.0 \[-?\+?\d+\.\d, \+\d+\.\d\]\n/);
});

test("rules of ours are a list; a long table goes on in the file", () => {
  const levels = Array.from({ length: 33 }, (_, i) => ({ name: `level ${i}`, value: 0.5, count: 2 }));
  const summary = {
    ...summarize(head, records, ownAggregator),
    metrics: levels,
    differences: ["One.", "Two."],
  };
  const report = reportOf(summary);
  const text = reportText(report);
  const rules = "The authors' own apply with --profile official. Here:";
  assert.match(text, /\nlevel 28 +50\.0.*\nand 4 more, in report\.md\n/);
  assert.ok(text.includes(`\n${rules}\n- One.\n- Two.\n`));
  const markdown = reportMarkdown(report);
  assert.match(markdown, /\n\| level 32 /);
  assert.ok(markdown.includes(`\n\n${rules}\n\n- One.\n- Two.\n\n`));
});

test("several benchmarks: a row each", () => {
  const summary = summarize(head, records, ownAggregator);
  const [, , row] = closingTable([summary]).split("\n");
  assert.match(row ?? "", /^Sums +50\.0 \[21\.5, 78\.5\] +61\.3 Paper-7B +8 of 10 +0\.25 +100 +12\.5$/);
});
