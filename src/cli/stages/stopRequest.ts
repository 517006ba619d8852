// Ctrl-C or SIGTERM once: the step is finished and saved, then the command ends. Either of them again: it ends at once, and the
// last checkpoint is what there is. One SIGTERM often comes twice, to the process group and passed on by a launcher: within a
// second it is the same request.
import type { Reporter } from "../../core/reporter.ts";

/** Of a command that was interrupted, as shells have it: 128 + SIGINT. */
export const INTERRUPTED = 130;
/** 128 + SIGTERM. */
export const TERMINATED = 143;

export interface StopRequest {
  /** Whether somebody has asked to stop. */
  readonly asked: boolean;
}

const SAME_REQUEST_MS = 1000;

export const neverStops: StopRequest = { asked: false };

interface Signals {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  off(signal: NodeJS.Signals, listener: () => void): unknown;
}

/**
 * @param until what is waited for
 * @param exit ends the process; called at the second signal
 */
export function listenForStop(
  reporter: Pick<Reporter, "info">,
  until = "this step is done and saved",
  signals: Signals = process,
  exit: (code: number) => void = (code) => process.exit(code),
  now: () => number = () => performance.now(),
): StopRequest & { close(): void } {
  let askedAt: number | undefined;
  const asks = (how: string, code: number, sameMs: number) => (): void => {
    if (askedAt !== undefined) {
      if (now() - askedAt >= sameMs) exit(code);
      return;
    }
    askedAt = now();
    reporter.info(`${how}: stopping when ${until}; ${how} again stops at once`);
  };
  const interrupt = asks("Ctrl-C", INTERRUPTED, 0);
  const terminate = asks("SIGTERM", TERMINATED, SAME_REQUEST_MS);
  signals.on("SIGINT", interrupt);
  signals.on("SIGTERM", terminate);
  return {
    get asked() {
      return askedAt !== undefined;
    },
    close: () => {
      signals.off("SIGINT", interrupt);
      signals.off("SIGTERM", terminate);
    },
  };
}
