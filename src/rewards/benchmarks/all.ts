// The scorers by benchmark.
import type { BenchmarkName } from "../../tasks/benchmarks/item.ts";
import { dynamathScorer } from "./dynamath.ts";
import { hrbenchScorer } from "./hrbench.ts";
import { mathverseScorer } from "./mathverse.ts";
import { mathvisionScorer } from "./mathvision.ts";
import type { BenchmarkScorer } from "./scorer.ts";
import { tirBenchScorer } from "./tirBench.ts";
import { vsiBenchScorer } from "./vsiBench.ts";
import { vstarScorer } from "./vstar.ts";
import { wemathScorer } from "./wemath.ts";

export const scorers: Readonly<Record<BenchmarkName, BenchmarkScorer>> = {
  vstar: vstarScorer,
  "hrbench-4k": hrbenchScorer,
  "hrbench-8k": hrbenchScorer,
  mathverse: mathverseScorer,
  mathvision: mathvisionScorer,
  wemath: wemathScorer,
  dynamath: dynamathScorer,
  "tir-bench": tirBenchScorer,
  "vsi-bench": vsiBenchScorer,
};
