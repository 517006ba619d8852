// Verdicts that were paid for once, in a file that grows by a line each. A line holds a digest of all that was asked, never
// a question, a reference or an answer: while a model is in training its programs must find no answers anywhere.
import { createHash } from "node:crypto";
import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../../core/errors.ts";
import type { Verdict } from "../verdict.ts";

export interface VerdictCache {
  get(key: string): Verdict | undefined;
  /** Keeps the first verdict of a key. */
  set(key: string, verdict: Verdict): void;
}

/** A digest of everything a verdict depends on. Objects must come with their keys in one order. */
export const cacheKey = (asked: unknown): string =>
  createHash("sha256").update(JSON.stringify(asked)).digest("hex").slice(0, 40);

export function memoryCache(): VerdictCache {
  const verdicts = new Map<string, Verdict>();
  return {
    get: (key) => verdicts.get(key),
    set: (key, verdict) => void (verdicts.has(key) || verdicts.set(key, verdict)),
  };
}

const LINE = /^([0-9a-f]{40}) (right|wrong|unknown)$/;

/**
 * `verdicts.txt` in this folder. Lines are appended whole, so that processes may share it; a line that a crash cut short is
 * passed over. Of two lines of one key the first holds.
 * @throws DataError when the folder cannot be written
 */
export function fileCache(folder: string): VerdictCache {
  const file = join(folder, "verdicts.txt");
  const memory = memoryCache();
  const failed = (error: unknown): never => {
    const why = error instanceof Error ? error.message : String(error);
    throw new DataError(
      `reward.judge.cache: ${file} cannot be used (${why}); name another folder, or "off"`,
      {
        cause: error,
      },
    );
  };
  let cut = false;
  try {
    mkdirSync(folder, { recursive: true });
    const lines = readIfThere(file).split("\n");
    cut = lines.at(-1) !== "";
    for (const line of lines) {
      const [, key, verdict] = LINE.exec(line) ?? [];
      if (key !== undefined) memory.set(key, verdict as Verdict);
    }
  } catch (error) {
    failed(error);
  }
  return {
    get: memory.get,
    set: (key, verdict) => {
      if (memory.get(key) !== undefined) return;
      memory.set(key, verdict);
      try {
        appendFileSync(file, `${cut ? "\n" : ""}${key} ${verdict}\n`);
        cut = false;
      } catch (error) {
        failed(error);
      }
    },
  };
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
