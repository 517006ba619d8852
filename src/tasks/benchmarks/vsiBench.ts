import type { BenchmarkLoader } from "./item.ts";

export const vsiBench: BenchmarkLoader = {
  name: "vsi-bench",
  title: "VSI-Bench",
  splits: ["test"],
  open: () => {
    throw new Error("to be written");
  },
};
