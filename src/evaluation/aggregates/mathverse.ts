import type { Aggregator } from "./aggregate.ts";

export const mathverseAggregator: Aggregator = {
  aggregate: () => {
    throw new Error("to be written");
  },
  clusterOf: (item) => item.id,
};
