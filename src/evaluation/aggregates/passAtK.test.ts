import assert from "node:assert/strict";
import test from "node:test";
import { accuracyBy } from "./additive.ts";
import { passScores } from "./passAtK.ts";
import { itemScore } from "./testing.ts";

/** Its mean over items. @param scores of each item, its n answers */
function passAtK(scores: readonly (readonly number[])[], k: number): number | null {
  const repeats = Array.from({ length: scores[0]?.length ?? 0 }, (_, repeat) =>
    scores.map((answers, item) => itemScore(item, answers[repeat] as number, { category: "c" })),
  );
  return accuracyBy([]).aggregate(passScores(repeats, k)).headline.value;
}

/** By counting: the share of all choices of k answers that hold a right one. */
function counted(answers: readonly number[], k: number): number {
  let [with1, all] = [0, 0];
  for (let set = 0; set < 1 << answers.length; set++) {
    const chosen = answers.filter((_, i) => (set >> i) & 1);
    if (chosen.length !== k) continue;
    all++;
    if (chosen.some((score) => score === 1)) with1++;
  }
  return with1 / all;
}

test("the share of choices of k answers that hold a right one", () => {
  for (let n = 1; n <= 8; n++)
    for (let right = 0; right <= n; right++)
      for (let k = 1; k <= n; k++) {
        const answers = Array.from({ length: n }, (_, i) => (i < right ? 1 : 0));
        const given = passAtK([answers], k) as number;
        assert.ok(Math.abs(given - counted(answers, k)) < 1e-12, `n ${n}, right ${right}, k ${k}: ${given}`);
      }
  assert.equal(
    passAtK(
      [
        [1, 0, 0, 0],
        [0, 0, 0, 0],
      ],
      2,
    ),
    0.25,
  );
  assert.equal(passAtK([], 3), null);
});

test("of 2,000 answers nothing overflows", () => {
  const answers = Array.from({ length: 2000 }, (_, i) => (i === 0 ? 1 : 0));
  assert.ok(Math.abs((passAtK([answers], 1000) as number) - 0.5) < 1e-9);
});

test("a fraction is not right", () => {
  assert.equal(passAtK([[0.99, 0.5]], 2), 0);
});

test("k beyond the answers is refused", () => {
  for (const k of [0, 3, 1.5]) assert.throws(() => passAtK([[1, 0]], k), /1 <= k <= answers/);
});

test("chances as scores go through an aggregator", () => {
  const repeat = (...scores: number[]) =>
    scores.map((score, i) => itemScore(i, score, { category: `c${i % 2}` }));
  const scores = passScores([repeat(1, 0, 0), repeat(0, 0, 1), repeat(0, 0, 0)], 2);
  const { headline, metrics } = accuracyBy(["category"]).aggregate(scores);
  assert.ok(Math.abs((headline.value as number) - 4 / 9) < 1e-12);
  assert.ok(Math.abs((metrics[0]?.value as number) - 2 / 3) < 1e-12);
  assert.equal(metrics[1]?.value, 0);
  assert.throws(() => passScores([repeat(1, 0), repeat(1)], 2), RangeError);
});
