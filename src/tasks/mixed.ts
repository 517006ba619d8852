// Image and video tasks in one stream, with a cap on video prompts (their episodes are the longer ones): among any `batch`
// tasks in a row at most `maxVideos` are videos, and what the cap keeps out is refilled with the next image task. It
// holds for every stretch, so a generation batch keeps to it wherever it begins. Which positions are videos depends on seed
// and position alone, and neither source skips a task.
import { ConfigError } from "../core/errors.ts";
import { randomStream } from "../core/random.ts";
import type { Task, TaskSource } from "../core/task.ts";

export interface MixedOptions {
  readonly name: string;
  readonly seed: number;
  /** The image task and the video task at each position of their own walks: `source.at`, or a shuffled order. */
  readonly imageAt: (position: number) => Task;
  readonly videoAt: (position: number) => Task;
  /** Share of videos in [0, 1], before the cap. */
  readonly videoShare: number;
  /** Prompts drawn at once. */
  readonly batch: number;
  /** Videos among any `batch` tasks in a row, at most. */
  readonly maxVideos: number;
}

/** @throws ConfigError for shares, batches or caps out of range. */
export function createMixedSource(options: MixedOptions): TaskSource {
  const { name, seed, imageAt, videoAt, videoShare, batch, maxVideos } = options;
  if (!(videoShare >= 0 && videoShare <= 1))
    throw new ConfigError(
      `mixed.videoShare must be in [0, 1], got ${videoShare}; use 0.5 for as many as images`,
    );
  for (const [key, value, least] of [
    ["batch", batch, 1],
    ["maxVideos", maxVideos, 0],
  ] as const)
    if (!Number.isInteger(value) || value < least)
      throw new ConfigError(`mixed.${key} must be an integer >= ${least}, got ${value}`);

  /** `videosBefore[p]` is the number of videos at positions before p. */
  const videosBefore = [0];
  const before = (position: number): number => {
    for (let p = videosBefore.length - 1; p < position; p++) {
      const soFar = videosBefore[p] as number;
      const inWindow = soFar - (videosBefore[Math.max(0, p - batch + 1)] as number);
      const video = inWindow < maxVideos && randomStream(seed, "mixed", p).next() < videoShare;
      videosBefore.push(soFar + (video ? 1 : 0));
    }
    return videosBefore[position] as number;
  };

  return {
    name,
    size: Infinity,
    at(index) {
      if (!Number.isSafeInteger(index) || index < 0)
        throw new RangeError(`mixed task index must be an integer >= 0, got ${index}`);
      const videos = before(index);
      return before(index + 1) > videos ? videoAt(videos) : imageAt(index - videos);
    },
  };
}
