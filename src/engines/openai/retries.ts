// Asking again: pauses that grow, jittered so that many clients do not come back together, never shorter than the server
// asks for and never past the deadline. The clock and the dice are passed in.
import type { Failure } from "./failures.ts";
import { SlowReply } from "./failures.ts";

export interface Clock {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Milliseconds since 1970, for dates in headers. */
  epochMs(): number;
  /** Uniform in [0, 1). */
  random(): number;
  /** Rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface RetryOptions {
  /** Attempts after the first. */
  readonly maxRetries: number;
  /** Of one attempt, to the last byte of its reply. */
  readonly attemptMs: number;
  /** Of all attempts and the pauses between them. */
  readonly deadlineMs: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** Undefined for an error that is passed on as it is. */
  readonly readFailure: (error: unknown) => Failure | undefined;
  readonly onRetry?: ((reason: string) => void) | undefined;
}

export interface Tried<T> {
  readonly value: T;
  readonly attempts: number;
  readonly seconds: number;
}

/** Why it was given up. */
export class GivenUp extends Error {
  constructor(
    readonly failure: Failure,
    readonly attempts: number,
    readonly seconds: number,
  ) {
    super(failure.text);
  }
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/**
 * @param attempt is given a signal that ends with the attempt's time
 * @throws GivenUp; the signal's reason when the caller aborted; what `readFailure` makes nothing of
 */
export async function withRetries<T>(
  attempt: (signal: AbortSignal) => Promise<T>,
  o: RetryOptions,
): Promise<Tried<T>> {
  const startedAt = o.clock.now();
  const elapsed = (): number => o.clock.now() - startedAt;
  for (let attempts = 1; ; attempts++) {
    o.signal?.throwIfAborted();
    try {
      const value = await timed(
        attempt,
        Math.max(1, Math.min(o.attemptMs, o.deadlineMs - elapsed())),
        o.signal,
      );
      return { value, attempts, seconds: elapsed() / 1000 };
    } catch (error) {
      o.signal?.throwIfAborted();
      const failure = o.readFailure(error);
      if (failure === undefined) throw error;
      const pause = pauseMs(attempts, failure.retryAfterMs, o.clock.random());
      if (!failure.passing || attempts > o.maxRetries || elapsed() + pause >= o.deadlineMs)
        throw new GivenUp(failure, attempts, elapsed() / 1000);
      o.onRetry?.(failure.text);
      await o.clock.sleep(pause, o.signal);
    }
  }
}

/** After `attempts` failures: half a second doubled each time, between half and all of it; at least `wishedMs`. */
export function pauseMs(attempts: number, wishedMs: number | undefined, random: number): number {
  const whole = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempts - 1));
  const jittered = whole * (0.5 + random / 2);
  return wishedMs === undefined ? jittered : wishedMs + jittered * 0.1;
}

async function timed<T>(
  attempt: (signal: AbortSignal) => Promise<T>,
  limitMs: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  const controller = new AbortController();
  const slow = new SlowReply(`no whole reply within ${Number((limitMs / 1000).toFixed(1))} s`);
  const timer = setTimeout(() => controller.abort(slow), limitMs);
  const stop = (): void => controller.abort(signal?.reason);
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const value = await attempt(controller.signal);
    // A stream that was aborted ends as if it were whole.
    if (controller.signal.aborted) throw slow;
    return value;
  } catch (error) {
    throw controller.signal.reason === slow ? slow : error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}
