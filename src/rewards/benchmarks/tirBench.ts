import type { BenchmarkScorer } from "./scorer.ts";

export const tirBenchScorer: BenchmarkScorer = {
  profiles: ["default", "official"],
  score: () => {
    throw new Error("to be written");
  },
  differences: [],
};
