// A question about media, with the answer that grades it. The answer stays in the trainer: nothing of it may be handed
// to the Python session (only `images` and `videos` are).
import type { RgbImage } from "./image.ts";

/** One question. `kind` is the category results are broken down by. */
export interface Task {
  readonly id: string;
  readonly kind: string;
  readonly question: string;
  /** Ground truth in the form the grader expects. Never leaves the trainer process. */
  readonly answer: string;
  readonly images: readonly RgbImage[];
  /** Paths of video files; only the tool runtime reads them. Default none. A task has images or videos, not both. */
  readonly videos?: readonly string[];
}

/** Tasks addressed by position, so that data order is a pure function of (seed, index). */
export interface TaskSource {
  readonly name: string;
  /** Number of distinct tasks, or Infinity for a generator. */
  readonly size: number;
  /** @throws RangeError when index is not an integer in [0, size). */
  at(index: number): Task;
}
