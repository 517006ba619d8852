// The rules of PyVision-RL's reference implementation for answers that it scores without a judge: the first number, or the
// first capital letter, of everything that the model wrote.
import { meanRelativeAccuracy } from "../../meanRelativeAccuracy.ts";
import { pyStrip } from "../python.ts";

const NUMBER = /[-+]?\d*\.?\d+/;

const firstNumber = (text: string): number | undefined => {
  const found = NUMBER.exec(text)?.[0];
  return found === undefined ? undefined : Number(found);
};

/**
 * Its reward of data named vsi_numerical: mean relative accuracy with errors below the bounds, right from one half on. Where
 * either text holds no number the reference stops with an error; here the score is 0.
 */
export function numericalReward(
  solution: string,
  truth: string,
): { readonly score: number; readonly isAnswerRight: boolean } {
  const [given, wanted] = [firstNumber(solution), firstNumber(truth)];
  const score =
    given === undefined || wanted === undefined ? 0 : meanRelativeAccuracy(given, wanted, "below");
  return { score, isAnswerRight: score >= 0.5 };
}

/** Its matcher of letters and numbers, which nothing in it calls. In [0, 1]; 0 where the truth is neither. */
export function ruleMatch(solution: string, truth: string): number {
  if (pyStrip(solution) === pyStrip(truth)) return 1;
  if (firstNumber(truth) !== undefined) return numericalReward(solution, truth).score;
  return /[A-Z]/.exec(solution)?.[0] === truth ? 1 : 0;
}
