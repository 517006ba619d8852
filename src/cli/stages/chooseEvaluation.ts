// Which folder an evaluation writes: the one that was begun with the same settings, over or not, or a new one.
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { ConfigError } from "../../core/errors.ts";
import {
  evaluationDifferences,
  type EvaluationRun,
  readEvaluationRun,
  writeEvaluationRun,
} from "../../evaluation/evaluationRun.ts";
import type { ResolvedConfig } from "../../runs/config.ts";
import { explainDiskError } from "../../runs/diskErrors.ts";
import { createRun, openRun, type RunDirectory } from "../../runs/runDirectory.ts";
import { isLocked, lockRun, type RunLock } from "../../runs/runLock.ts";
import { differencesFrom, newRecord, readRecord, writeRecord } from "../../runs/runRecord.ts";

export interface ChooseEvaluationOptions {
  readonly config: ResolvedConfig;
  readonly evaluation: EvaluationRun;
  /** `--out`. */
  readonly dir?: string;
  /** Parent of folders that are named by the config; `runs` in the working directory by default. */
  readonly root?: string;
  /** `--new`: nothing is continued. */
  readonly anew: boolean;
}

export interface ChosenEvaluation {
  readonly run: RunDirectory;
  readonly lock: RunLock;
  /** What was begun with; `isolation` of an earlier start. */
  readonly evaluation: EvaluationRun;
  /** For a person. */
  readonly said: string;
}

/** @throws ConfigError when a process writes in `dir`, or what it holds was begun otherwise */
export function chooseEvaluation(options: ChooseEvaluationOptions): ChosenEvaluation {
  const { config, dir, root = "runs", anew } = options;
  try {
    if (dir !== undefined) return chooseGiven(options, resolve(dir));
    for (const found of anew ? [] : newestFirst(resolve(root), config.name))
      if (differences(found, options)?.length === 0 && !isLocked(found)) return goOn(found, options);
    return begin(options, { root: resolve(root), name: config.name });
  } catch (error) {
    throw explainDiskError(error, resolve(dir ?? root), "nothing was begun");
  }
}

function chooseGiven(options: ChooseEvaluationOptions, dir: string): ChosenEvaluation {
  if (isLocked(dir)) lockRun(dir, "--out"); // says who writes it
  const isEvaluation = readRecord(dir)?.stage === STAGE;
  if (!isEvaluation || options.anew) return begin(options, { dir, overwrite: isEvaluation });
  const found = differences(dir, options) ?? [];
  if (found.length === 0) return goOn(dir, options);
  throw new ConfigError(
    `--out ${dir}: holds an evaluation that was begun otherwise: ${found.join("; ")}. Give the command that began it, name ` +
      "another directory, or give --new to replace it",
  );
}

/**
 * undefined when the folder holds no evaluation.
 * @throws ConfigError when it has answers of the same config and cannot say what they are to
 */
function differences(
  dir: string,
  { config, evaluation, dir: given }: ChooseEvaluationOptions,
): string[] | undefined {
  const record = readRecord(dir);
  if (record?.stage !== STAGE) return undefined;
  const ofConfig = differencesFrom(record, { stage: STAGE, fromScratch: false, config });
  if (ofConfig.length > 0 && given === undefined) return ofConfig; // another evaluation's
  const before = readEvaluationRun(dir);
  return [...ofConfig, ...(before === undefined ? [] : evaluationDifferences(before, evaluation))];
}

const STAGE = "eval";

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

function begin(
  { config, evaluation }: ChooseEvaluationOptions,
  where: Parameters<typeof createRun>[1],
): ChosenEvaluation {
  const run = createOut(config, where);
  const lock = lockRun(run.path, "--out");
  // In this order: a folder whose evaluation.json a kill kept from being written is known all the same.
  writeRecord(run.path, newRecord({ stage: STAGE, fromScratch: false, config }));
  writeEvaluationRun(run.path, evaluation);
  return { run, lock, evaluation, said: `evaluation in ${run.path}` };
}

/** `createRun` speaks of the options of the commands that train. */
function createOut(config: ResolvedConfig, where: Parameters<typeof createRun>[1]): RunDirectory {
  try {
    return createRun(config, where);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const said = error.message.replace(/^--run /, "--out ").replace(/; name an.*$/, "");
    throw new ConfigError(`${said}; name another directory, or one that is empty`, { cause: error });
  }
}

function goOn(dir: string, { evaluation }: ChooseEvaluationOptions): ChosenEvaluation {
  const lock = lockRun(dir, "--out");
  const before = readEvaluationRun(dir);
  if (before === undefined) writeEvaluationRun(dir, evaluation);
  return {
    run: openRun(dir),
    lock,
    evaluation: before ?? evaluation,
    said: `continuing ${dir} (--new begins anew)`,
  };
}
