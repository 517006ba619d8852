// What a tracker is to a run: a place outside the run's own files (TensorBoard, Weights & Biases, MLflow) that is shown the
// same numbers. A tracker may fail in any way; feed.ts keeps every failure away from the run.
import { PyVisionError } from "../../core/errors.ts";
import type { ResolvedConfig } from "../config.ts";

/** The run as a tracker is told of it. */
export interface TrackedRun {
  readonly name: string;
  readonly stage: "pretrain" | "sft" | "train";
  readonly tags: readonly string[];
  readonly config: ResolvedConfig;
  /** Folder of the run, absolute. */
  readonly path: string;
  /** Steps that were done before this process began; 0 for a new run. */
  readonly resumeFrom: number;
  /** What the tracker's `open` returned when this run was opened before, and the last step it confirmed. */
  readonly before?: { readonly memory: TrackerMemory; readonly lastStep: number };
}

/** What finds the run again after a restart: a folder, a run's id. Kept in trackers.json. */
export type TrackerMemory = Readonly<Record<string, string>>;

export interface Opened {
  /** Where a person finds the run: a command or an address. */
  readonly where: string;
  /** The metrics of this step and of those before are there already; 0: none. */
  readonly lastStep: number;
  readonly memory: TrackerMemory;
  /** What is missing there although the run was opened. */
  readonly warnings?: readonly string[];
}

interface At {
  /** Counted from 1; 0 belongs to the run as a whole. */
  readonly step: number;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
}

export interface MetricsUpdate extends At {
  readonly type: "metrics";
  /** By the names of metrics.jsonl; NaN where a number could not be measured. */
  readonly values: Readonly<Record<string, number>>;
}

export interface ImageUpdate extends At {
  readonly type: "image";
  readonly name: string;
  /** Place among the step's images, from 0. */
  readonly index: number;
  readonly png: Uint8Array;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  readonly caption: string;
}

export interface HistogramUpdate extends At {
  readonly type: "histogram";
  readonly name: string;
  /** Finite, at least one. */
  readonly values: readonly number[];
}

export interface TextUpdate extends At {
  readonly type: "text";
  readonly name: string;
  readonly markdown: string;
}

export type MediaUpdate = ImageUpdate | HistogramUpdate | TextUpdate;
export type Update = MetricsUpdate | MediaUpdate;

export type Outcome = "finished" | "interrupted" | "failed";

/** One connection to one place. Its methods are called one after the other, never at once. */
export interface Tracker {
  readonly type: string;
  /**
   * Makes the run there, or finds it again: what steps after `run.resumeFrom` left there is taken back, or never sent again.
   * Called again after it threw a TrackerError that may pass.
   * @param signal ends everything at once, child processes too
   */
  open(run: TrackedRun, signal: AbortSignal): Promise<Opened>;
  /** Called again with the same update after a TrackerError that may pass; must not double what arrived. */
  write(update: Update): Promise<void>;
  close(outcome: Outcome, timeMs: number): Promise<void>;
}

/** `retry`: it may pass; `skip`: only this update is lost; `stop`: nothing more can arrive. */
export type Consequence = "retry" | "skip" | "stop";

/** A tracker failed. The message says where, what, and what a person can do. */
export class TrackerError extends PyVisionError {
  override readonly name = "TrackerError";
  readonly then: Consequence;

  constructor(then: Consequence, message: string, options?: ErrorOptions) {
    super(message, options);
    this.then = then;
  }
}
