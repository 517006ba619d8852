// A public benchmark as a world of tasks: all its items, in the authors' order, to evaluate on and never to train on. Items
// are read when they are asked for; of those that were, what scoring needs stays, without their pictures.
import { ConfigError } from "../../core/errors.ts";
import type { TaskSource } from "../../core/task.ts";
import type { ScoredFields } from "../../rewards/benchmarks/scorer.ts";
import { shuffledOptions, whyNotShuffled, withoutMedia } from "../../evaluation/controls.ts";
import { findInputPath, type ResolvedConfig } from "../../runs/config.ts";
import { benchmarks } from "../../tasks/benchmarks/all.ts";
import type { BenchmarkFiles, BenchmarkItem } from "../../tasks/benchmarks/item.ts";
import type { Split } from "../../tasks/world/world.ts";

export type BenchmarkTasks = Extract<ResolvedConfig["tasks"], { readonly type: "benchmark" }>;

/** What is known of the benchmark besides its items. */
export interface OpenedBenchmark {
  readonly title: string;
  readonly split: string;
  readonly count: number;
  /** Items that the authors published in this split. */
  readonly published: number;
}

/** @throws ConfigError when it is not there, DataError when it cannot be read */
export function benchmarkWorld(tasks: BenchmarkTasks) {
  const { name, media, shuffleOptions } = tasks;
  const fields = new Map<string, ScoredFields>();
  let opened: BenchmarkFiles | undefined;
  const files = (): BenchmarkFiles => (opened ??= openFiles(tasks));
  const itemAt = (index: number): BenchmarkItem => {
    const published = files().at(index);
    const shuffled = shuffleOptions === undefined ? published : shuffledOptions(published, shuffleOptions);
    const item = media === "none" ? withoutMedia(shuffled) : shuffled;
    const { id, benchmark, questionType, question, answer, options, details } = item;
    fields.set(id, { benchmark, questionType, question, answer, options, details });
    return item;
  };
  const nothing = (what: string) => (): never => {
    throw new ConfigError(`tasks.type: a benchmark has ${what}; it is there to evaluate on`);
  };
  return {
    tasks: (split: Split): TaskSource => {
      if (split === "train") return nothing("no tasks to train on")();
      const { split: part, count } = files();
      return { name: `${name}-${part}`, size: count, at: itemAt };
    },
    benchmark: (): OpenedBenchmark => {
      const { split, count, published } = files();
      return { title: benchmarks[name].title, split, count, published };
    },
    scoredFields: (taskId: string): ScoredFields | undefined => fields.get(taskId),
    grade: nothing("scorers of its own, which see more than the answer"),
    isNumeric: (): boolean => false,
    corpus: nothing("no corpus for a tokenizer"),
    pretrainSegments: nothing("no sequences to pretrain on"),
    teacher: nothing("no scripted teacher"),
    close: (): void => {
      opened?.close();
      opened = undefined;
    },
  };
}

function openFiles({ name, path, split, shuffleOptions }: BenchmarkTasks): BenchmarkFiles {
  const loader = benchmarks[name];
  const fixed = shuffleOptions === undefined ? undefined : whyNotShuffled(name);
  if (fixed !== undefined) throw new ConfigError(`tasks.shuffleOptions: ${fixed}; leave it out for ${name}`);
  if (split !== undefined && !loader.splits.includes(split))
    throw new ConfigError(
      `tasks.split: ${loader.title} has ${loader.splits.join(", ")}, not ${JSON.stringify(split)}`,
    );
  const found = findInputPath(path);
  if (found === undefined)
    throw new ConfigError(
      `tasks.path: ${JSON.stringify(path)} does not exist; get ${loader.title} with "pyvision bench-data ${name}", or name the ` +
        "folder that holds it (--data)",
    );
  return loader.open(found, split);
}
