// DynaMath: ten variants of each of 501 seed questions. Average: the share of right answers. Worst case: the share of seeds
// that are right in all ten, a variant without an answer being wrong. Reasoning robustness: worst case by average.
import type { Formula, ItemScore, Sums } from "./aggregate.ts";
import { additive, labelOf, present, ratio, share } from "./additive.ts";

const VARIANTS = 10;

export const dynamathAggregator = additive((item) => item.labels["seed"] ?? item.id, {
  total: "average",
  tally: (cluster, add) => {
    for (const score of cluster) for (const part of partsOf(score)) add(`average${part}`, score.score, 1);
    const variants = new Set(cluster.map((score) => labelOf(score, "variant"))).size;
    const worst = variants >= VARIANTS && cluster.every(({ score }) => score >= 1) ? 1 : 0;
    add("complete", variants >= VARIANTS ? 1 : 0, 1);
    for (const part of partsOf(cluster[0] as ItemScore)) add(`worst case${part}`, worst, 1);
  },
  formulas: (sums) => ({
    headline: share("average", "average"),
    metrics: [
      share("worst case", "worst case"),
      robustness(""),
      share("seeds with all ten variants", "complete"),
      ...["subject", "level"].flatMap((label) => byLabel(sums, label)),
    ],
  }),
});

const partsOf = (score: ItemScore): readonly string[] => [
  "",
  `, subject ${labelOf(score, "subject")}`,
  `, level ${labelOf(score, "level")}`,
];

const LEVELS = ["elementary school", "high school", "undergraduate"];

function byLabel(sums: Sums, label: string): readonly Formula[] {
  return present(sums, `average, ${label} `, LEVELS).flatMap((value) => {
    const part = `, ${label} ${value}`;
    return [
      share(`average, ${value}`, `average${part}`),
      share(`worst case, ${value}`, `worst case${part}`),
      { ...robustness(part), name: `reasoning robustness, ${value}` },
    ];
  });
}

function robustness(part: string): Formula {
  const [worst, average] = [share("", `worst case${part}`), share("", `average${part}`)];
  return {
    name: "reasoning robustness",
    cells: [...worst.cells, ...average.cells],
    plain: false,
    value: (sums) => {
      const [low, mean] = [worst.value(sums), average.value(sums)];
      return low === null || mean === null ? null : ratio(low, mean);
    },
    count: (sums) => average.count(sums),
  };
}
