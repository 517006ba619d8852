import assert from "node:assert/strict";
import test from "node:test";
import { silentReporter } from "../../core/reporter.ts";
import type { EndReason, ScoredTrajectory, TrajectoryGroup } from "../../core/trajectory.ts";
import { checkSandboxFailures } from "./sandboxFailures.ts";

/** One group of n episodes, the first `failed` of which the tool lost. */
function group(n: number, failed: number): TrajectoryGroup {
  const trajectories = Array.from({ length: n }, (_, member): ScoredTrajectory => {
    const endReason: EndReason =
      member < failed ? { type: "sandboxFailure", message: "no space left on device" } : { type: "answered" };
    return {
      taskId: "t",
      taskKind: "look",
      question: "",
      groundTruth: "",
      member,
      segments: [],
      turns: [],
      endReason,
      toolCalls: 0,
      effectiveToolCalls: 0,
      reward: { total: 0, accuracy: member < failed ? undefined : 0, toolCall: 0 },
    };
  });
  return { taskId: "t", taskKind: "look", trajectories };
}

function warningsOf(groups: readonly TrajectoryGroup[]): string[] {
  const warnings: string[] = [];
  checkSandboxFailures(groups, "train/3/0", { ...silentReporter, warn: (text) => warnings.push(text) });
  return warnings;
}

test("no failure says nothing, a tenth warns with the first message, more stops", () => {
  assert.deepEqual(warningsOf([group(10, 0)]), []);
  assert.deepEqual(warningsOf([group(10, 2), group(10, 0)]), [
    "train/3/0: the Python tool failed in 2 of 20 episodes (no space left on device); they are left out",
  ]);
  assert.throws(() => warningsOf([group(10, 2), group(9, 0)]), {
    name: "SandboxError",
    message:
      /^train\/3\/0: the Python tool failed in 2 of 19 episodes \(no space left on device\); .*pyvision doctor/,
  });
});
