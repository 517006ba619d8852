// For the tests of trackers: a clock that stands still until it is told, and a run to track.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { settled } from "../../core/testTime.ts";
import { parseConfig, type ResolvedConfig } from "../config.ts";
import type { TrackerClock } from "./clock.ts";
import type { TrackedRun } from "./tracker.ts";

export interface TestClock extends TrackerClock {
  /** Every sleep asked for, in milliseconds. */
  readonly slept: number[];
  /** Lets time pass: sleeps that end within it are over, in order. */
  advance(ms: number): Promise<void>;
}

export function testClock(startMs = 1_700_000_000_000): TestClock {
  let now = startMs;
  const sleepers = new Set<{ readonly until: number; readonly wake: () => void }>();
  const slept: number[] = [];
  return {
    now: () => now,
    slept,
    sleep: (ms, signal) => {
      slept.push(ms);
      return new Promise((resolve) => {
        const sleeper = {
          until: now + ms,
          wake: () => {
            sleepers.delete(sleeper);
            signal?.removeEventListener("abort", sleeper.wake);
            resolve();
          },
        };
        sleepers.add(sleeper);
        if (signal?.aborted === true) sleeper.wake();
        else signal?.addEventListener("abort", sleeper.wake);
      });
    },
    advance: async (ms) => {
      const until = now + ms;
      await settled();
      for (;;) {
        const [next] = [...sleepers].filter((s) => s.until <= until).sort((a, b) => a.until - b.until);
        if (next === undefined) break;
        now = Math.max(now, next.until);
        next.wake();
        await settled();
      }
      now = until;
    },
  };
}

export const testConfig = (yaml = "seed: 3"): ResolvedConfig => parseConfig(yaml, "try.yaml");

export function trackedRun(changes: Partial<TrackedRun> = {}): TrackedRun {
  return {
    name: "try",
    stage: "train",
    tags: ["small"],
    config: testConfig(),
    path: "/nowhere/try",
    resumeFrom: 0,
    ...changes,
  };
}

/** A folder that is gone when the file's tests are over. */
export function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), "pyvision-trackers-"));
  after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}
