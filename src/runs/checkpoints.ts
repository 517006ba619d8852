// The checkpoints a run can be continued from: folders `step-000012` that are complete or absent. A checkpoint is written
// beside its place, every file of it is synced, and only then it gets its name; checksums tell later whether it is still
// what was written. One that is damaged is passed over with a reason, and the one before it is used.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { DataError } from "../core/errors.ts";
import { diskRemedy } from "./diskErrors.ts";

const MANIFEST = "checksums.json";
const STATE = "loop.json";

const manifestSchema = z.strictObject({
  version: z.literal(1),
  files: z.record(z.string(), z.strictObject({ bytes: z.int().min(0), sha256: z.string().length(64) })),
});

export interface SavedCheckpoint {
  readonly step: number;
  /** Absolute. Holds what the engine wrote, beside the state. */
  readonly dir: string;
  /** What the loop had to remember, as it was given to `save`. */
  readonly state: unknown;
}

export interface SaveOptions {
  readonly step: number;
  /** Anything that survives JSON. */
  readonly state: unknown;
  /** Writes the engine's part into an existing empty folder. */
  readonly write: (dir: string) => Promise<void>;
  /** Whole checkpoints that stay, this one included; 0 keeps all. */
  readonly keep: number;
}

/**
 * @returns the checkpoint's folder
 * @throws DataError when it cannot be written (a full disk, a folder that is read-only); those before it are intact then
 */
export async function saveCheckpoint(parent: string, options: SaveOptions): Promise<string> {
  const dir = join(parent, checkpointName(options.step));
  await writeFolder(dir, async (aside) => {
    await options.write(aside);
    await writeFile(join(aside, STATE), `${JSON.stringify(options.state)}\n`);
    await writeManifest(aside);
  });
  await prune(parent, options.keep);
  return dir;
}

/**
 * A folder that is whole or absent, or, where there was one, the old or the new one.
 * @param write fills an existing empty folder
 * @throws DataError when it cannot be written
 */
export async function writeFolder(dir: string, write: (aside: string) => Promise<void>): Promise<void> {
  const aside = join(dirname(dir), `.${basename(dir)}.${process.pid}.tmp`);
  try {
    await rm(aside, { recursive: true, force: true });
    await mkdir(aside, { recursive: true });
    await write(aside);
    await syncAll(aside);
    await replaceDirectory(aside, dir);
  } catch (error) {
    await rm(aside, { recursive: true, force: true }).catch(() => undefined);
    throw cannotWrite(dir, error);
  }
}

/** Takes the checkpoint of one step away. */
export async function removeCheckpoint(parent: string, step: number): Promise<void> {
  const dir = join(parent, checkpointName(step));
  if ((await stat(dir).catch(() => undefined)) !== undefined) await retire(dir);
}

/**
 * Gives checkpoints after `lastStep` other names (`damaged-step-000012`): they are not what the run goes on from, and would
 * count among those that are kept.
 */
export async function setAside(parent: string, lastStep: number): Promise<void> {
  for (const step of await stepsIn(parent)) {
    if (step <= lastStep) continue;
    const aside = join(parent, `damaged-${checkpointName(step)}`);
    await rm(aside, { recursive: true, force: true });
    await rename(join(parent, checkpointName(step)), aside);
  }
}

/**
 * The newest checkpoint that is whole.
 * @param onDamaged told why another one was passed over
 */
export async function latestCheckpoint(
  parent: string,
  onDamaged: (reason: string) => void,
): Promise<SavedCheckpoint | undefined> {
  for (const step of (await stepsIn(parent)).reverse()) {
    const dir = join(parent, checkpointName(step));
    try {
      await verifyCheckpoint(dir);
      const state: unknown = JSON.parse(await readFile(join(dir, STATE), "utf8"));
      return { step, dir, state };
    } catch (error) {
      onDamaged(error instanceof Error ? error.message : String(error));
    }
  }
  return undefined;
}

/** @throws DataError naming the file that is missing, too short or long, or not what was written */
export async function verifyCheckpoint(dir: string): Promise<void> {
  const refuse = (what: string): never => {
    throw new DataError(`checkpoint ${dir}: ${what}; it is damaged and cannot be used`);
  };
  const text = await readFile(join(dir, MANIFEST), "utf8").catch(() => refuse(`${MANIFEST} is missing`));
  const parsed = manifestSchema.safeParse(parseJson(text));
  if (!parsed.success) return refuse(`${MANIFEST} is not what was written`);
  for (const [name, { bytes, sha256 }] of Object.entries(parsed.data.files)) {
    const path = join(dir, name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) return refuse(`${name} is missing`);
    if (found.size !== bytes) return refuse(`${name} has ${found.size} bytes and was written with ${bytes}`);
    if ((await hashFile(path)) !== sha256) return refuse(`${name} is not what was written (SHA-256)`);
  }
}

/** Removes what a process that was killed left half written or half removed. Only for the one process that writes here. */
export async function clearUnfinished(parent: string): Promise<void> {
  for (const name of await namesIn(parent))
    if (/^\.(step-\d+|final)\..*(tmp|old)$/.test(name))
      await rm(join(parent, name), { recursive: true, force: true });
}

/** `step-000012` sorts as the steps do. */
export function checkpointName(step: number): string {
  return `step-${String(step).padStart(6, "0")}`;
}

async function stepsIn(parent: string): Promise<number[]> {
  return (await namesIn(parent))
    .flatMap((name) => /^step-(\d{6,})$/.exec(name)?.slice(1).map(Number) ?? [])
    .sort((a, b) => a - b);
}

async function namesIn(parent: string): Promise<string[]> {
  return readdir(parent).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
}

/** Renamed first, so that no moment leaves half a checkpoint under a checkpoint's name. */
async function prune(parent: string, keep: number): Promise<void> {
  if (keep === 0) return;
  for (const step of (await stepsIn(parent)).slice(0, -keep))
    await retire(join(parent, checkpointName(step)));
}

async function retire(dir: string): Promise<void> {
  const old = join(dirname(dir), `.${basename(dir)}.${process.pid}.old`);
  await rm(old, { recursive: true, force: true });
  await rename(dir, old);
  await rm(old, { recursive: true, force: true });
}

async function replaceDirectory(aside: string, dir: string): Promise<void> {
  if ((await stat(dir).catch(() => undefined)) !== undefined) await retire(dir);
  await rename(aside, dir);
  await sync(dirname(dir));
}

async function writeManifest(dir: string): Promise<void> {
  const files: Record<string, { bytes: number; sha256: string }> = {};
  for (const name of await filesBelow(dir)) {
    const path = join(dir, name);
    files[name] = { bytes: (await stat(path)).size, sha256: await hashFile(path) };
  }
  await writeFile(join(dir, MANIFEST), `${JSON.stringify({ version: 1, files }, null, 2)}\n`);
}

/** Paths relative to `dir`, in order. */
async function filesBelow(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true });
  const below = await Promise.all(
    entries.map(async (entry) =>
      entry.isDirectory()
        ? (await filesBelow(join(dir, entry.name))).map((name) => `${entry.name}/${name}`)
        : [entry.name],
    ),
  );
  return below.flat().sort();
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}

async function syncAll(dir: string): Promise<void> {
  for (const name of await filesBelow(dir)) await sync(join(dir, name));
  await sync(dir);
}

/** Some file systems cannot sync a folder; they say EINVAL or EPERM and order renames themselves. */
async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } catch (error) {
    if (!["EINVAL", "EPERM", "ENOTSUP"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  } finally {
    await handle.close();
  }
}

function cannotWrite(dir: string, error: unknown): unknown {
  const remedy = diskRemedy(error);
  if (remedy === undefined) return error;
  return new DataError(
    `checkpoint ${dir} cannot be written, ${remedy}; earlier checkpoints are intact, the same command goes on from ` +
      `the last of them (${(error as Error).message})`,
    { cause: error },
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
