import type { BenchmarkLoader } from "./item.ts";

export const mathvision: BenchmarkLoader = {
  name: "mathvision",
  title: "MathVision",
  splits: ["test", "testmini"],
  open: () => {
    throw new Error("to be written");
  },
};
