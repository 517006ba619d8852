// pass@k of n answers to each item.
import type { ItemScore } from "./aggregate.ts";

/**
 * For each item the chance that at least one of k answers is right, k of the n that were given being drawn without replacement:
 * 1 - C(n - c, k) / C(n, k) with c right ones. Unbiased, unlike 1 - (1 - c / n)^k. Right is a score of 1: a fraction of a jigsaw
 * is not. As scores, so that an aggregator averages them and `withIntervals` bounds the mean. Meant for plain accuracies: a
 * worst case over variants is not a mean of chances.
 * @param scoresByRepeat one score of every item in each
 * @throws RangeError unless 1 <= k <= n for every item
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
