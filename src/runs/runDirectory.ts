// The folder a run leaves behind:
//   config.yaml     the resolved config
//   metrics.jsonl   one record a step
//   trajectories/   some trajectories of each step, with their pictures
//   checkpoints/    one folder a checkpoint
//   run.json        what it was begun with (runRecord.ts)
//   lock.json       who writes it, while somebody does (runLock.ts)
//   summary.json    the results, written at the end: a run without it can be continued
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { ConfigError } from "../core/errors.ts";
import { dumpConfig, type ResolvedConfig } from "./config.ts";
import { makeFolder, writeFileAtomic } from "./files.ts";
import { appendMetrics, readMetrics, truncateMetrics, type MetricsRecord } from "./metrics.ts";
import { strategyLogName, truncateStrategy } from "./strategyLog.ts";
import { openTrajectoryStore, type TrajectoryStore } from "./trajectoryStore.ts";

export interface RunDirectory {
  /** Absolute. */
  readonly path: string;
  readonly name: string;
  readonly trajectories: TrajectoryStore;
  /** Replaces config.yaml, when only the run itself could tell what it starts from. */
  writeConfig(config: ResolvedConfig): void;
  appendMetrics(record: MetricsRecord): void;
  readMetrics(): MetricsRecord[];
  /** Absolute path for a checkpoint of this name; its parent exists, itself it is made by the engine. */
  checkpointPath(name: string): string;
  /** Absolute path of any other file of the run, e.g. `curves.svg`. */
  filePath(name: string): string;
  /** Replaces a file of the run in one step. */
  writeFile(name: string, data: string | Uint8Array): void;
  /** Replaces summary.json in one step. Keys stay in the order given. */
  writeSummary(summary: unknown): void;
  /** undefined when the run has none. */
  readSummary(): unknown;
  /** Forgets what was logged after `lastStep`, and what a killed process left half written. -1: everything. */
  cutBack(lastStep: number): void;
}

export interface CreateRunOptions {
  /** The folder itself (`--run`). Without it a new folder under `root` is named `name` and numbered. */
  readonly dir?: string;
  /** The config's name by default. */
  readonly name?: string;
  /** Parent of named runs; `runs` in the working directory by default. */
  readonly root?: string;
  /** Lets a finished or broken run in `dir` be removed first. Never touches a folder that is not a run. */
  readonly overwrite?: boolean;
}

/**
 * Makes the folder of a new run and writes its config.yaml.
 * @throws ConfigError when `dir` already holds something and may not be replaced
 */
export function createRun(config: ResolvedConfig, options: CreateRunOptions = {}): RunDirectory {
  const path =
    options.dir === undefined
      ? makeNumbered(resolve(options.root ?? "runs"), options.name ?? config.name)
      : makeGiven(resolve(options.dir), options.overwrite ?? false);
  mkdirSync(join(path, "checkpoints"), { recursive: true });
  writeFileAtomic(join(path, "config.yaml"), dumpConfig(config));
  return runAt(path);
}

/**
 * The run in an existing folder.
 * @throws ConfigError when the folder holds no run
 */
export function openRun(dir: string): RunDirectory {
  const path = resolve(dir);
  if (!existsSync(join(path, "config.yaml")))
    throw new ConfigError(`--run ${dir}: holds no run (there is no ${join(path, "config.yaml")})`);
  return runAt(path);
}

function runAt(path: string): RunDirectory {
  const metricsPath = join(path, "metrics.jsonl");
  const filePath = (name: string): string => join(path, name);
  const trajectories = openTrajectoryStore(join(path, "trajectories"));
  return {
    path,
    name: basename(path),
    trajectories,
    writeConfig: (config) => writeFileAtomic(filePath("config.yaml"), dumpConfig(config)),
    appendMetrics: (record) => appendMetrics(metricsPath, record),
    readMetrics: () => readMetrics(metricsPath),
    checkpointPath: (name) => join(path, "checkpoints", name),
    filePath,
    writeFile: (name, data) => writeFileAtomic(filePath(name), data),
    writeSummary: (summary) =>
      writeFileAtomic(filePath("summary.json"), `${JSON.stringify(summary, null, 2)}\n`),
    readSummary: () =>
      existsSync(filePath("summary.json"))
        ? (JSON.parse(readFileSync(filePath("summary.json"), "utf8")) as unknown)
        : undefined,
    cutBack: (lastStep) => {
      truncateMetrics(metricsPath, lastStep);
      truncateStrategy(filePath(strategyLogName), lastStep);
      trajectories.cutBack(lastStep);
      for (const entry of readdirSync(path))
        if (entry.endsWith(".tmp")) rmSync(join(path, entry), { force: true });
    },
  };
}

/** `name`, or else `name-2`, `name-3`, …: the first that mkdir does not find taken, so two runs never share one. */
function makeNumbered(root: string, name: string): string {
  makeFolder(root);
  for (let number = 1; ; number++) {
    const path = join(root, number === 1 ? name : `${name}-${number}`);
    try {
      mkdirSync(path);
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

/** What a run writes before it does anything. */
const BEGINNINGS = ["checkpoints", "config.yaml", "run.json", "lock.json"];

/** Whether the folder holds a run that ended before it did anything, and nothing else. */
function isUnused(path: string, found: readonly string[]): boolean {
  return (
    found.every((entry) => BEGINNINGS.includes(entry) || entry.endsWith(".tmp")) &&
    found.includes("checkpoints") &&
    readdirSync(join(path, "checkpoints")).length === 0
  );
}

function makeGiven(path: string, overwrite: boolean): string {
  makeFolder(path);
  const found = readdirSync(path);
  if (found.length === 0) return path;
  if (isUnused(path, found)) return path;
  const isRun = found.includes("config.yaml") && found.includes("checkpoints");
  if (!overwrite)
    throw new ConfigError(
      `--run ${path}: already holds ${isRun ? "a run" : `files (${found.slice(0, 3).join(", ")})`}; ` +
        (isRun
          ? "name another directory, or give --overwrite to replace it"
          : "name an empty or new directory"),
    );
  if (!isRun)
    throw new ConfigError(
      `--run ${path}: --overwrite replaces runs only, and this directory is not one (it holds ` +
        `${found.slice(0, 3).join(", ")}, not config.yaml and checkpoints); name another directory`,
    );
  for (const entry of found) rmSync(join(path, entry), { recursive: true, force: true });
  return path;
}
