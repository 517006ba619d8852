// Held-out evaluation of the current weights: the same agent loop as in training, one rollout of each task.
import type { Reporter } from "../../core/reporter.ts";
import type { ScoredTrajectory } from "../../core/trajectory.ts";
import { evaluateTrajectories, type EvaluationReport } from "../../learning/evaluate.ts";
import type { ResolvedConfig } from "../../runs/config.ts";
import type { Workbench } from "./workbench.ts";

export interface HeldOut {
  readonly report: EvaluationReport;
  readonly trajectories: readonly ScoredTrajectory[];
}

/** Tasks 0 to n - 1 of the split, in chunks, so that their pictures are not all in memory at once. */
export async function evaluateHeldOut(
  bench: Workbench,
  { evaluation }: ResolvedConfig,
  label: string,
  reporter: Reporter,
): Promise<HeldOut> {
  const { temperature, topP, topK, split, concurrent, maxTurns } = evaluation;
  const source = bench.tasks(split);
  const count = Math.min(evaluation.tasks, source.size);
  const progress = reporter.start(`${label}: ${count} held-out tasks`, count, "tasks");
  const trajectories: ScoredTrajectory[] = [];
  for (let start = 0; start < count; start += concurrent) {
    const length = Math.min(concurrent, count - start);
    const groups = await bench.rollout({
      tasks: Array.from({ length }, (_, i) => source.at(start + i)),
      n: 1,
      label: `evaluation/${split}`,
      sampling: { temperature, topP, topK },
      ...(maxTurns !== undefined && { maxTurns }),
      onProgress: () => progress.advance(),
    });
    trajectories.push(...groups.flatMap((group) => group.trajectories));
  }
  progress.end();
  return { report: evaluateTrajectories(trajectories, bench.world.isNumeric), trajectories };
}
