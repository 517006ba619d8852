// HRBench: accuracy within each of the four rotations of the options, then the mean of these. A question need not be right
// in all rotations. Over complete data this is the plain mean; when items are missing it is not.
import { additive, labelOf, meanOf, present, share } from "./additive.ts";
import type { Sums } from "./aggregate.ts";

export const hrbenchAggregator = additive((item) => item.labels["question"] ?? item.id, {
  tally: (cluster, add) => {
    for (const score of cluster) {
      const cycle = labelOf(score, "cycle");
      add(`all ${cycle}`, score.score, 1);
      add(`category ${labelOf(score, "category")}`, score.score, 1);
      add(`${labelOf(score, "category")} ${cycle}`, score.score, 1);
    }
  },
  formulas: (sums) => ({
    headline: overCycles(sums, "all"),
    metrics: [
      ...present(sums, "category ", ["single", "cross"]).map((category) => overCycles(sums, category)),
      ...present(sums, "all ").map((cycle) => share(`cycle ${cycle}`, `all ${cycle}`)),
    ],
  }),
});

const overCycles = (sums: Sums, name: string): ReturnType<typeof meanOf> =>
  meanOf(
    name,
    present(sums, `${name} `).map((cycle) => share(cycle, `${name} ${cycle}`)),
  );
