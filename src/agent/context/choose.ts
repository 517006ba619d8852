// Which strategy a task begins with: the one that is configured, if it is for the task's medium, else the method's own.
// So one recipe may train images and videos together and still choose for either.
import type { Task } from "../../core/task.ts";
import { type ContextStrategy, type Medium, mediumOf } from "./context.ts";
import { imageInBoth } from "./imageInBoth.ts";
import { imageInRuntime } from "./imageInRuntime.ts";
import { videoFrames, type VideoFramesOptions } from "./videoFrames.ts";
import { videoInRuntime } from "./videoInRuntime.ts";

/** `agent.context` of a recipe. */
export type ContextOptions =
  | { readonly type: "imageInBoth" }
  | { readonly type: "imageInRuntime" }
  | { readonly type: "videoInRuntime" }
  | ({ readonly type: "videoFrames" } & VideoFramesOptions);

const BY_MEDIUM: Readonly<Record<Medium, ContextStrategy>> = { image: imageInBoth, video: videoInRuntime };

export function contextStrategy(options: ContextOptions): ContextStrategy {
  switch (options.type) {
    case "imageInBoth":
      return imageInBoth;
    case "imageInRuntime":
      return imageInRuntime;
    case "videoInRuntime":
      return videoInRuntime;
    case "videoFrames":
      return videoFrames(options);
    default:
      return options satisfies never;
  }
}

export function strategyFor(task: Task, options?: ContextOptions): ContextStrategy {
  const medium = mediumOf(task);
  const configured = options === undefined ? undefined : contextStrategy(options);
  return configured?.medium === medium ? configured : BY_MEDIUM[medium];
}
