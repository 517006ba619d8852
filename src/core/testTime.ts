// For tests whose order must be certain on a machine of any speed: waiting for what happens instead of for a while, and
// timers that end when the test says so.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

const LIMIT_MS = 60_000;

/** Waits until it is so. @throws Error when it is not within a minute */
export async function eventually(check: () => boolean, what = check.toString()): Promise<void> {
  for (const until = performance.now() + LIMIT_MS; !check(); await sleep(5))
    if (performance.now() > until) throw new Error(`not so within ${LIMIT_MS / 1000} s: ${what}`);
}

/** Settles when the next HTTP request has come in to any server of this process. */
export function requestArrives(): Promise<void> {
  return new Promise((resolve) => {
    const arrived = (): void => {
      unsubscribe("http.server.request.start", arrived);
      resolve();
    };
    subscribe("http.server.request.start", arrived);
  });
}

export interface HeldTimers {
  /** How many were begun so far. */
  readonly begun: number;
  /** Runs the first of them that was not run yet, as if its time were over. */
  end(): void;
}

/** Until the test is over, timers of exactly so many milliseconds never end by themselves; all others are as they were. */
export function holdTimers(t: TestContext, ms: number): HeldTimers {
  const held: (() => void)[] = [];
  let ended = 0;
  const begin = globalThis.setTimeout;
  const beginOrHold = (run: (...args: unknown[]) => void, after?: number, ...args: unknown[]) => {
    if (after !== ms) return begin(run, after, ...args);
    held.push(() => run(...args));
    return begin(() => undefined, 0);
  };
  t.mock.method(globalThis, "setTimeout", beginOrHold as typeof setTimeout);
  return {
    get begun() {
      return held.length;
    },
    end: () => {
      const run = held[ended++];
      if (run === undefined) throw new Error(`no timer of ${ms} ms was begun`);
      run();
    },
  };
}
