import type { BenchmarkLoader } from "./item.ts";

export const mathverse: BenchmarkLoader = {
  name: "mathverse",
  title: "MathVerse",
  splits: ["testmini"],
  open: () => {
    throw new Error("to be written");
  },
};
