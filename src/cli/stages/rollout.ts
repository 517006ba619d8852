// One episode of the checkpoint in `model.init`: on a task of a split, scored, or on files and a question of the user's
// own, which nobody knows the answer to.
import { access } from "node:fs/promises";
import { basename } from "node:path";
import { DataError } from "../../core/errors.ts";
import type { Reporter } from "../../core/reporter.ts";
import type { Task } from "../../core/task.ts";
import type { ScoredTrajectory, Trajectory } from "../../core/trajectory.ts";
import type { RewardFunction } from "../../rewards/reward.ts";
import type { ResolvedConfig } from "../../runs/config.ts";
import { loadImage } from "../../tasks/media.ts";
import type { Split } from "../../tasks/world/world.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

export interface RolloutRequest {
  readonly split: Split;
  /** Position of the task in the split. */
  readonly taskIndex: number;
  /** Number of the rollout, which picks its random stream; temperature comes from `evaluation`. */
  readonly member: number;
}

export interface OwnRequest {
  readonly question: string;
  /** Paths of images, or of videos; one of the lists is empty. */
  readonly images: readonly string[];
  readonly videos: readonly string[];
  readonly member: number;
}

export async function runRollout(
  config: ResolvedConfig,
  { split, taskIndex, member }: RolloutRequest,
  reporter: Reporter,
): Promise<ScoredTrajectory> {
  return withWorkbench(config, reporter, (bench) =>
    playOne(bench, config, bench.tasks(split).at(taskIndex), member),
  );
}

/** Without a reward: there is no answer to compare with. @throws DataError for a file that cannot be read or shown. */
export async function runOwnRollout(
  config: ResolvedConfig,
  request: OwnRequest,
  reporter: Reporter,
): Promise<Trajectory> {
  const task = await ownTask(request);
  const undecided: RewardFunction = () => ({ total: 0, accuracy: undefined, toolCall: 0 });
  return withWorkbench(config, reporter, async (bench) => {
    const { reward: _, ...trajectory } = await playOne(bench, config, task, request.member, undecided);
    return trajectory;
  });
}

async function ownTask({ question, images, videos }: OwnRequest): Promise<Task> {
  for (const path of videos)
    await access(path).catch((error: NodeJS.ErrnoException) => {
      const why = error.code === "ENOENT" ? "there is no such file" : error.message;
      throw new DataError(`video ${path}: cannot be read (${why})`);
    });
  return {
    id: [...images, ...videos].map((path) => basename(path)).join("+"),
    kind: "own file",
    question,
    answer: "",
    images: await Promise.all(images.map(loadImage)),
    videos,
  };
}

async function withWorkbench<T>(
  config: ResolvedConfig,
  reporter: Reporter,
  use: (bench: Workbench) => Promise<T>,
): Promise<T> {
  const bench = await openWorkbench(config, config.model.init, "model.init", reporter);
  try {
    return await use(bench);
  } finally {
    await bench.close();
  }
}

async function playOne(
  bench: Workbench,
  { evaluation }: ResolvedConfig,
  task: Task,
  member: number,
  reward?: RewardFunction,
): Promise<ScoredTrajectory> {
  const { temperature, topP, topK, maxTurns } = evaluation;
  const [group] = await bench.rollout({
    tasks: [task],
    n: 1,
    label: `rollout/${member}`,
    sampling: { temperature, topP, topK },
    ...(maxTurns !== undefined && { maxTurns }),
    ...(reward !== undefined && { reward }),
  });
  return group?.trajectories[0] as ScoredTrajectory;
}
