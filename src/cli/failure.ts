// How a command that failed ends: one clear message, and an exit code a script can act on.
import { CommanderError } from "commander";
import { ConfigError, Interrupted, PyVisionError } from "../core/errors.ts";

export interface Failure {
  /** For stderr; undefined when everything has been said. */
  readonly message: string | undefined;
  /**
   * 2: the command line or config is wrong; 130: somebody asked to stop; 1: anything else; 0: only help or the version was
   * asked for.
   */
  readonly exitCode: 0 | 1 | 2 | 130;
}

/** @param debug adds the stack, with its causes */
export function describeFailure(error: unknown, debug: boolean): Failure {
  if (error instanceof CommanderError) return { message: undefined, exitCode: error.exitCode === 0 ? 0 : 2 };
  if (error instanceof Interrupted) return { message: error.message, exitCode: 130 };
  const exitCode = error instanceof ConfigError ? 2 : 1;
  if (!(error instanceof Error)) return { message: `error: ${String(error)}`, exitCode };
  if (debug) return { message: `error: ${stackOf(error)}`, exitCode };
  const foreign = !(error instanceof PyVisionError);
  const isFault = foreign || error.message.startsWith("internal:");
  const hint = isFault ? "\n(run again with --debug for the stack)" : "";
  return { message: `error: ${foreign ? `${error.name}: ` : ""}${error.message}${hint}`, exitCode };
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by: ${stackOf(error.cause)}` : "";
  return `${error.stack ?? error.message}${cause}`;
}
