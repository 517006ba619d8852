// Which folder a command writes: a new one, or that of a run that was begun with the same command and never ended. A run is
// continued by the command that began it and by no other: what differs is named.
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { ConfigError } from "../core/errors.ts";
import { explainDiskError } from "./diskErrors.ts";
import { createRun, openRun, type RunDirectory } from "./runDirectory.ts";
import { isLocked, lockRun, type RunLock } from "./runLock.ts";
import {
  differencesFrom,
  newRecord,
  readRecord,
  thisMachine,
  writeRecord,
  type RunRecord,
  type RunRequest,
} from "./runRecord.ts";

export interface ChooseRunOptions extends RunRequest {
  /** Of a run without `dir`. */
  readonly name: string;
  /** `--run`. */
  readonly dir?: string;
  /** Parent of named runs; `runs` in the working directory by default. */
  readonly root?: string;
  /** `--overwrite`: what `dir` holds is removed first. */
  readonly overwrite?: boolean;
  /** `--new`: none is continued. */
  readonly anew?: boolean;
}

export interface ChosenRun {
  readonly run: RunDirectory;
  readonly lock: RunLock;
  /** What was chosen, and why, for a person. */
  readonly said: string;
  readonly warnings: readonly string[];
}

/** @throws ConfigError when a process writes the run in `dir`, or it was begun otherwise, or may not be replaced */
export function chooseRun(options: ChooseRunOptions): ChosenRun {
  try {
    return options.dir === undefined ? chooseNamed(options) : chooseGiven(options, resolve(options.dir));
  } catch (error) {
    const { dir, root = "runs" } = options;
    throw explainDiskError(error, resolve(dir ?? root), "nothing was begun");
  }
}

function chooseGiven(options: ChooseRunOptions, dir: string): ChosenRun {
  if (isLocked(dir)) lockRun(dir); // says who writes it
  const record = unfinishedIn(dir);
  if (record === undefined || options.overwrite === true || options.anew === true)
    return begin(options, { dir, overwrite: options.overwrite ?? false });
  const differences = differencesFrom(record, options);
  if (differences.length === 0) return goOn(dir, record);
  throw new ConfigError(
    `--run ${dir}: holds a run that is not over, and that was begun otherwise: ${differences.join("; ")}. Continue it ` +
      "as it was begun, name another directory, or give --overwrite to replace it",
  );
}

function chooseNamed(options: ChooseRunOptions): ChosenRun {
  const root = resolve(options.root ?? "runs");
  const others: string[] = [];
  for (const dir of options.anew === true ? [] : newestFirst(root, options.name)) {
    const record = unfinishedIn(dir);
    if (record === undefined || differencesFrom(record, options).length > 0) continue;
    if (!isLocked(dir)) return goOn(dir, record);
    others.push(dir);
  }
  const chosen = begin(options, { root, name: options.name });
  if (others.length === 0) return chosen;
  return { ...chosen, said: `${chosen.said} (${others.join(", ")}: another process writes it)` };
}

/** The record of a run that has begun and has no summary. */
function unfinishedIn(dir: string): RunRecord | undefined {
  if (existsSync(join(dir, "summary.json")) || !existsSync(join(dir, "config.yaml"))) return undefined;
  return readRecord(dir);
}

/** Existing folders `name`, `name-2`, …, the highest number first. */
function newestFirst(root: string, name: string): string[] {
  if (!existsSync(root)) return [];
  const numbered = readdirSync(root).flatMap((entry) => {
    if (entry === name) return [{ entry, number: 1 }];
    const number = entry.startsWith(`${name}-`) ? entry.slice(name.length + 1) : "";
    return /^[1-9]\d*$/.test(number) ? [{ entry, number: Number(number) }] : [];
  });
  return numbered.sort((a, b) => b.number - a.number).map(({ entry }) => join(root, entry));
}

function begin(options: ChooseRunOptions, where: Parameters<typeof createRun>[1]): ChosenRun {
  const run = createRun(options.config, where);
  const lock = lockRun(run.path);
  writeRecord(run.path, newRecord(options));
  return { run, lock, said: `run directory: ${run.path}`, warnings: [] };
}

function goOn(dir: string, record: RunRecord): ChosenRun {
  const lock = lockRun(dir);
  writeRecord(dir, { ...record, resumed: record.resumed + 1 });
  const machine = thisMachine();
  return {
    run: openRun(dir),
    lock,
    said: `continuing ${dir}, which was not over (--new begins another)`,
    warnings:
      machine === record.machine
        ? []
        : [
            `the run was begun on ${record.machine}, and this is ${machine}: its numbers can differ in the last digits from ` +
              "those of a run that was not interrupted",
          ],
  };
}
