import type { BenchmarkLoader } from "./item.ts";

export const vstar: BenchmarkLoader = {
  name: "vstar",
  title: "V*",
  splits: ["test"],
  open: () => {
    throw new Error("to be written");
  },
};
