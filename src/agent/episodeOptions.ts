// What an episode is played with.
import type { Random } from "../core/random.ts";
import type { Task } from "../core/task.ts";
import type { Segment, Turn } from "../core/trajectory.ts";
import type { Codec, Sampler, SamplingParams } from "../engines/engine.ts";
import type { PythonRuntime } from "../sandbox/runtime.ts";
import type { PreparedContext } from "./context/context.ts";
import type { PromptTemplate } from "./template.ts";

export interface EpisodeLimits {
  /** Sampled turns, the answering one included. */
  readonly maxTurns: number;
  readonly maxTurnTokens: number;
  /** The whole sequence: prompt, images, turns, observations. */
  readonly maxContextTokens: number;
  /** Images in the context, those of the prompt included. */
  readonly maxImages: number;
}

/** `show`: a failed call is an observation like any other. `end`: it ends the episode (the reference's behaviour). */
export type ErrorPolicy = "show" | "end";

/** For whoever shows an episode while it is played. What a hook throws ends the episode as a fault of ours. */
export interface EpisodeHooks {
  /** The prompt, and each further question, as it enters the sequence. */
  readonly onQuestion?: (segments: readonly Segment[]) => void;
  /** A turn that was sampled and read, before its code is run. */
  readonly onTurn?: (turn: Turn) => void;
  /** The same turn with the result of its call, and the observation of it; undefined when that does not enter the sequence. */
  readonly onTool?: (turn: Turn, observation: readonly Segment[] | undefined) => void;
}

export interface EpisodeOptions {
  readonly task: Task;
  /** Group member number. */
  readonly member: number;
  readonly template: PromptTemplate;
  readonly codec: Codec;
  readonly sampler: Sampler;
  readonly runtime: PythonRuntime;
  readonly limits: EpisodeLimits;
  readonly errorPolicy: ErrorPolicy;
  readonly sampling: Pick<SamplingParams, "temperature" | "topP" | "topK">;
  readonly random: Random;
  readonly sequenceId: string;
  readonly promptKey?: string;
  /** How the task begins, when the caller has it prepared (once for a group). Default: as its medium asks for. */
  readonly context?: PreparedContext | Promise<PreparedContext>;
  readonly hooks?: EpisodeHooks;
}
