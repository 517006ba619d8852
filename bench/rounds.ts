// Interleaved rounds: every case once a round, so that a busy moment of the machine hits all cases alike.
import type { Progress } from "../src/core/reporter.ts";
import { type BenchRow, median } from "./report.ts";

export interface Case {
  readonly name: string;
  /** Work done by one call, for the rate. */
  readonly units: number;
  /** A plural: "tokens". */
  readonly unit: string;
  run(): Promise<void>;
}

/** Two rows a case: median milliseconds, and units a second at the median. The first round warms up and is not counted. */
export async function timeRounds(
  cases: readonly Case[],
  rounds: number,
  progress: Progress,
): Promise<BenchRow[]> {
  const times = cases.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, c] of cases.entries()) {
      const startedAt = performance.now();
      await c.run();
      if (round > 0) times[i]?.push(performance.now() - startedAt);
    }
    progress.advance();
  }
  return cases.flatMap(({ name, units, unit }, i) => {
    const ms = median(times[i] ?? []);
    return [
      { name, value: ms, unit: "ms" },
      { name, value: (units / ms) * 1000, unit: `${unit}/s` },
    ];
  });
}
