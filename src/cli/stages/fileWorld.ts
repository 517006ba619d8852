// Data files as a world of tasks and grading, and of nothing else: to train on, to evaluate on, or both.
import { basename, extname } from "node:path";
import { ConfigError } from "../../core/errors.ts";
import type { Reporter } from "../../core/reporter.ts";
import type { TaskSource } from "../../core/task.ts";
import { gradeAnswer } from "../../rewards/grade.ts";
import { gradeNumber } from "../../rewards/meanRelativeAccuracy.ts";
import { isNumericSource } from "../../rewards/rules/files.ts";
import { resolveInputPath, type ResolvedConfig } from "../../runs/config.ts";
import { splitSource, TaskFiles } from "../../tasks/formats/taskFile.ts";
import type { Split } from "../../tasks/world/world.ts";

type FileTasks = Extract<ResolvedConfig["tasks"], { readonly type: "file" }>;

/** Mean relative accuracy from which the reference takes a number for right. */
const LEAST_OF_FILES = 0.5;

/** @param reporter is told of rows that cannot be asked, once */
export function fileWorld(config: FileTasks, reporter: Reporter) {
  const { seed, kind, split: shares, mediaRoot, stripPrefix } = config;
  const opened = new Map<string, TaskFiles>();
  const open = (paths: string | readonly string[], key: string, every: boolean): TaskFiles => {
    const known = opened.get(key);
    if (known !== undefined) return known;
    const files = new TaskFiles({
      paths: [paths].flat().map((path) => resolveInputPath(path, key)),
      kind,
      every,
      ...(mediaRoot !== undefined && { mediaRoot: resolveInputPath(mediaRoot, "tasks.mediaRoot") }),
      ...(stripPrefix !== undefined && { stripPrefix }),
    });
    opened.set(key, files);
    const { count, first } = files.leftOut;
    const rows = every
      ? `${count} of ${files.count} rows cannot be asked and count as wrong`
      : `${count} of ${count + files.count} rows are left out`;
    if (count > 0) warnOnce(reporter, `${key}: ${rows}; ${first}. List all with: pyvision data check`);
    return files;
  };
  const nothing = (what: string, remedy: string) => (): never => {
    throw new ConfigError(`tasks.type: data files have ${what}; ${remedy}`);
  };
  return {
    tasks: (split: Split): TaskSource => {
      const { heldOut } = config;
      const apart = split !== "train" && heldOut !== undefined;
      // Only `pyvision eval --tasks` asks for all rows.
      const every = apart && config.brokenRows === "counted";
      const paths = apart ? heldOut : config.path;
      const files = open(paths, every ? "--tasks" : apart ? "tasks.heldOut" : "tasks.path", every);
      const name = [paths].flat().map((path) => basename(path, extname(path)));
      const part = apart || heldOut !== undefined ? "all" : split;
      const source = every
        ? { name: name.join("+"), size: files.count, at: (index: number) => files.at(index) }
        : splitSource(files, name.join("+"), part, shares, seed);
      if (source.size > 0) return config.media === "none" ? withoutMediaSource(source) : source;
      throw new ConfigError(
        `tasks.split: leaves ${split} no row of ${files.count}; set the shares otherwise, give tasks.heldOut, or evaluate ` +
          "on another evaluation.split",
      );
    },
    grade: (answer: string, truth: string, kind: string) =>
      isNumericSource(kind) ? gradeNumber(answer, truth, LEAST_OF_FILES) : gradeAnswer(answer, truth),
    isNumeric: isNumericSource,
    corpus: nothing("no corpus for a tokenizer", "pretrain on a mini world, e.g. tasks.type=world"),
    pretrainSegments: nothing(
      "no sequences to pretrain on",
      "pretrain on a mini world, e.g. tasks.type=world",
    ),
    teacher: nothing("no scripted teacher", "fine-tune on dialogues: sft.data, which `pyvision synth` makes"),
    close: (): void => {
      for (const files of opened.values()) files.close();
      opened.clear();
    },
  };
}

function withoutMediaSource(source: TaskSource): TaskSource {
  return {
    ...source,
    at: (index) => {
      const { id, kind, question, answer } = source.at(index);
      return { id, kind, question, answer, images: [] };
    },
  };
}

const told = new WeakMap<Reporter, Set<string>>();

/** An evaluation opens its file to plan, to ask, and for each control. */
function warnOnce(reporter: Reporter, text: string): void {
  const texts = told.get(reporter) ?? new Set();
  told.set(reporter, texts);
  if (texts.has(text)) return;
  texts.add(text);
  reporter.warn(text);
}
