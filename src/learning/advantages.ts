// Group-relative advantage A = R - mean(group), computed over the whole group before anything is filtered. No division
// by the standard deviation by default (Dr. GRPO, arXiv 2503.20783; PyVision-RL, arXiv 2602.20739): dividing inflates
// groups that hardly differ and makes the curves unstable, which the switch lets one reproduce.
import { mean, std } from "./statistics.ts";

export interface AdvantageOptions {
  /**
   * What is subtracted: the group's mean total reward, or its mean accuracy only. With the second no correct sample has
   * a negative advantage for having made fewer calls than its siblings; advantages then no longer sum to 0.
   */
  readonly baseline: "totalReward" | "accuracy";
  /** Divide by (population standard deviation + 1e-6) of the values the baseline is the mean of. */
  readonly normalizeByStd: boolean;
}

/**
 * Advantages of one group. Members whose accuracy is undefined could not be judged: they are left out of mean and
 * deviation and their advantage is undefined.
 *
 * @param rewards_G total reward of each member
 * @param options with accuracies_G: 0, 1 or undefined for each member
 */
export function groupAdvantages(
  rewards_G: readonly number[],
  options: AdvantageOptions & { readonly accuracies_G: readonly (number | undefined)[] },
): (number | undefined)[] {
  const { accuracies_G, baseline, normalizeByStd } = options;
  if (accuracies_G.length !== rewards_G.length)
    throw new Error(`internal: group of ${rewards_G.length} rewards but ${accuracies_G.length} accuracies`);
  const reference: number[] = [];
  rewards_G.forEach((reward, member) => {
    const accuracy = accuracies_G[member];
    if (accuracy !== undefined) reference.push(baseline === "accuracy" ? accuracy : reward);
  });
  const centre = mean(reference) ?? 0;
  const scale = normalizeByStd ? (std(reference) ?? 0) + 1e-6 : 1;
  return rewards_G.map((reward, member) =>
    accuracies_G[member] === undefined ? undefined : (reward - centre) / scale,
  );
}
