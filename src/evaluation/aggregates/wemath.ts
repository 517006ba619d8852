// We-Math: a problem of several steps and its steps one by one are a group. What a group shows:
//   IK insufficient knowledge     a step wrong, the problem wrong
//   IG inadequate generalization  all steps right, the problem wrong
//   CM complete mastery           all steps right (loose: one of them) and the problem right
//   RM rote memorization          a step wrong (loose: all of them) and the problem right
// Score: (CM + IG / 2) / groups. RM is a share of the problems that are right. All of these are over complete groups only.
import type { Add, Formula, ItemScore, Sums } from "./aggregate.ts";
import { additive, labelOf, meanOf, present, ratio, share } from "./additive.ts";

export const wemathAggregator = additive((item) => item.labels["group"] ?? item.id, {
  tally: (cluster, add) => {
    for (const score of cluster) tallyItem(score, add);
    tallyGroup(cluster, add);
  },
  formulas: (sums) => ({
    headline: scoreOf("strict"),
    metrics: [
      share("IK", "IK"),
      share("IG", "IG"),
      share("CM (strict)", "CM strict"),
      rote("strict"),
      scoreOf("loose"),
      share("CM (loose)", "CM loose"),
      rote("loose"),
      share("complete groups", "complete"),
      ...["one-step", "two-step", "three-step"]
        .filter((cell) => sums.cells.includes(cell))
        .map((cell) => share(cell, cell)),
      ...domains(sums),
    ],
  }),
});

function tallyItem(score: ItemScore, add: Add): void {
  if (labelOf(score, "part") === "multi") {
    add(labelOf(score, "steps") === "3" ? "three-step" : "two-step", score.score, 1);
    return;
  }
  add("one-step", score.score, 1);
  const { domain } = score.item.labels;
  if (domain !== undefined) add(`domain ${domain}\t${labelOf(score, "concept")}`, score.score, 1);
}

function tallyGroup(group: readonly ItemScore[], add: Add): void {
  const parts = new Map(group.map((score) => [labelOf(score, "part"), score.score >= 1]));
  const names = labelOf(group[0] as ItemScore, "steps") === "3" ? ["1", "2", "3"] : ["1", "2"];
  const steps = names.map((name) => parts.get(name));
  const multi = parts.get("multi");
  const isComplete = multi !== undefined && !steps.includes(undefined);
  add("complete", isComplete ? 1 : 0, 1);
  if (!isComplete) return;
  const [all, some] = [steps.every(Boolean), steps.some(Boolean)];
  const count = (cell: string, holds: boolean): void => add(cell, holds ? 1 : 0, 1);
  count("IK", !all && !multi);
  count("IG", all && !multi);
  count("CM strict", all && multi);
  count("RM strict", !all && multi);
  count("CM loose", some && multi);
  count("RM loose", !some && multi);
}

type Reading = "strict" | "loose";

const scoreOf = (reading: Reading): Formula => ({
  name: `score (${reading})`,
  cells: [`CM ${reading}`, "IG"],
  plain: false,
  overAll: true,
  value: (sums) => ratio(sums.sum(`CM ${reading}`) + 0.5 * sums.sum("IG"), sums.count("IG")),
  count: (sums) => sums.count("IG"),
});

/** Nothing can be said of it when no problem is right. */
const rote = (reading: Reading): Formula => {
  const right = (sums: Sums): number => sums.sum(`RM ${reading}`) + sums.sum(`CM ${reading}`);
  return {
    name: `RM (${reading})`,
    cells: [`RM ${reading}`, `CM ${reading}`],
    plain: false,
    value: (sums) => ratio(sums.sum(`RM ${reading}`), right(sums)),
    count: right,
  };
};

/** Over steps: the mean of each concept, then of the concepts of a domain. */
function domains(sums: Sums): readonly Formula[] {
  const byDomain = new Map<string, Formula[]>();
  for (const pair of present(sums, "domain ")) {
    const [domain = "", concept = ""] = pair.split("\t");
    byDomain.set(domain, [...(byDomain.get(domain) ?? []), share(concept, `domain ${pair}`)]);
  }
  return [...byDomain].map(([domain, concepts]) => meanOf(domain, concepts));
}
