// The rule by which a study's verdict follows from its numbers. For each part of the claim: the difference of an arm and the one it
// is compared with, in pairs of equal seeds (which were asked the same tasks), with its 95% interval by Student's t.
//   supported      the interval lies wholly on the side that the claim expects, and not wholly within the margin
//   refuted        it lies wholly on the other side; or wholly within the margin that the study calls no difference
//   undecided      anything else
//   too few seeds  fewer than two seeds have both arms
// Of all parts together: refuted when one of them is; not refuted when all are supported; too few seeds when that is so of a part;
// otherwise it cannot be told apart.
import type { StudyData } from "./data.ts";
import { type Estimate, estimate, measureRun } from "./measures.ts";
import type { Measure, StudyTest } from "./studyFile.ts";

export type TestResult = "supported" | "refuted" | "undecided" | "tooFewSeeds";

export interface TestedPart {
  readonly test: StudyTest;
  readonly against: string;
  /** Of arm minus against; undefined when no seed has both. */
  readonly difference: Estimate | undefined;
  readonly result: TestResult;
}

export type Verdict = "notRefuted" | "refuted" | "undecided" | "tooFewSeeds";

export interface StudyVerdict {
  readonly verdict: Verdict;
  readonly parts: readonly TestedPart[];
}

export const verdictWords: Readonly<Record<Verdict, string>> = {
  notRefuted: "not refuted",
  refuted: "refuted",
  undecided: "cannot be told apart at this scale",
  tooFewSeeds: "cannot be told: too few seeds",
};

export const resultWords: Readonly<Record<TestResult, string>> = {
  supported: "as the claim says",
  refuted: "refuted",
  undecided: "cannot be told apart",
  tooFewSeeds: "too few seeds",
};

export function judge(data: StudyData): StudyVerdict {
  const parts = data.study.tests.map((test): TestedPart => {
    const against = test.against ?? baselineOf(data);
    const difference = pairedDifference(data, test.measure, test.arm, against);
    return { test, against, difference, result: resultOf(test, difference) };
  });
  const results = parts.map(({ result }) => result);
  const verdict = results.includes("refuted")
    ? "refuted"
    : results.every((result) => result === "supported")
      ? "notRefuted"
      : results.includes("tooFewSeeds")
        ? "tooFewSeeds"
        : "undecided";
  return { verdict, parts };
}

/** The name of the arm that others are compared with. */
export function baselineOf({ study }: StudyData): string {
  return study.arms.find(({ baseline }) => baseline)?.name ?? "";
}

/** Over the seeds that both arms have. */
export function pairedDifference(
  data: StudyData,
  measure: Measure,
  arm: string,
  against: string,
): Estimate | undefined {
  const [left, right] = [valuesBySeed(data, measure, arm), valuesBySeed(data, measure, against)];
  return estimate(
    [...left].flatMap(([seed, value]) => {
      const other = right.get(seed);
      return other === undefined ? [] : [value - other];
    }),
  );
}

export function valuesBySeed({ runs }: StudyData, measure: Measure, arm: string): Map<number, number> {
  return new Map(
    runs
      .filter((run) => run.arm === arm)
      .flatMap((run) => {
        const value = measureRun(run, measure);
        return value === undefined ? [] : [[run.seed, value] as const];
      }),
  );
}

function resultOf({ expect, margin = 0 }: StudyTest, difference: Estimate | undefined): TestResult {
  if (difference?.half === undefined) return "tooFewSeeds";
  const sign = expect === "higher" ? 1 : -1;
  const centre = sign * difference.mean;
  const [low, high] = [centre - difference.half, centre + difference.half];
  if (high < 0) return "refuted";
  if (low > -margin && high < margin) return "refuted";
  return low > 0 ? "supported" : "undecided";
}
