// One episode as data: the canonical token sequence that is both what the sampler saw and what is trained on (tokens
// are never re-encoded), beside the turns for people to read.
import type { RgbImage } from "./image.ts";

/** Patch grid of one image: [temporal, height, width] in patches of the processor (14 px each), before 2x2 merging. */
export type PatchGrid = readonly [t: number, h: number, w: number];

/** An image as the model sees it: resized to the processor's grid. */
export interface ViewImage {
  /** Pixels after the smart resize: height = grid[1] * 14, width = grid[2] * 14. */
  readonly pixels: RgbImage;
  readonly grid: PatchGrid;
  /** Placeholder tokens the image takes: t * h * w / 4. */
  readonly tokenCount: number;
}

/**
 * A stretch of the token sequence. Only `sampled` tokens are trained on. An image segment stands for `tokenCount`
 * placeholder ids (`<|image_pad|>`); the vision start and end tokens around it belong to the neighbouring text.
 */
export type Segment =
  | { readonly type: "text"; readonly source: "prompt" | "observation"; readonly tokens: readonly number[] }
  | { readonly type: "image"; readonly source: "prompt" | "observation"; readonly image: ViewImage }
  | {
      readonly type: "sampled";
      readonly tokens: readonly number[];
      readonly logprobs: readonly number[];
      /** Why nothing may be trained on them: tokens or log-probabilities are not the policy's own, or not known to be. */
      readonly unfit?: string;
    };

/** What running one cell came to. Every variant says whether the session still has its variables (`alive`). */
export type ToolOutcome =
  | { readonly type: "ok" }
  | {
      readonly type: "pythonError";
      readonly errorType: string;
      readonly message: string;
      readonly traceback: string;
    }
  | { readonly type: "timeout"; readonly limitMs: number }
  | { readonly type: "outOfMemory" }
  | { readonly type: "outputLimit"; readonly limitBytes: number }
  | { readonly type: "killed"; readonly reason: string }
  | { readonly type: "forbidden"; readonly reason: string };

/** The result of one tool call as the agent and the log see it. */
export interface ToolResult {
  readonly outcome: ToolOutcome;
  /** False when the session died with this call; the next call starts a fresh one without the variables. */
  readonly alive: boolean;
  readonly stdout: string;
  readonly figures: readonly RgbImage[];
  readonly elapsedMs: number;
}

/** What the model's text asked for, as the protocol parser read it. */
export type Action =
  | { readonly type: "code"; readonly code: string }
  | { readonly type: "answer"; readonly answer: string }
  | { readonly type: "none"; readonly reason: string };

/** What is known of a turn that a model server wrote. */
export interface ServedTurn {
  /** As the server names it. */
  readonly model: string;
  /** As the server counts; absent where it does not say. */
  readonly promptTokens?: number;
  readonly replyTokens?: number;
  /** Of the images in the prompt, by the image processor's own formula: a server with another processor has others. */
  readonly visualTokens: number;
  /** From the first request to the last byte. */
  readonly seconds: number;
  /** Requests it took. */
  readonly attempts: number;
}

export interface Turn {
  /** The model's text of this turn, decoded with special tokens shown. */
  readonly text: string;
  readonly action: Action;
  /** Present when the action was code that was handed to the session. */
  readonly tool?: ToolResult;
  /** Number of sampled tokens. */
  readonly tokenCount: number;
  /** Why sampling of this turn stopped. */
  readonly stop: StopReason;
  /** Present when a model server wrote it. */
  readonly served?: ServedTurn;
}

/** `stop`: a stop string or end-of-turn token was produced; `length`: the token limit was reached. */
export type StopReason = "stop" | "length";

export type EndReason =
  | { readonly type: "answered" }
  | { readonly type: "turnLimit" } // the last allowed turn still called the tool
  | { readonly type: "turnTokenLimit" } // one turn was cut by its own token limit
  | { readonly type: "contextLimit" } // the next turn or observation would not fit
  | { readonly type: "imageLimit" } // an observation would exceed the number of images
  | { readonly type: "noAction" } // neither code nor answer in the text
  | { readonly type: "pythonError" } // only when configured to end the episode
  | { readonly type: "sandboxFailure"; readonly message: string }; // our fault, never the model's

export type EndReasonType = EndReason["type"];

export interface Reward {
  /** Sum that is trained on. */
  readonly total: number;
  /** 1 right, 0 wrong; undefined when it could not be decided (such a trajectory is dropped, never counted wrong). */
  readonly accuracy: 0 | 1 | undefined;
  /** The accumulative tool reward that was added. */
  readonly toolCall: number;
  /**
   * In [0, 1], from graders that give parts of a point; `accuracy` is then 1 from 0.5 on, which is the reference's rule for mean
   * relative accuracy.
   */
  readonly score?: number;
}

export interface Trajectory {
  readonly taskId: string;
  readonly taskKind: string;
  readonly question: string;
  readonly groundTruth: string;
  /** Group member number, 0 <= member < n. */
  readonly member: number;
  readonly segments: readonly Segment[];
  readonly turns: readonly Turn[];
  readonly endReason: EndReason;
  /** Number in the name of the context's first picture, when images that only Python has are named before it. */
  readonly firstLabel?: number;
  /** Text of the boxed answer when the episode was answered. */
  readonly answer?: string;
  /** Calls that ran as programs to the end without error (paper: n_tc). */
  readonly toolCalls: number;
  /** Of these, calls that printed or drew something not seen before in this trajectory. */
  readonly effectiveToolCalls: number;
}

export interface ScoredTrajectory extends Trajectory {
  readonly reward: Reward;
}

/** n rollouts of one task. */
export interface TrajectoryGroup {
  readonly taskId: string;
  readonly taskKind: string;
  readonly trajectories: readonly ScoredTrajectory[];
}
