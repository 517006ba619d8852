// VSI-Bench: the mean score of each task, then the plain mean of the tasks whatever their sizes. Relative direction is one
// task: the plain mean of its three levels. A task that a run has no item of is not in the mean.
import type { Formula } from "./aggregate.ts";
import { additive, meanOf, share } from "./additive.ts";

const DIRECTION = "object_rel_direction";
const TASKS = [
  "object_counting",
  "object_abs_distance",
  "object_size_estimation",
  "room_size_estimation",
  "object_rel_distance",
  DIRECTION,
  "route_planning",
  "obj_appearance_order",
];
const LEVELS = ["easy", "medium", "hard"].map((level) => `${DIRECTION}_${level}`);

/** Questions about one video stand or fall together. */
export const vsiBenchAggregator = additive(
  ({ id, labels }) => (labels["scene"] === undefined ? id : `${labels["dataset"] ?? ""}/${labels["scene"]}`),
  {
    tally: (cluster, add) => {
      for (const { item, score } of cluster) add(item.questionType, score, 1);
    },
    formulas: (sums) => {
      const levels = LEVELS.filter((level) => sums.cells.includes(level)).map((level) => share(level, level));
      const direction = levels.length > 0 ? [meanOf(DIRECTION, levels)] : [];
      const others = sums.cells.filter((cell) => !LEVELS.includes(cell)).map((cell) => share(cell, cell));
      const tasks = inOrder([...others, ...direction]);
      return { headline: meanOf("average", tasks), metrics: [...tasks, ...levels] };
    },
  },
);

function inOrder(tasks: readonly Formula[]): readonly Formula[] {
  const named = TASKS.flatMap((name) => tasks.filter((task) => task.name === name));
  return [...named, ...tasks.filter((task) => !named.includes(task))];
}
