import type { BenchmarkLoader } from "./item.ts";

export const hrbench4K: BenchmarkLoader = {
  name: "hrbench-4k",
  title: "HRBench-4K",
  splits: ["test"],
  open: () => {
    throw new Error("to be written");
  },
};
export const hrbench8K: BenchmarkLoader = {
  name: "hrbench-8k",
  title: "HRBench-8K",
  splits: ["test"],
  open: () => {
    throw new Error("to be written");
  },
};
