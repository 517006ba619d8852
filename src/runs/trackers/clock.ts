// Time as trackers need it, passed in so that tests decide it.

export interface TrackerClock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after the time, or as soon as the signal is aborted; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/**
 * The embedded engine computes on the main thread, so that minutes may pass between two turns of the event loop, and a plain
 * timer would then give up on an answer that has long arrived. A sleep is therefore cut into pieces, of which each counts for its
 * own length at most.
 */
const PIECE_MS = 250;

export const systemClock: TrackerClock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      let left = ms;
      let timer: NodeJS.Timeout | undefined;
      const end = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", end);
        resolve();
      };
      const next = (): void => {
        if (left <= 0) return end();
        const piece = Math.min(PIECE_MS, left);
        left -= piece;
        timer = setTimeout(next, piece);
      };
      if (signal?.aborted === true) return resolve();
      signal?.addEventListener("abort", end);
      next();
    }),
};
