// What the viewer's server says and its page hears. Read by both, so nothing here touches files or the DOM.
import type { MetricInfo } from "../learning/metrics.ts";
import type { SelectionRecord } from "../learning/selection.ts";
import type { CollapseAlarm } from "../runs/collapseAlarm.ts";
import type { TrajectoryJson } from "../runs/trajectoryJson.ts";

/** Something of a run that could not be read, while the rest is shown. */
export interface Problem {
  /** Relative to the run's folder. */
  readonly file: string;
  /** What is wrong, and what it means for what is shown. */
  readonly message: string;
}

/** `finished`: it wrote its summary. `running`: it wrote something lately. `stopped`: neither. */
export type RunState = "running" | "finished" | "stopped";

/** A run in the list of runs. */
export interface RunListing {
  /** Names the run in addresses; unique among the runs served. */
  readonly key: string;
  readonly path: string;
  readonly state: RunState;
  /** Last step in metrics.jsonl; 0 when there is none. */
  readonly step: number;
  /** Steps the config asks for, where the stage is known to have them. */
  readonly totalSteps?: number;
  /** Milliseconds since 1970 of the last write. */
  readonly updatedAt: number;
  readonly accuracy?: number;
  readonly toolCalls?: number;
}

export interface RunList {
  readonly runs: readonly RunListing[];
  /** Keys that were asked for by name on the command line; none: the whole runs folder is listed. */
  readonly chosen: readonly string[];
  /** The folder that is listed. */
  readonly root?: string;
}

/** Steps and one column a metric; null where a step has no value, or none that is finite. */
export interface MetricColumns {
  readonly steps: readonly number[];
  readonly columns: Readonly<Record<string, readonly (number | null)[]>>;
}

/** One collection of trajectories: a training step, or an evaluation. */
export interface SetHead {
  /** As the trajectory store names it: `train-000012`, `evaluation-000000`. */
  readonly name: string;
  /** The part before the number; the whole name when there is no number. */
  readonly stage: string;
  /** 0 when the name has none. */
  readonly step: number;
  readonly trajectories: number;
  /** The first so many are stored in full. */
  readonly stored: number;
  /** Of training steps with a strategy log. */
  readonly strategy?: {
    readonly record: SelectionRecord;
    readonly groupFates: Readonly<Record<string, number>>;
    readonly memberFates: Readonly<Record<string, number>>;
  };
}

export interface RunOverview extends RunListing {
  /** Changes when what was read before no longer holds (the run was replaced): a reader starts over. */
  readonly generation: number;
  /** Of `metrics` and `sets`: from where on they are given. 0 in a first answer. */
  readonly metricsFrom: number;
  readonly setsFrom: number;
  readonly metrics: MetricColumns;
  readonly sets: readonly SetHead[];
  /** Flat: `selection.genBatch` → `"12"`. */
  readonly config: Readonly<Record<string, string>>;
  readonly metricInfo: Readonly<Record<string, MetricInfo>>;
  readonly problems: readonly Problem[];
  readonly alarm?: CollapseAlarm;
  /** Why there is no strategy or no trajectory to see, in words; empty when there are. */
  readonly absent: { readonly strategy?: string; readonly trajectories?: string };
}

/** One trajectory of a set, in full. */
export interface TrajectoryAnswer {
  readonly set: string;
  readonly index: number;
  readonly trajectory: TrajectoryJson;
}

/** The text of every token of a trajectory, segment by segment; empty strings for image segments' placeholders. */
export interface TokensAnswer {
  readonly segments: readonly (readonly string[])[];
  /** Folder of the checkpoint whose tokenizer wrote them; absent: none was found, and tokens are shown as ids. */
  readonly tokenizer?: string;
}

/** Said over and over while the page is open. */
export interface ChangeEvent {
  readonly key: string;
  readonly generation: number;
  readonly metrics: number;
  readonly sets: number;
  readonly state: RunState;
}

/** What the page finds in an exported file. */
export interface EmbeddedIndex {
  readonly runs: readonly RunOverview[];
  readonly note: string;
}

export interface EmbeddedTrajectory {
  readonly trajectory: TrajectoryJson;
  readonly tokens: TokensAnswer;
}
