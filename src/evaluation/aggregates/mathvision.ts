// MathVision: the share of right answers over all items, in each level, in each subject and in each level of a subject.
import { additive, labelOf, present, share } from "./additive.ts";

export const mathvisionAggregator = additive((item) => item.id, {
  total: "all",
  tally: (cluster, add) => {
    for (const score of cluster) {
      const level = labelOf(score, "level");
      const subject = labelOf(score, "subject");
      add("all", score.score, 1);
      add(`level ${level}`, score.score, 1);
      add(`subject ${subject}`, score.score, 1);
      add(`both ${subject}, level ${level}`, score.score, 1);
    }
  },
  formulas: (sums) => ({
    headline: share("all", "all"),
    metrics: [
      ...present(sums, "level ").map((level) => share(`level ${level}`, `level ${level}`)),
      ...present(sums, "subject ").map((subject) => share(subject, `subject ${subject}`)),
      ...present(sums, "both ").map((both) => share(both, `both ${both}`)),
    ],
  }),
});
