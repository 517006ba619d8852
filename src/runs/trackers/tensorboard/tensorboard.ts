// The TensorBoard tracker: event files in a folder of the run, readable while the run goes on.
import { mkdirSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { flattenConfig, type PlainValue } from "../flatten.ts";
import { histogramOf } from "../histogram.ts";
import {
  TrackerError,
  type Opened,
  type Outcome,
  type TrackedRun,
  type Tracker,
  type Update,
} from "../tracker.ts";
import { restartEvent, summaryEvent, versionEvent, type SummaryValue } from "./event.ts";
import {
  EventFile,
  eventFiles,
  newEventFileName,
  repairEventFiles,
  type EventFileHandle,
} from "./eventFile.ts";

export interface TensorBoardOptions {
  /** Log directory that several runs share; `tensorboard` in the run's own folder when left out. */
  readonly dir?: string;
  now(): number;
  /** Opens a new file for writing; Node's by default. */
  readonly openFile?: (path: string) => Promise<EventFileHandle>;
}

/** Tag of the text that describes the run, and first value of its event. */
const CONFIG = "config";

/** Sections of the config that a stage's hyper-parameters are taken from. */
const SECTIONS = {
  pretrain: ["seed", "pretrain"],
  sft: ["seed", "sft", "agent"],
  train: ["seed", "train", "selection", "advantage", "optimizer", "reward", "agent", "sampling"],
} as const;

export function tensorBoardTracker(options: TensorBoardOptions): Tracker {
  const openFile = options.openFile ?? ((path) => open(path, "wx"));
  let dir: string | undefined;
  let file: EventFile | undefined;

  const begin = async (run: TrackedRun): Promise<Opened> => {
    dir ??= folderOf(run, options.dir);
    mkdirSync(dir, { recursive: true });
    const { lastStep, has } = repairEventFiles(dir, run.resumeFrom);
    const isNew = !has(CONFIG);
    const now = options.now();
    const path = join(dir, newEventFileName(dir, now));
    const opening = new EventFile(await openFile(path));
    try {
      await opening.append(versionEvent(now));
      if (run.resumeFrom > 0) await opening.append(restartEvent(now, lastStep + 1));
      if (isNew) await opening.append(summaryEvent(now, 0, describe(run, now)));
    } catch (error) {
      await opening.close().catch(() => {});
      rmSync(path, { force: true });
      throw error;
    }
    file = opening;
    const logdir = options.dir === undefined ? dir : resolve(options.dir);
    return { where: `tensorboard --logdir ${typedPath(logdir)}`, lastStep, memory: { dir } };
  };

  return {
    type: "tensorboard",
    open: (run) =>
      begin(run).catch((error: unknown) => {
        throw diskError(error);
      }),
    write: async (update) => {
      try {
        await file?.append(summaryEvent(update.timeMs, update.step, valuesOf(update)));
      } catch (error) {
        throw diskError(error);
      }
    },
    close: async (outcome, timeMs) => {
      const closing = file;
      file = undefined;
      try {
        await closing?.append(summaryEvent(timeMs, 0, [endOf(outcome, timeMs)]));
      } finally {
        await closing?.close();
      }
    },
  };
}

/** A new run takes a folder that holds no event files, so that two runs never share one. */
function folderOf(run: TrackedRun, logdir: string | undefined): string {
  const remembered = run.before?.memory["dir"];
  if (run.resumeFrom > 0 && remembered !== undefined) return remembered;
  const wanted = logdir === undefined ? join(run.path, "tensorboard") : resolve(logdir, run.name);
  if (run.resumeFrom > 0) return wanted;
  for (let number = 1; ; number++) {
    const dir = number === 1 ? wanted : `${wanted}-${number}`;
    mkdirSync(dir, { recursive: true });
    if (eventFiles(dir).length === 0) return dir;
  }
}

function describe(run: TrackedRun, timeMs: number): SummaryValue[] {
  const config = flattenConfig(run.config);
  const rows = Object.entries(config).map(([key, value]) => `| ${cell(key)} | ${cell(String(value))} |`);
  const tags = run.tags.length === 0 ? "" : `\n\nTags: ${run.tags.map(cell).join(", ")}`;
  const markdown = `**${cell(run.name)}**, stage \`${run.stage}\`${tags}\n\n| key | value |\n| --- | --- |\n${rows.join("\n")}`;
  const sections: readonly string[] = SECTIONS[run.stage];
  const values = Object.fromEntries(
    Object.entries(config).filter(([key]) => sections.includes(key.split(".")[0] as string)),
  ) satisfies Record<string, PlainValue>;
  return [
    { type: "text", tag: CONFIG, markdown },
    { type: "hparams", values, group: run.name, startMs: timeMs },
  ];
}

function endOf(outcome: Outcome, endMs: number): SummaryValue {
  return { type: "hparamsEnd", success: outcome === "finished", endMs };
}

function valuesOf(update: Update): SummaryValue[] {
  switch (update.type) {
    case "metrics":
      return Object.entries(update.values).map(([tag, value]) => ({ type: "scalar", tag, value }));
    case "image": {
      const { png, width, height, caption } = update;
      return [{ type: "image", tag: update.name, png, width, height, description: caption }];
    }
    case "histogram":
      return [{ type: "histogram", tag: update.name, histogram: histogramOf(update.values) }];
    case "text":
      return [{ type: "text", tag: update.name, markdown: update.markdown }];
  }
}

/** As one would type it in the working directory. */
function typedPath(path: string): string {
  const near = relative(process.cwd(), path) || ".";
  const shown = near.startsWith("..") ? path : near;
  return /^[\w./@%+:,-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

function diskError(error: unknown): TrackerError {
  const { code, message } = error as NodeJS.ErrnoException;
  const remedy =
    code === "ENOSPC" || code === "EDQUOT"
      ? "free some space"
      : code === "EACCES" || code === "EPERM" || code === "EROFS"
        ? "make the folder writable, or name another in logging.trackers"
        : "see that the folder can be written";
  return new TrackerError("retry", `event files cannot be written: ${message}; ${remedy}`, { cause: error });
}
