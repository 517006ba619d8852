// Many episodes at once: n members for each task, all sampling through one batched sampler, scored and returned in task
// order whatever order they finished in. An episode that ends badly is data; an episode that throws is a bug of ours and
// rejects the whole collection, after every session has been closed.
import { DataError, EngineError, PyVisionError } from "../core/errors.ts";
import type { Random } from "../core/random.ts";
import type { Task } from "../core/task.ts";
import type { ScoredTrajectory, TrajectoryGroup } from "../core/trajectory.ts";
import { type ContextOptions, strategyFor } from "../agent/context/choose.ts";
import type { PreparedContext } from "../agent/context/context.ts";
import { runEpisode } from "../agent/episode.ts";
import type { EpisodeOptions } from "../agent/episode.ts";
import type { RewardFunction } from "../rewards/reward.ts";
import { LockstepSampler } from "./lockstep.ts";
import type { LockstepOptions } from "./lockstep.ts";

type SharedEpisodeOptions = Pick<
  EpisodeOptions,
  "template" | "codec" | "sampler" | "runtime" | "limits" | "errorPolicy" | "sampling"
>;

export interface CollectProgress {
  /** Episodes finished and scored. */
  readonly finished: number;
  readonly total: number;
  /** Position of the task in `tasks`. */
  readonly taskIndex: number;
  readonly trajectory: ScoredTrajectory;
}

export interface CollectOptions extends SharedEpisodeOptions {
  readonly tasks: readonly Task[];
  /** How tasks of its medium begin. Default, and for the other medium: images in both, videos in Python only. */
  readonly context?: ContextOptions;
  /** Members per task. */
  readonly n: number;
  readonly reward: RewardFunction;
  /** A stream of its own for each trajectory, e.g. `randomStream(seed, "rollout", step, task.id, member)`. */
  readonly randomFor: (task: Task, member: number) => Random;
  /** Default: lockstep without a batch limit. */
  readonly batching?: LockstepOptions;
  /** Episodes alive at once. Default: all. With lockstep, batches depend on this number but not on timing. */
  readonly concurrency?: number;
  readonly onProgress?: (progress: CollectProgress) => void;
}

let collections = 0; // keeps sequence ids and prompt keys of one process apart

/** @throws PyVisionError naming task and member when an episode threw; its cause is the original error. */
export async function collectGroups(options: CollectOptions): Promise<TrajectoryGroup[]> {
  const { tasks, n } = options;
  const total = tasks.length * n;
  const concurrency = Math.min(options.concurrency ?? total, total);
  if (total > 0 && !(Number.isInteger(n) && Number.isInteger(concurrency) && concurrency >= 1))
    throw new PyVisionError(
      `n and concurrency must be whole numbers of at least 1, got ${n} and ${concurrency}`,
    );
  const prefix = `collection${collections++}`;
  const lockstep = new LockstepSampler(options.sampler, options.batching ?? { schedule: "lockstep" });
  const scored: (ScoredTrajectory | undefined)[] = new Array<undefined>(total);
  const failures: { readonly index: number; readonly error: unknown }[] = [];
  const contexts = new Map<number, Promise<PreparedContext>>();
  let next = 0;
  let finished = 0;

  const sequenceId = (index: number): string => `${prefix}/${index}`;
  /** Prepared once a task, by whichever member comes first. */
  const contextOf = (taskIndex: number, task: Task): Promise<PreparedContext> => {
    const context = contexts.get(taskIndex) ?? strategyFor(task, options.context).prepare(task, options);
    contexts.set(taskIndex, context);
    return context;
  };

  const runOne = async (index: number): Promise<void> => {
    const taskIndex = Math.floor(index / n);
    const task = tasks[taskIndex] as Task;
    const member = index % n;
    try {
      const trajectory = await runEpisode({
        task,
        member,
        template: options.template,
        codec: options.codec,
        sampler: lockstep,
        runtime: options.runtime,
        limits: options.limits,
        errorPolicy: options.errorPolicy,
        sampling: options.sampling,
        random: options.randomFor(task, member),
        sequenceId: sequenceId(index),
        promptKey: `${prefix}/task${taskIndex}`,
        context: contextOf(taskIndex, task),
      });
      const result = { ...trajectory, reward: await options.reward(trajectory) };
      scored[index] = result;
      finished++;
      options.onProgress?.({ finished, total, taskIndex, trajectory: result });
    } catch (error) {
      const located = withContext(error, `task ${task.id}, member ${member}`);
      failures.push({ index, error: located });
      lockstep.abort(located);
    }
  };

  const worker = async (first: number): Promise<void> => {
    for (let index = first; ;) {
      await runOne(index);
      const following = failures.length === 0 && next < total ? next++ : undefined;
      if (following !== undefined) lockstep.join(sequenceId(following), following);
      lockstep.leave(sequenceId(index));
      if (following === undefined) return;
      index = following;
    }
  };

  next = concurrency;
  for (let index = 0; index < concurrency; index++) lockstep.join(sequenceId(index), index);
  await Promise.all(Array.from({ length: concurrency }, (_, index) => worker(index)));
  if (failures[0] !== undefined) throw failures[0].error;

  return tasks.map((task, taskIndex) => ({
    taskId: task.id,
    taskKind: task.kind,
    trajectories: scored.slice(taskIndex * n, (taskIndex + 1) * n) as ScoredTrajectory[],
  }));
}

/** Keeps the boundary an error came from and says where it happened. */
function withContext(error: unknown, where: string): PyVisionError {
  const message = `${where}: ${error instanceof Error ? error.message : String(error)}`;
  if (error instanceof EngineError) return new EngineError(message, { cause: error });
  if (error instanceof DataError) return new DataError(message, { cause: error });
  if (error instanceof PyVisionError) return new PyVisionError(message, { cause: error });
  return new PyVisionError(`internal: ${message}`, { cause: error });
}
