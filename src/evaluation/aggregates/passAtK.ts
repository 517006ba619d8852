// pass@k of n answers to each item.
import type { ItemScore } from "./aggregate.ts";

/**
 * The chance that at least one of k answers is right, k of the n that were given being drawn without replacement:
 * 1 - C(n - c, k) / C(n, k) with c right ones, averaged over items. Unbiased, unlike 1 - (1 - c / n)^k. Right is a score of
 * 1: a fraction of a jigsaw is not.
 * @param scores of each item, its n answers
 * @returns null without items
 * @throws RangeError unless 1 <= k <= n for every item
 */
export function passAtK(scores: readonly (readonly number[])[], k: number): number | null {
  if (scores.length === 0) return null;
  return scores.reduce((sum, answers) => sum + chance(answers, k), 0) / scores.length;
}

/**
 * The chance for each item as its score, so that an aggregator breaks it down and `withIntervals` bounds it. Meant for plain
 * accuracies: a worst case over variants is not a mean of chances.
 * @param scoresByRepeat one score of every item in each
 * @throws RangeError as passAtK, items that a repeat lacks having fewer answers
 */
export function passScores(
  scoresByRepeat: readonly (readonly ItemScore[])[],
  k: number,
): readonly ItemScore[] {
  const answers = new Map<string, number[]>();
  for (const { item, score } of scoresByRepeat.flat())
    answers.set(item.id, [...(answers.get(item.id) ?? []), score]);
  return (scoresByRepeat[0] ?? []).map(({ item }) => ({
    item,
    score: chance(answers.get(item.id) ?? [], k),
  }));
}

function chance(answers: readonly number[], k: number): number {
  const n = answers.length;
  if (!Number.isInteger(k) || k < 1 || k > n)
    throw new RangeError(`pass@k needs 1 <= k <= answers to each item; got k = ${k} and ${n} answers`);
  const wrong = answers.filter((score) => score < 1).length;
  // C(wrong, k) / C(n, k), factor by factor: 0 as soon as fewer than k are wrong.
  let allWrong = 1;
  for (let i = 0; i < k; i++) allWrong *= Math.max(0, wrong - i) / (n - i);
  return 1 - allWrong;
}
