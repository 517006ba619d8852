import type { Aggregator } from "./aggregate.ts";

export const tirBenchAggregator: Aggregator = {
  aggregate: () => {
    throw new Error("to be written");
  },
  clusterOf: (item) => item.id,
};
