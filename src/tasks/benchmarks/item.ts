// Public benchmarks as items that an agent is asked: what every loader gives, whatever its authors' layout is.
import type { Task } from "../../core/task.ts";

export const BENCHMARK_NAMES = [
  "vstar",
  "hrbench-4k",
  "hrbench-8k",
  "mathverse",
  "mathvision",
  "wemath",
  "dynamath",
  "tir-bench",
  "vsi-bench",
] as const;

export type BenchmarkName = (typeof BENCHMARK_NAMES)[number];

export interface Option {
  /** A capital letter. */
  readonly letter: string;
  /** Without its letter. */
  readonly text: string;
}

/**
 * `question` is all that the model is asked, options and the authors' instruction about the form of the answer included;
 * `answer` is the truth as the authors' file has it; `kind` is the authors' main category, by which accuracy is reported.
 */
export interface BenchmarkItem extends Task {
  readonly benchmark: BenchmarkName;
  /** In the authors' words: what scoring switches on. */
  readonly questionType: string;
  /** In the order shown; empty where the answer is free, or where the options are drawn in the picture. */
  readonly options: readonly Option[];
  /** What results are broken down and put together by, in the order of a report, e.g. `{category, cycle, question}`. */
  readonly labels: Readonly<Record<string, string>>;
  /** What scoring needs besides, e.g. the size of a jigsaw. */
  readonly details: Readonly<Record<string, string | number>>;
}

export interface BenchmarkFiles {
  readonly benchmark: BenchmarkName;
  readonly split: string;
  /** Items here. */
  readonly count: number;
  /** Items that the authors published in this split. */
  readonly published: number;
  /**
   * Media are looked for when `images` or `videos` is read, which throws a DataError for what is missing or damaged.
   * @throws RangeError outside [0, count); DataError naming file and row for an item that cannot be read
   */
  at(index: number): BenchmarkItem;
  close(): void;
}

export interface BenchmarkLoader {
  readonly name: BenchmarkName;
  /** As people write it: "V*". */
  readonly title: string;
  /** The first is the one that papers report. */
  readonly splits: readonly string[];
  /**
   * Streams: nothing of an item but its place is in memory until it is asked for.
   * @param path the folder or file that holds the benchmark in one of its published layouts
   * @throws DataError naming what is missing and where it was looked for
   */
  open(path: string, split?: string): BenchmarkFiles;
}
