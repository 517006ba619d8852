// Context construction as a strategy: what of a task's media the model sees from the start, and what only its programs
// can reach. The method's own choice for a video is to put no frame into the context until the model's code shows one.
import type { Task } from "../../core/task.ts";
import type { Segment } from "../../core/trajectory.ts";
import type { Codec } from "../../engines/engine.ts";
import type { PythonRuntime, SessionOptions } from "../../sandbox/runtime.ts";
import type { PromptTemplate } from "../template.ts";

/** How a task begins. The same for every member of a group, so it is prepared once a task. */
export interface PreparedContext {
  /** System message, the user's media and question, the open assistant turn. */
  readonly prompt: readonly Segment[];
  /** What the task's Python sessions are opened with. */
  readonly session: SessionOptions;
  /** Number in the name of the context's first picture: names that only Python has come before it. */
  readonly firstLabel: number;
  /** Keys (`imageKey`) of pictures that the model sees in the prompt: to show them again brings nothing new. */
  readonly seen: readonly string[];
}

export interface ContextTools {
  readonly template: PromptTemplate;
  readonly codec: Codec;
  /** Decodes videos: the host itself never does. */
  readonly runtime: PythonRuntime;
}

export type Medium = "image" | "video";

/** One way to turn a task into a prompt and the contents of its Python session. */
export interface ContextStrategy {
  /** What tasks it is for. */
  readonly medium: Medium;
  /**
   * @throws DataError for media that cannot be read or shown, ConfigError when the template has no words for this way,
   * SandboxError when a video could not be decoded for a reason that is not the file's.
   */
  prepare(task: Task, tools: ContextTools): Promise<PreparedContext>;
}

/** A task without media counts as one of images. */
export function mediumOf(task: Task): Medium {
  return (task.videos ?? []).length > 0 ? "video" : "image";
}
