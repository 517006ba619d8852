// The mini world of video as an endless task source: task i of a split is a pure function of (seed, split, i). A task
// holds no frame, only the path of its clip, which is written when the path is first asked for.
import { ConfigError } from "../../core/errors.ts";
import { randomStream } from "../../core/random.ts";
import type { Task, TaskSource } from "../../core/task.ts";
import type { Split } from "../world/world.ts";
import { answerOf, drawClip } from "./clip.ts";
import type { Clip, VideoWeights } from "./clip.ts";
import { clipFile } from "./clipFile.ts";
import { questionOf } from "./phrases.ts";
import { VIDEO_KINDS } from "./vocabulary.ts";
import type { VideoKind, VideoTaskKind } from "./vocabulary.ts";

export interface VideoWorldOptions {
  readonly seed: number;
  readonly split: Split;
  /** Where clips are written; made if it is not there. */
  readonly folder: string;
  /** Default DEFAULT_VIDEO_WEIGHTS. */
  readonly weights?: VideoWeights;
}

/** A task that knows its clip. Only the file of `videos` is ever handed to a Python session. */
export interface VideoTask extends Task {
  readonly kind: VideoTaskKind;
  readonly videos: readonly string[];
  /** Privileged; not enumerable, so it is not copied or serialised along with the task. */
  readonly clip: Clip;
}

export interface VideoSource extends TaskSource {
  at(index: number): VideoTask;
}

/** See docs/decisions.md: what a reader of uniform frames can reach of each kind. */
export const DEFAULT_VIDEO_WEIGHTS: Readonly<Record<VideoKind, number>> = {
  at: 0.25,
  what: 0.2,
  when: 0.2,
  order: 0.1,
  count: 0.1,
  where: 0.15,
};

/** @throws ConfigError for weights out of range. */
export function createVideoWorld({ seed, split, folder, weights }: VideoWorldOptions): VideoSource {
  const frequencies = weights ?? DEFAULT_VIDEO_WEIGHTS;
  const drawn = VIDEO_KINDS.map((kind) => frequencies[kind] ?? 0);
  if (drawn.some((weight) => !(weight >= 0 && weight < Infinity)) || !drawn.some((weight) => weight > 0))
    throw new ConfigError(
      `videoWorld.weights must be finite numbers >= 0 with at least one above 0, got ${JSON.stringify(frequencies)}; ` +
        `give a weight to one of ${VIDEO_KINDS.join(", ")}`,
    );
  return {
    name: `video-${split}`,
    size: Infinity,
    at(index) {
      if (!Number.isSafeInteger(index) || index < 0)
        throw new RangeError(`video task index must be an integer >= 0, got ${index}`);
      return videoTask(
        `video-${split}-${index}`,
        drawClip(frequencies, randomStream("video", seed, split, index)),
        folder,
      );
    },
  };
}

/** A task about the given clip, whose file goes to `folder`. */
export function videoTask(id: string, clip: Clip, folder: string): VideoTask {
  let videos: readonly string[] | undefined;
  const task = {
    id,
    kind: `video-${clip.question.kind}` as const,
    question: questionOf(clip),
    answer: answerOf(clip),
    images: [],
    get videos() {
      videos ??= [clipFile(clip, folder)];
      return videos;
    },
  };
  return Object.defineProperty(task, "clip", { value: clip, enumerable: false }) as typeof task & VideoTask;
}

export function isVideoTask(task: Task): task is VideoTask {
  return "clip" in task;
}

/** Whether answers of this kind are numbers, graded by mean relative accuracy. */
export function isNumeric(kind: string): boolean {
  const numeric: readonly VideoTaskKind[] = ["video-when", "video-count"];
  return (numeric as readonly string[]).includes(kind);
}
