// The benchmarks by name. `pyvision bench` and `npm run bench` come in here.
import { benchEngine } from "./engine.ts";
import { benchPython } from "./python.ts";
import type { Benchmark, BenchOptions, BenchReport } from "./report.ts";

export { formatReport } from "./format.ts";

export const benchmarks = { engine: benchEngine, python: benchPython } as const satisfies Record<
  string,
  Benchmark
>;
export type BenchmarkName = keyof typeof benchmarks;

export async function runBenchmark(name: BenchmarkName, options: BenchOptions): Promise<BenchReport> {
  return benchmarks[name].run(options);
}
