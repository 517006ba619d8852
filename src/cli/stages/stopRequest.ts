// Ctrl-C or SIGTERM once: the step is finished and saved, then the command ends. Either of them again: it ends at once, and the
// last checkpoint is what there is.
import type { Reporter } from "../../core/reporter.ts";

/** Of a command that was interrupted, as shells have it: 128 + SIGINT. */
export const INTERRUPTED = 130;
/** 128 + SIGTERM. */
export const TERMINATED = 143;

export interface StopRequest {
  /** Whether somebody has asked to stop. */
  readonly asked: boolean;
}

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
): StopRequest & { close(): void } {
  let asked = false;
  const asks = (how: string, code: number) => (): void => {
    if (asked) return exit(code);
    asked = true;
    reporter.info(`${how}: stopping when ${until}; ${how} again stops at once`);
  };
  const interrupt = asks("Ctrl-C", INTERRUPTED);
  const terminate = asks("SIGTERM", TERMINATED);
  signals.on("SIGINT", interrupt);
  signals.on("SIGTERM", terminate);
  return {
    get asked() {
      return asked;
    },
    close: () => {
      signals.off("SIGINT", interrupt);
      signals.off("SIGTERM", terminate);
    },
  };
}
