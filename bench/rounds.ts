// Interleaved rounds: every case once a round, so that a busy moment of the machine hits all cases alike.

export interface Case {
  readonly name: string;
  /** Work done by one call, for the rate. */
  readonly units: number;
  readonly unit: string;
  run(): Promise<void>;
}

/** One line a case: median milliseconds and units a second. The first round warms up and is not counted. */
export async function timeRounds(cases: readonly Case[], rounds: number): Promise<string> {
  const times = cases.map((): number[] => []);
  for (let round = 0; round <= rounds; round++)
    for (const [i, c] of cases.entries()) {
      const startedAt = performance.now();
      await c.run();
      if (round > 0) times[i]?.push(performance.now() - startedAt);
    }
  const width = Math.max(...cases.map((c) => c.name.length));
  return cases
    .map((c, i) => {
      const sorted = (times[i] as number[]).sort((a, b) => a - b);
      const median = sorted[Math.floor(sorted.length / 2)] as number;
      const rate = (c.units / median) * 1000;
      return `${c.name.padEnd(width)}  ${median.toFixed(1).padStart(9)} ms  ${rate.toFixed(0).padStart(7)} ${c.unit}/s`;
    })
    .join("\n");
}
