// The limits of time that one call has of its own.
import { SandboxError } from "../core/errors.ts";
import type { CallLimits } from "./runtime.ts";

/** The settings as they are for a call with these limits. @throws SandboxError for one that is not a positive integer. */
export function settingsOfCall<Settings extends CallLimits>(
  settings: Settings,
  limits: Partial<CallLimits>,
): Settings {
  const { callTimeoutMs = settings.callTimeoutMs, hardKillGraceMs = settings.hardKillGraceMs } = limits;
  for (const [name, value] of Object.entries({ callTimeoutMs, hardKillGraceMs }))
    if (!(Number.isSafeInteger(value) && value >= 1))
      throw new SandboxError(`run: ${name} must be a whole number of at least 1, got ${value}`);
  return { ...settings, callTimeoutMs, hardKillGraceMs };
}
