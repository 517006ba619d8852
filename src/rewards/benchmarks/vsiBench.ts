import type { BenchmarkScorer } from "./scorer.ts";

export const vsiBenchScorer: BenchmarkScorer = {
  profiles: ["default", "official"],
  score: () => {
    throw new Error("to be written");
  },
  differences: [],
};
