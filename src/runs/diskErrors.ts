// What a file system says when it cannot do what a run asks, in words that help: which path, why, and what to do.
import { DataError, PyVisionError } from "../core/errors.ts";

const REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full: free some space",
  EDQUOT: "the disk quota is used up: free some space",
  EROFS: "the file system is read-only: name a directory elsewhere",
  EACCES: "this user may not write there: change its permissions, or name a directory elsewhere",
  EPERM: "this user may not write there: change its permissions, or name a directory elsewhere",
  ENOTDIR: "a part of the path is a file: name a directory elsewhere",
};

/** Why and what to do; undefined for what is no fault of disk or permissions. Looks at causes, too. */
export function diskRemedy(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const remedy = REMEDIES[(at as NodeJS.ErrnoException).code ?? ""];
    if (remedy !== undefined) return remedy;
  }
  return undefined;
}

/**
 * The error to show instead of a bare one of the file system.
 * @param dir of the run
 * @param next what holds then, e.g. which checkpoint is intact
 */
export function explainDiskError(error: unknown, dir: string, next: string): unknown {
  if (error instanceof PyVisionError) return error; // has said it already
  const remedy = diskRemedy(error);
  if (remedy === undefined) return error;
  const { path = dir, message } = error as NodeJS.ErrnoException;
  return new DataError(`${path} cannot be written, ${remedy}; ${next} (${message})`, { cause: error });
}
