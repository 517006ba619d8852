// The life of a stage in its run directory: where it goes on after a kill, when it saves, when it stops. All stages that
// train use it in the same order: open, restore the engine, stepDone after every step, saveFinal, close when the summary is there.
import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { DataError, Interrupted } from "../../core/errors.ts";
import type { Reporter } from "../../core/reporter.ts";
import type { Engine } from "../../engines/engine.ts";
import {
  clearUnfinished,
  latestCheckpoint,
  removeCheckpoint,
  saveCheckpoint,
  setAside,
  writeFolder,
} from "../../runs/checkpoints.ts";
import type { RunDirectory } from "../../runs/runDirectory.ts";
import { readRecord } from "../../runs/runRecord.ts";
import { strategyLogName } from "../../runs/strategyLog.ts";
import { neverStops, type StopRequest } from "./stopRequest.ts";

/** What a command hands to its stage beside config and run directory. */
export interface StageContext {
  /** `train` only: make the base and SFT checkpoints first, inside the run directory. */
  readonly fromScratch?: boolean;
  readonly stop?: StopRequest | undefined;
}

export interface LifeOptions {
  readonly stage: "train" | "sft" | "pretrain";
  readonly run: RunDirectory;
  readonly reporter: Reporter;
  readonly cadence: {
    /** Steps between checkpoints; 0: none but at the end and when asked to stop. */
    readonly saveEvery: number;
    /** Checkpoints that stay; 0 keeps all. */
    readonly keepCheckpoints: number;
  };
  readonly stop?: StopRequest | undefined;
}

type Stateful = Pick<Engine, "saveState" | "loadState">;

/** Where a stage goes on. */
export interface Continuation<S> {
  /** Steps done. */
  readonly step: number;
  /** What the engine saved. */
  readonly dir: string;
  readonly state: S;
}

/** `S` is what the stage remembers beside the engine: plain JSON. */
export interface StageLife<S> {
  /** undefined: at the beginning. */
  readonly from: Continuation<S> | undefined;
  /** Times this run was continued; undefined where no command began it. */
  readonly resumed: number | undefined;
  /** Between two pieces of work that belong to no step. @throws Interrupted when the run is to stop */
  check(this: void): void;
  /** Before the first step: a point to go on from, unless checkpoints are for the end only. */
  saveStart(engine: Stateful, state: S): Promise<void>;
  /** Saves when it is time to, after the last step always. @throws Interrupted when the run is to stop, after saving */
  stepDone(engine: Stateful, step: number, steps: number, state: () => S): Promise<void>;
  /** Writes the folder of the result, which is whole or absent. @returns it */
  saveFinal(write: (dir: string) => Promise<void>): Promise<string>;
  /** The summary is written: the checkpoint of the last step, which the result repeats, goes. */
  close(): Promise<void>;
}

/** @throws DataError when the newest whole checkpoint is of another stage or version */
export async function openLife<S>({
  stage,
  run,
  reporter,
  cadence: { saveEvery, keepCheckpoints: keep },
  stop = neverStops,
}: LifeOptions): Promise<StageLife<S>> {
  const parent = run.checkpointPath("");
  await clearUnfinished(parent);
  const found = await latestCheckpoint(parent, (reason) => reporter.warn(`${reason}; using the one before`));
  const from = found && { ...found, state: stateOf<S>(found.state, stage, found.dir) };
  await setAside(parent, from?.step ?? -1);
  run.cutBack(from?.step ?? -1);
  if (from !== undefined) reporter.info(`${stage}: going on after step ${from.step}`);

  let saved = from?.step;
  const save = async (engine: Stateful, step: number, state: S): Promise<void> => {
    // What stands in the logs is on the disk before the checkpoint that counts on it.
    for (const name of ["metrics.jsonl", strategyLogName]) await syncFile(run.filePath(name));
    const write = (dir: string): Promise<void> => engine.saveState(dir);
    await saveCheckpoint(parent, { step, keep, state: { version: 1, stage, state }, write });
    saved = step;
  };
  const check = (): void => {
    if (!stop.asked) return;
    throw new Interrupted(
      saved === undefined
        ? `stopped before ${stage} had anything to save; the same command begins it again in ${run.path}`
        : `stopped; ${run.path} is saved up to step ${saved} of ${stage}, and the same command goes on from there`,
    );
  };
  return {
    from,
    resumed: readRecord(run.path)?.resumed,
    check,
    saveStart: async (engine, state) => {
      if (saved === undefined && saveEvery > 0) await save(engine, 0, state);
      check();
    },
    stepDone: async (engine, step, steps, state) => {
      const due = step === steps || stop.asked || (saveEvery > 0 && step % saveEvery === 0);
      if (due && saved !== step) await save(engine, step, state());
      check();
    },
    saveFinal: async (write) => {
      const dir = run.checkpointPath("final");
      await writeFolder(dir, write);
      return dir;
    },
    close: async () => {
      if (saved !== undefined) await removeCheckpoint(parent, saved);
    },
  };
}

function stateOf<S>(stored: unknown, stage: string, dir: string): S {
  const { version, stage: of, state } = stored as { version?: unknown; stage?: unknown; state?: unknown };
  if (version === 1 && of === stage) return state as S; // the checksums say that it is what was written
  throw new DataError(
    `checkpoint ${dir}: is of stage ${JSON.stringify(of)}, version ${JSON.stringify(version)}; ${stage} reads its own of ` +
      "version 1: continue with the command and the version that began the run, or begin another",
  );
}

async function syncFile(path: string): Promise<void> {
  if (!existsSync(path)) return;
  const file = await open(path, "r");
  await file.datasync().finally(() => file.close());
}
