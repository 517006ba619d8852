// Where a step's groups come from: sampled when the step begins, or collected while the steps before it train.
import type { Task } from "../core/task.ts";
import type { TrajectoryGroup } from "../core/trajectory.ts";
import { BackgroundGroups, type BackgroundState } from "./backgroundGroups.ts";
import { rolloutStep } from "./selection.ts";
import type { RolloutStepResult, SelectionOptions } from "./selection.ts";

export interface StepSource {
  /** @param step counted from 1 */
  next(step: number): Promise<RolloutStepResult>;
  /** The step is over. @param updated whether it changed the weights */
  stepDone(updated: boolean): void;
  state(): BackgroundState;
  /** Waits for what has begun. Never rejects. */
  close(): Promise<void>;
}

export interface StepSourceOptions {
  readonly selection: SelectionOptions;
  /** 0, the default: nothing in the background. */
  readonly maxStaleness?: number;
  /** Groups sampled at once in the background. */
  readonly maxGroupsInFlight?: number;
}

export interface StepSourceDependencies {
  /** The task at a position of the data order (see taskOrder.ts); a pure function. */
  taskAt(position: number): Task;
  /** n rollouts of every task with the engine's current weights. The label names the random streams. */
  rollout(tasks: readonly Task[], n: number, label: string): Promise<readonly TrajectoryGroup[]>;
  /** Looks at what a step got from the background, before it is trained on. May throw. */
  checkTaken?(groups: readonly TrajectoryGroup[], label: string): void;
}

export function stepSource(
  options: StepSourceOptions,
  dependencies: StepSourceDependencies,
  from: BackgroundState,
  steps: number,
): StepSource {
  const { selection, maxStaleness = 0, maxGroupsInFlight } = options;
  if (maxStaleness === 0) return whenAsked(selection, dependencies, from);
  const background = new BackgroundGroups(
    { selection, maxStaleness, steps, ...(maxGroupsInFlight && { maxInFlight: maxGroupsInFlight }) },
    dependencies,
    from,
  );
  return {
    next: async (step) => {
      const taken = await background.take();
      dependencies.checkTaken?.(
        taken.drawn.map(({ group }) => group),
        `train/${step}`,
      );
      return taken;
    },
    stepDone: (updated) => background.stepDone(updated),
    state: () => background.state,
    close: () => background.close(),
  };
}

function whenAsked(
  selection: SelectionOptions,
  { taskAt, rollout }: StepSourceDependencies,
  from: BackgroundState,
): StepSource {
  let { cursor } = from;
  // A run that collected in the background may go on without.
  const again = [...(from.undecided ?? [])];
  const draw = (count: number): Task[] =>
    Array.from({ length: count }, () => taskAt(again.shift() ?? cursor++));
  return {
    next: (step) => rolloutStep(selection, { draw, rollout }, `train/${step}`),
    stepDone: () => undefined,
    state: () => ({ cursor, ...(again.length > 0 && { undecided: [...again] }) }),
    close: async () => undefined,
  };
}
