// The benchmarks by name.
import { dynamath } from "./dynamath.ts";
import { hrbench4K, hrbench8K } from "./hrbench.ts";
import type { BenchmarkLoader, BenchmarkName } from "./item.ts";
import { mathverse } from "./mathverse.ts";
import { mathvision } from "./mathvision.ts";
import { tirBench } from "./tirBench.ts";
import { vsiBench } from "./vsiBench.ts";
import { vstar } from "./vstar.ts";
import { wemath } from "./wemath.ts";

export const benchmarks: Readonly<Record<BenchmarkName, BenchmarkLoader>> = {
  vstar,
  "hrbench-4k": hrbench4K,
  "hrbench-8k": hrbench8K,
  mathverse,
  mathvision,
  wemath,
  dynamath,
  "tir-bench": tirBench,
  "vsi-bench": vsiBench,
};
