import type { BenchmarkLoader } from "./item.ts";

export const dynamath: BenchmarkLoader = {
  name: "dynamath",
  title: "DynaMath",
  splits: ["test"],
  open: () => {
    throw new Error("to be written");
  },
};
