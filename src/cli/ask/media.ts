// The user's files as the task that the agent plays.
import { access } from "node:fs/promises";
import { basename } from "node:path";
import { DataError } from "../../core/errors.ts";
import type { Task } from "../../core/task.ts";
import { loadImage } from "../../tasks/media.ts";
import type { MediaReport } from "./reports.ts";
import type { AskRequest } from "./request.ts";

export interface AskTask {
  /** Without an answer: nobody knows it. */
  readonly task: Task;
  readonly media: { readonly images?: readonly MediaReport[]; readonly videos?: readonly MediaReport[] };
}

/** @throws DataError for a file that cannot be read, or is no picture. A video is opened by the agent's Python tool. */
export async function loadTask({ question, images: paths, videos }: AskRequest): Promise<AskTask> {
  for (const path of videos)
    await access(path).catch((error: NodeJS.ErrnoException) => {
      const why = error.code === "ENOENT" ? "there is no such file" : error.message;
      throw new DataError(`video ${path}: cannot be read (${why})`);
    });
  const images = await Promise.all(paths.map(loadImage));
  const id = [...paths, ...videos].map((path) => basename(path)).join("+");
  return {
    task: { id, kind: "own file", question, answer: "", images, videos },
    media: {
      ...(images.length > 0 && {
        images: images.map(({ width, height }, i) => ({ path: paths[i] as string, width, height })),
      }),
      ...(videos.length > 0 && { videos: videos.map((path) => ({ path })) }),
    },
  };
}
