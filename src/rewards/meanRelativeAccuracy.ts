// Mean relative accuracy, the score of numeric answers in VSI-Bench (arXiv 2412.14171): the share of ten confidence
// thresholds 0.50, 0.55, ..., 0.95 at which the relative error is at most 1 - threshold.
import { gradeAnswer, normalise, numberOf } from "./grade.ts";

/** 1 - threshold as each program computes it, so that errors on a bound fall to the same side. */
const TOLERATED = {
  /** The benchmark's own code: the error may be the bound. */
  atMost: [
    0.5, 0.44999999999999996, 0.4, 0.35, 0.30000000000000004, 0.25, 0.19999999999999996, 0.15000000000000002,
    0.10000000000000009, 0.050000000000000044,
  ],
  /** The benchmark's paper and the reference implementation of PyVision-RL: the error must be below the bound. */
  below: [
    0.5, 0.44999999999999996, 0.4, 0.35, 0.30000000000000004, 0.25, 0.19999999999999996, 0.1499999999999999,
    0.09999999999999998, 0.050000000000000044,
  ],
} as const;

/** In [0, 1]. With truth 0, where there is no relative error, 1 for 0 and else 0. NaN scores 0. */
export function meanRelativeAccuracy(
  given: number,
  truth: number,
  errors: keyof typeof TOLERATED = "atMost",
): number {
  if (truth === 0) return given === 0 ? 1 : 0;
  return accuracyOfError(Math.abs(given - truth) / Math.abs(truth), errors);
}

/** The share of thresholds that a relative error stays within. */
export function accuracyOfError(error: number, errors: keyof typeof TOLERATED = "atMost"): number {
  const bounds: readonly number[] = TOLERATED[errors];
  return (
    bounds.filter((bound) => (errors === "atMost" ? error <= bound : error < bound)).length / bounds.length
  );
}

/** Mean relative accuracy of an answer in words; 0 where either is no number. */
export function relativeAccuracyOf(answer: string, groundTruth: string): number {
  const given = numberOf(normalise(answer));
  const truth = numberOf(normalise(groundTruth));
  return given === undefined || truth === undefined ? 0 : meanRelativeAccuracy(given, truth);
}

/**
 * 1 when the answer is a number whose mean relative accuracy is at least `least` (reference implementation of PyVision-RL:
 * 0.5, an error of up to 30%). What is no number is graded as text.
 */
export function gradeNumber(answer: string, groundTruth: string, least: number): 0 | 1 {
  const given = numberOf(normalise(answer));
  const truth = numberOf(normalise(groundTruth));
  if (given === undefined || truth === undefined) return gradeAnswer(answer, groundTruth);
  return meanRelativeAccuracy(given, truth) >= least ? 1 : 0;
}
