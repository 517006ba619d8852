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

/** Everything that waits for nothing but its turn has been done: a time would say nothing of that on a busy machine. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Settles when the next HTTP request has come in to any server of this process. */
export function requestArrives(): Promise<void> {
  return told("http.server.request.start");
}

/** Settles when the head of the next reply has come in to any `fetch` of this process, before its body is read. */
export function replyBegins(): Promise<void> {
  return told("undici:request:headers");
}

function told(channel: string): Promise<void> {
  return new Promise((resolve) => {
    const once = (): void => {
      unsubscribe(channel, once);
      resolve();
    };
    subscribe(channel, once);
  });
}

export interface WatchedClock {
  /** What it shows. */
  ms: number;
  /** Looks at it. */
  readonly now: () => number;
  /** Waits until it has been read from now on, as often as was asked for. */
  readonly looked: () => Promise<void>;
}

/**
 * A steady clock that stands still but for what the test adds to `ms`, and tells when it was looked at.
 * @param reads how many of them `looked` waits for: more than one look reads, where only a further look tells how the one
 *   before it ended
 */
export function watchedClock(reads = 1): WatchedClock {
  let count = 0;
  const clock = {
    ms: 0,
    now: () => {
      count++;
      return clock.ms;
    },
    looked: () => {
      const before = count;
      return eventually(() => count >= before + reads, `${reads} reads of the clock`);
    },
  };
  return clock;
}

export interface HeldTimers {
  /** How many were begun so far, those that were cleared included. */
  readonly begun: number;
  /** Runs the first of them that was not run yet, as if its time were over. @throws Error when that one was cleared */
  expireNext(): void;
}

/** Until the test is over, timers of exactly so many milliseconds never end by themselves; all others are as they were. */
export function holdTimers(t: TestContext, ms: number): HeldTimers {
  const held: { readonly handle: unknown; readonly run: () => void; cleared: boolean }[] = [];
  let expired = 0;
  const { setTimeout: begin, clearTimeout: clear } = globalThis;
  const beginOrHold = (run: (...args: unknown[]) => void, after?: number, ...args: unknown[]) => {
    if (after !== ms) return begin(run, after, ...args);
    const handle = begin(() => undefined, 0);
    held.push({ handle, run: () => run(...args), cleared: false });
    return handle;
  };
  const clearOrLetGo = (handle?: NodeJS.Timeout | string | number): void => {
    for (const timer of held) timer.cleared ||= timer.handle === handle;
    clear(handle);
  };
  t.mock.method(globalThis, "setTimeout", beginOrHold as typeof setTimeout);
  t.mock.method(globalThis, "clearTimeout", clearOrLetGo);
  return {
    get begun() {
      return held.length;
    },
    expireNext: () => {
      const timer = held[expired++];
      if (timer === undefined) throw new Error(`no timer of ${ms} ms was begun`);
      if (timer.cleared) throw new Error(`the timer of ${ms} ms was cleared`);
      timer.run();
    },
  };
}
