// How numbers are made of scores, by benchmark.
import type { BenchmarkName } from "../../tasks/benchmarks/item.ts";
import { dynamathAggregator } from "./dynamath.ts";
import { hrbenchAggregator } from "./hrbench.ts";
import { mathverseAggregator } from "./mathverse.ts";
import { mathvisionAggregator } from "./mathvision.ts";
import type { Aggregator } from "./aggregate.ts";
import { tirBenchAggregator } from "./tirBench.ts";
import { vsiBenchAggregator } from "./vsiBench.ts";
import { vstarAggregator } from "./vstar.ts";
import { wemathAggregator } from "./wemath.ts";

export const aggregators: Readonly<Record<BenchmarkName, Aggregator>> = {
  vstar: vstarAggregator,
  "hrbench-4k": hrbenchAggregator,
  "hrbench-8k": hrbenchAggregator,
  mathverse: mathverseAggregator,
  mathvision: mathvisionAggregator,
  wemath: wemathAggregator,
  dynamath: dynamathAggregator,
  "tir-bench": tirBenchAggregator,
  "vsi-bench": vsiBenchAggregator,
};
