// One scored episode of the checkpoint in `model.init`.
import type { Reporter } from "../../core/reporter.ts";
import type { ScoredTrajectory } from "../../core/trajectory.ts";
import type { ResolvedConfig } from "../../runs/config.ts";
import type { Split } from "../../tasks/world/world.ts";
import { openWorkbench } from "./workbench.ts";

export interface RolloutRequest {
  readonly split: Split;
  /** Position of the task in the split. */
  readonly taskIndex: number;
  /** Number of the rollout, which picks its random stream; temperature comes from `evaluation`. */
  readonly member: number;
}

export async function runRollout(
  config: ResolvedConfig,
  { split, taskIndex, member }: RolloutRequest,
  reporter: Reporter,
): Promise<ScoredTrajectory> {
  const bench = await openWorkbench(config, config.model.init, "model.init", reporter);
  try {
    const { temperature, topP, topK, maxTurns } = config.evaluation;
    const [group] = await bench.rollout({
      tasks: [bench.tasks(split).at(taskIndex)],
      n: 1,
      label: `rollout/${member}`,
      sampling: { temperature, topP, topK },
      ...(maxTurns !== undefined && { maxTurns }),
    });
    return group?.trajectories[0] as ScoredTrajectory;
  } finally {
    await bench.close();
  }
}
