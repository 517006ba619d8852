import type { Aggregator } from "./aggregate.ts";

export const vsiBenchAggregator: Aggregator = {
  aggregate: () => {
    throw new Error("to be written");
  },
  clusterOf: (item) => item.id,
};
