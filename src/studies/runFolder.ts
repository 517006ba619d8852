// Where a study keeps its runs: OUT/configs/DIGEST.yaml, OUT/runs/DIGEST (an ordinary run directory), OUT/logs/DIGEST.log, and
// OUT/origins/DIGEST.json, what the run was made with. A run is finished when its directory has a summary.
import { existsSync, openSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { dumpConfig, type ResolvedConfig } from "../runs/config.ts";
import { makeFolder, writeFileAtomic } from "../runs/files.ts";
import type { StudyRun } from "./grid.ts";

export const originSchema = z.strictObject({
  /** Of the project; "unknown" outside a clone, with "+" when tracked files were changed. */
  commit: z.string(),
  versions: z.record(z.string(), z.string()),
  machine: z.string(),
});
export type Origin = z.output<typeof originSchema>;

export interface StudyFolder {
  /** Absolute. */
  readonly path: string;
  runDir(digest: string): string;
  logPath(digest: string): string;
  /** A descriptor to close. */
  appendLog(digest: string): number;
  isFinished(run: StudyRun): boolean;
  /** The config as its run gets it, with the path of what it starts from. Written, and its path returned. */
  writeConfig(run: StudyRun): string;
  /** Adds to what the run was made with; a run that is continued elsewhere has several. */
  addOrigin(digest: string, origin: Origin): void;
  origins(digest: string): readonly Origin[];
}

export function studyFolder(path: string): StudyFolder {
  const at = (folder: string, file: string): string => join(path, folder, file);
  const write = (file: string, text: string): void => {
    makeFolder(dirname(file));
    writeFileAtomic(file, text);
  };
  const runDir = (digest: string): string => at("runs", digest);
  const configOf = ({ config, stage, needs }: StudyRun): ResolvedConfig => {
    if (needs === undefined) return config;
    const init = join(runDir(needs), "checkpoints/final");
    return stage === "sft"
      ? { ...config, sft: { ...config.sft, init } }
      : { ...config, model: { ...config.model, init } };
  };
  const origins = (digest: string): Origin[] => {
    const file = at("origins", `${digest}.json`);
    if (!existsSync(file)) return [];
    try {
      return z.array(originSchema).parse(JSON.parse(readFileSync(file, "utf8")));
    } catch {
      return []; // of another version; it only says where a run came from
    }
  };
  return {
    path,
    runDir,
    logPath: (digest) => at("logs", `${digest}.log`),
    appendLog: (digest) => {
      makeFolder(join(path, "logs"));
      return openSync(at("logs", `${digest}.log`), "a");
    },
    isFinished: ({ digest }) => existsSync(join(runDir(digest), "summary.json")),
    writeConfig: (run) => {
      const file = at("configs", `${run.digest}.yaml`);
      write(file, dumpConfig(configOf(run)));
      return file;
    },
    addOrigin: (digest, origin) => {
      const known = origins(digest);
      if (known.some((other) => JSON.stringify(other) === JSON.stringify(origin))) return;
      write(at("origins", `${digest}.json`), `${JSON.stringify([...known, origin], null, 2)}\n`);
    },
    origins,
  };
}
