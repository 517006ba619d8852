// Checkpoints on disk: one folder a run (a model that was trained), in it one a checkpoint. A checkpoint is written beside
// its place and renamed, so that what is there is whole, and what was there stays until it is. Nothing is kept in memory:
// another run of the server finds the same.
//
//   STORE/<model id>/run.json
//   STORE/<model id>/weights/<name>/           weights, tokenizer, optimiser state, checkpoint.json
//   STORE/<model id>/sampler_weights/<name>/   the same without the optimiser's state
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { DataError } from "../../core/errors.ts";
import { FutureError, userError } from "./errors.ts";
import {
  type CheckpointKind,
  checkpointKinds,
  formatPath,
  isModelId,
  isPlace,
  type TinkerPath,
} from "./tinkerPath.ts";

const runSchema = z.object({
  modelId: z.string(),
  baseModel: z.string(),
  rank: z.number().nullable(),
  createdAt: z.string(),
  userMetadata: z.record(z.string(), z.unknown()).nullable(),
});
const checkpointSchema = z.object({
  time: z.string(),
  hasOptimizer: z.boolean(),
  sizeBytes: z.number(),
  userMetadata: z.record(z.string(), z.unknown()).nullable(),
  expiresAt: z.string().nullable(),
});

/** A model that was trained here. */
export type Run = Readonly<z.infer<typeof runSchema>>;

export interface Checkpoint extends Readonly<z.infer<typeof checkpointSchema>>, TinkerPath {
  readonly path: string;
  /** Its folder. */
  readonly dir: string;
}

export interface NewCheckpoint {
  readonly overwrite: boolean;
  readonly hasOptimizer: boolean;
  readonly ttlSeconds: number | undefined;
  readonly userMetadata: Readonly<Record<string, unknown>> | undefined;
}

export class CheckpointStore {
  /**
   * @param root made when the first run is written
   * @param now milliseconds since 1970
   */
  constructor(
    readonly root: string,
    private readonly now: () => number,
  ) {}

  async writeRun(run: Run): Promise<void> {
    await this.writing(`the run ${run.modelId}`, async () => {
      await mkdir(this.runDir(run.modelId), { recursive: true });
      await writeJson(join(this.runDir(run.modelId), "run.json"), run);
    });
  }

  /** @throws FutureError when there is none */
  async run(modelId: string): Promise<Run> {
    const run = await this.findRun(modelId);
    if (run === undefined)
      throw userError(`there is no training run ${JSON.stringify(modelId)} in ${this.root}`);
    return run;
  }

  async findRun(modelId: string): Promise<Run | undefined> {
    if (!isModelId(modelId)) return undefined;
    return readJson(join(this.runDir(modelId), "run.json"), runSchema);
  }

  /** The newest first. A damaged one is left out of lists; whoever asks for it by name is told. */
  async runs(): Promise<Run[]> {
    const names = await foldersOf(this.root);
    const runs = await Promise.all(
      names.map((name) => readJson(join(this.root, name, "run.json"), runSchema).catch(undamaged)),
    );
    return runs
      .filter((run) => run !== undefined)
      .sort((a, b) =>
        a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : a.modelId < b.modelId ? -1 : 1,
      );
  }

  /**
   * @param write fills an empty folder
   * @throws FutureError when the name is taken, or the disk does not take it; then nothing has changed
   */
  async save(
    place: TinkerPath,
    { overwrite, hasOptimizer, ttlSeconds, userMetadata }: NewCheckpoint,
    write: (dir: string) => Promise<void>,
  ): Promise<Checkpoint> {
    const dir = this.dirOf(place);
    if (!overwrite && (await this.find(place)) !== undefined)
      throw userError(
        `${formatPath(place)} is there already; take another name` +
          (place.kind === "weights" ? ", or overwrite it (overwrite: true)" : ""),
      );
    const aside = join(this.runDir(place.modelId), `.new-${randomBytes(6).toString("hex")}`);
    try {
      await this.writing(formatPath(place), async () => {
        await mkdir(aside, { recursive: true });
        await write(aside);
        const time = this.now();
        await writeJson(join(aside, "checkpoint.json"), {
          time: new Date(time).toISOString(),
          hasOptimizer,
          sizeBytes: await sizeOf(aside),
          userMetadata: userMetadata ?? null,
          expiresAt: ttlSeconds === undefined ? null : new Date(time + ttlSeconds * 1000).toISOString(),
        } satisfies z.infer<typeof checkpointSchema>);
        await this.moveIn(aside, dir);
      });
    } finally {
      await rm(aside, { recursive: true, force: true });
    }
    return this.get(place);
  }

  /** A folder cannot be renamed over another one: the old one steps aside first, and comes back when that fails. */
  private async moveIn(aside: string, dir: string): Promise<void> {
    await mkdir(join(dir, ".."), { recursive: true });
    const old = `${aside}.old`;
    const replaced = await rename(dir, old).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return false;
        throw error;
      },
    );
    try {
      await rename(aside, dir);
    } catch (error) {
      if (replaced) await rename(old, dir);
      throw error;
    }
    await rm(old, { recursive: true, force: true });
  }

  /** Undefined when it is not there, or has expired: then it is deleted. */
  async find(place: TinkerPath): Promise<Checkpoint | undefined> {
    if (!isPlace(place)) return undefined;
    const dir = this.dirOf(place);
    const found = await readJson(join(dir, "checkpoint.json"), checkpointSchema);
    if (found === undefined) return undefined;
    if (found.expiresAt !== null && Date.parse(found.expiresAt) <= this.now()) {
      await rm(dir, { recursive: true, force: true });
      return undefined;
    }
    const { modelId, kind, name } = place;
    return { ...found, modelId, kind, name, path: formatPath(place), dir };
  }

  /** @throws FutureError when it is not there */
  async get(place: TinkerPath): Promise<Checkpoint> {
    const found = await this.find(place);
    if (found === undefined)
      throw userError(`there is no checkpoint ${formatPath(place)} in ${this.root}, or it has expired`);
    return found;
  }

  /** Of one run, the newest first. */
  async checkpoints(modelId: string): Promise<Checkpoint[]> {
    const found: Checkpoint[] = [];
    for (const kind of checkpointKinds)
      for (const name of await foldersOf(join(this.runDir(modelId), kind))) {
        const checkpoint = await this.find({ modelId, kind, name }).catch(undamaged);
        if (checkpoint !== undefined) found.push(checkpoint);
      }
    return found.sort((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0));
  }

  async delete(place: TinkerPath): Promise<boolean> {
    if ((await this.find(place)) === undefined) return false;
    await this.writing(formatPath(place), () => rm(this.dirOf(place), { recursive: true }));
    return true;
  }

  async setExpiry(place: TinkerPath, ttlSeconds: number | undefined): Promise<void> {
    const { time, hasOptimizer, sizeBytes, userMetadata, dir } = await this.get(place);
    const expiresAt =
      ttlSeconds === undefined ? null : new Date(this.now() + ttlSeconds * 1000).toISOString();
    await this.writing(formatPath(place), () =>
      writeJson(join(dir, "checkpoint.json"), { time, hasOptimizer, sizeBytes, userMetadata, expiresAt }),
    );
  }

  private dirOf({ modelId, kind, name }: TinkerPath): string {
    return join(this.runDir(modelId), kind satisfies CheckpointKind, name);
  }

  /** A model's id has colons, which are no part of a file's name everywhere. */
  private runDir(modelId: string): string {
    const name = encodeURIComponent(modelId);
    return join(this.root, name.startsWith(".") ? `_${name}` : name);
  }

  private async writing<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      const why =
        code === "ENOSPC"
          ? "the disk is full"
          : ["EACCES", "EPERM", "EROFS"].includes(code)
            ? "this server may not write there"
            : message;
      throw new FutureError(
        `${what}: cannot be written in ${this.root} (${why}); what was there before is unchanged`,
        "server",
        { cause: error },
      );
    }
  }
}

async function foldersOf(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return [];
    throw error;
  });
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map(({ name }) => name);
}

async function sizeOf(dir: string): Promise<number> {
  const sizes = await Promise.all(
    (await readdir(dir)).map(async (name) => (await stat(join(dir, name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function writeJson(path: string, value: unknown): Promise<void> {
  const temporary = `${path}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    await writeFile(temporary, `${JSON.stringify(value, null, 2)}\n`);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

function undamaged(error: unknown): undefined {
  if (!(error instanceof DataError)) throw error;
}

/** Undefined when there is no such file. */
async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new DataError(`${path}: is damaged (${(error as Error).message.slice(0, 200)}); delete it`, {
      cause: error,
    });
  }
}
