// Interleaved rounds: in every round each case runs on every side, one right after the other and in the other order every
// second time, so that a busy moment of the machine hits both sides alike. Beside each call the CPU time of the sides that
// should be idle is taken.
import { setTimeout as sleep } from "node:timers/promises";
import type { Progress } from "../../src/core/reporter.ts";
import { median } from "../report.ts";
import type { Side } from "./side.ts";

/** Threads of OpenMP wait for more work on their core for up to 200 ms; a side must not begin beside them. */
const REST_MS = 250;

/** Of a case that the bars hang on. */
const MANY_ROUNDS = 5;

/** Milliseconds of one call, on the clock and of all threads' CPU time. */
export interface Taken {
  readonly ms: number;
  readonly cpuMs: number;
}

/** Of the counted calls, one a round. */
export type Times = readonly Taken[];

export interface Contestant {
  /** Unique within its case. */
  readonly name: string;
  readonly side: Side;
  run(): Promise<Taken>;
}

export interface Case {
  readonly name: string;
  /** Kinds are measured one after the other: what a side makes anew when weights change is no part of a token's time. */
  readonly kind: "training" | "sampling";
  readonly rounds: number;
  readonly contestants: readonly Contestant[];
}

export interface Rounds {
  times(name: string, contestant: string): Times;
  /** Share of a core that a side takes while another one is measured. */
  readonly idleShare: ReadonlyMap<string, number>;
  /** Rounds that the time allowed has cut off. */
  readonly skipped: number;
  /** What ended a case, by its name; it has no times. */
  readonly faults: ReadonlyMap<string, string>;
}

export async function runRounds(
  cases: readonly Case[],
  sides: readonly Side[],
  limitSeconds: number,
  ticksPerSecond: number,
  progress: Progress,
): Promise<Rounds> {
  const times = new Map<string, Taken[]>();
  const idle = new Map(sides.map((side) => [side.name, { cpu: 0, wall: 0 }]));
  const faults = new Map<string, string>();
  let skipped = 0;
  let lastSide: Side | undefined;
  const measure = async (contestant: Contestant, key: string, counts: boolean): Promise<void> => {
    if (lastSide !== undefined && contestant.side !== lastSide) await sleep(REST_MS);
    lastSide = contestant.side;
    const others = sides.filter((side) => side !== contestant.side);
    const before = others.map((side) => side.cpuSeconds(ticksPerSecond));
    const began = performance.now();
    const taken = await contestant.run();
    const wall = (performance.now() - began) / 1000;
    if (!counts) return;
    others.forEach((side, i) => {
      const share = idle.get(side.name);
      if (share === undefined) return;
      share.cpu += side.cpuSeconds(ticksPerSecond) - (before[i] as number);
      share.wall += wall;
    });
    times.set(key, [...(times.get(key) ?? []), taken]);
  };
  // Cases of many rounds come first, so that a busy machine costs the others and not them.
  const groups = [true, false].flatMap((many) =>
    (["training", "sampling"] as const).map((kind) =>
      cases.filter((c) => c.kind === kind && c.rounds >= MANY_ROUNDS === many),
    ),
  );
  for (const group of groups) {
    const startedAt = performance.now();
    const most = Math.max(0, ...group.map(({ rounds }) => rounds));
    // Round 0 warms up and is not counted.
    for (let round = 0; round <= most; round++) {
      for (const { name, contestants } of group.filter((c) => round <= c.rounds)) {
        if (performance.now() - startedAt > (limitSeconds / groups.length) * 1000) {
          skipped++;
          continue;
        }
        for (const contestant of round % 2 === 0 ? contestants : [...contestants].reverse())
          if (!faults.has(name))
            await measure(contestant, `${name}/${contestant.name}`, round > 0).catch((error: unknown) =>
              faults.set(name, `${contestant.name}: ${(error as Error).message}`),
            );
      }
      progress.advance();
    }
  }
  return {
    times: (name, contestant) => (faults.has(name) ? [] : (times.get(`${name}/${contestant}`) ?? [])),
    idleShare: new Map([...idle].map(([name, { cpu, wall }]) => [name, cpu / Math.max(wall, 1e-9)])),
    skipped,
    faults,
  };
}

/** The middle and the best of some calls; on a busy machine the best says more about the program. */
export interface Spread {
  readonly median: number;
  readonly best: number;
}

export function spreadOf(times: Times): Spread {
  const ms = times.map((taken) => taken.ms);
  return { median: median(ms), best: Math.min(...ms) };
}
