// The runs that the viewer was given: folders named on the command line, or every run of a runs folder. Addresses name a
// run by its key, which is looked up here and never becomes part of a path.
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { ConfigError } from "../core/errors.ts";
import type { RunList, RunListing } from "./protocol.ts";
import { openRunData, type RunData } from "./runData.ts";

export interface RunCollection {
  /** Looks for new runs in the runs folder, and for news in every run that is listed. */
  list(): RunList;
  get(key: string): RunData | undefined;
  /** Opened so far, hence worth watching. */
  opened(): readonly RunData[];
}

/**
 * @param dirs folders of runs; none: those in `root`
 * @throws ConfigError when a folder holds no run
 */
export function openRuns(dirs: readonly string[], root: string, now?: () => number): RunCollection {
  const runs = new Map<string, RunData>();
  const opened = new Set<RunData>();
  const byPath = new Map<string, RunData>();

  const add = (path: string): RunData => {
    const known = byPath.get(path);
    if (known !== undefined) return known;
    const run = openRunData(path, freeKey(path, runs), now);
    runs.set(run.key, run);
    byPath.set(path, run);
    return run;
  };

  const chosen = dirs.map((dir) => {
    const path = resolve(dir);
    if (!isRun(path))
      throw new ConfigError(
        `view ${dir}: holds no run (neither ${join(path, "config.yaml")} nor metrics.jsonl is there)`,
      );
    return add(path).key;
  });

  const scan = (): void => {
    if (dirs.length > 0 || !existsSync(root)) return;
    const present = readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
      .map((entry) => resolve(root, entry.name))
      .filter(isRun);
    for (const path of present) add(path);
    for (const [path, run] of byPath)
      if (!present.includes(path)) {
        byPath.delete(path);
        runs.delete(run.key);
        opened.delete(run);
      }
  };

  return {
    list: () => {
      scan();
      const listings = [...runs.values()].map((run): RunListing => {
        run.update();
        return run.listing();
      });
      listings.sort((a, b) => b.updatedAt - a.updatedAt);
      return { runs: listings, chosen, ...(dirs.length === 0 && { root: resolve(root) }) };
    },
    get: (key) => {
      const run = runs.get(key);
      if (run !== undefined) opened.add(run);
      return run;
    },
    opened: () => [...opened],
  };
}

function isRun(path: string): boolean {
  return existsSync(join(path, "config.yaml")) || existsSync(join(path, "metrics.jsonl"));
}

/** The folder's name; with its parent's, or a number, when that is taken. */
function freeKey(path: string, taken: ReadonlyMap<string, unknown>): string {
  const clean = (text: string): string => text.replace(/[^A-Za-z0-9._-]+/g, "-") || "run";
  const short = clean(basename(path));
  const long = `${clean(basename(dirname(path)))}.${short}`;
  const numbered = (n: number): string => (taken.has(`${long}.${n}`) ? numbered(n + 1) : `${long}.${n}`);
  return [short, long].find((key) => !taken.has(key)) ?? numbered(2);
}
