import type { BenchmarkLoader } from "./item.ts";

export const tirBench: BenchmarkLoader = {
  name: "tir-bench",
  title: "TIR-Bench",
  splits: ["test"],
  open: () => {
    throw new Error("to be written");
  },
};
