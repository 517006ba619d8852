// An episode that our own tool runtime lost is left out of every figure, which is right for one and wrong for many: those
// that never call the tool would be all that is left, and training on them would teach not to call.
import { SandboxError } from "../../core/errors.ts";
import type { Reporter } from "../../core/reporter.ts";
import type { TrajectoryGroup } from "../../core/trajectory.ts";

/** Share of episodes lost to our own tool runtime above which a result would be about those that never called it. */
const MOST_SANDBOX_FAILURES = 0.1;

/** @throws SandboxError when more than a tenth of the episodes failed so; warns of fewer. */
export function checkSandboxFailures(
  groups: readonly TrajectoryGroup[],
  label: string,
  reporter: Reporter,
): void {
  const reasons = groups.flatMap((group) => group.trajectories.map((t) => t.endReason));
  const failures = reasons.flatMap((reason) => (reason.type === "sandboxFailure" ? [reason.message] : []));
  if (failures.length === 0) return;
  const said = `${label}: the Python tool failed in ${failures.length} of ${reasons.length} episodes (${failures[0]})`;
  if (failures.length > MOST_SANDBOX_FAILURES * reasons.length)
    throw new SandboxError(
      `${said}; episodes that call it would be missing from the result, so this stops here: see "pyvision doctor"`,
    );
  reporter.warn(`${said}; they are left out`);
}
