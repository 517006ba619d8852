import assert from "node:assert/strict";
import { test } from "node:test";
import { tinyData, tinyRun, tinyStudy } from "./testStudy.ts";
import { judge, pairedDifference } from "./verdict.ts";

/** Differences none minus bonus by seed; the seeds' own level differs far more, which pairing takes out. */
const dataOf = (differences: readonly number[], margin?: number) =>
  tinyData(
    differences.flatMap((d, seed) => [
      tinyRun("none", seed, 10 * seed + d),
      tinyRun("bonus", seed, 10 * seed),
    ]),
    tinyStudy(margin === undefined ? {} : { margin }),
  );

const resultOf = (differences: readonly number[], margin?: number): string => {
  const { verdict, parts } = judge(dataOf(differences, margin));
  return `${parts[0]?.result} ${verdict}`;
};

test("differences are taken in pairs of seeds, over the seeds that both arms have", () => {
  // -1 and -3: mean -2, half width 12.706 · √2 / √2.
  const data = dataOf([-1, -3]);
  const measure = { of: "tool_calls/mean", as: "tail" } as const;
  const difference = pairedDifference(data, measure, "none", "bonus");
  assert.equal(difference?.mean, -2);
  assert.ok(Math.abs((difference?.half ?? 0) - 12.706) < 1e-9);
  const less = { ...data, runs: data.runs.filter(({ arm, seed }) => arm === "none" || seed === 0) };
  assert.deepEqual(pairedDifference(less, measure, "none", "bonus"), { mean: -1, n: 1 });
});

test("the rule: expected side, other side, within the margin, anything else", () => {
  // Expected is "lower". Three differences around -2 by 0.1: half width 4.303 · 0.1 / √3 = 0.248.
  assert.equal(resultOf([-1.9, -2, -2.1]), "supported notRefuted");
  assert.equal(resultOf([1.9, 2, 2.1]), "refuted refuted");
  assert.equal(resultOf([-0.1, 0, 0.1]), "undecided undecided");
  assert.equal(resultOf([-0.1, 0, 0.1], 0.25), "refuted refuted", "no difference that counts");
  assert.equal(resultOf([-0.1, 0, 0.1], 0.24), "undecided undecided");
  assert.equal(resultOf([-1.9, -2, -2.1], 2.5), "refuted refuted", "a small difference on the right side");
  assert.equal(resultOf([-1.9, -2, -2.1], 2), "supported notRefuted");
  assert.equal(resultOf([0, 0, 0]), "undecided undecided");
  assert.equal(resultOf([-2]), "tooFewSeeds tooFewSeeds");
});

test("one part that is refuted refutes the claim; all must hold for it to stand", () => {
  const study = tinyStudy();
  const [first] = study.tests;
  assert.ok(first);
  const accuracy = { ...first, measure: { of: "heldOut/accuracy", as: "last" } as const };
  const data = (accuracies: readonly number[]) =>
    tinyData(
      accuracies.flatMap((a, seed) => [
        tinyRun("none", seed, 1 + seed / 10, a),
        tinyRun("bonus", seed, 3, 0.5),
      ]),
      { ...study, tests: [first, accuracy] },
    );
  assert.equal(judge(data([0.3, 0.31])).verdict, "notRefuted");
  assert.equal(judge(data([0.7, 0.71])).verdict, "refuted");
  assert.equal(judge(data([0.4, 0.6])).verdict, "undecided");
});
