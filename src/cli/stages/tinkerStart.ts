// What a stage begins with on a Tinker server: which of its models, whose tokenizer, and which of its checkpoints.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../../core/errors.ts";
import { readTinkerFolder, TINKER_FILE } from "../../engines/tinker/tinkerFolder.ts";
import { findInputPath, resolveInputPath } from "../../runs/config.ts";
import type { TinkerConfig } from "../../runs/engineSchema.ts";

export interface TinkerStart {
  /** As the server knows it. */
  readonly baseModel: string;
  /** Folder with tokenizer and processor files. */
  readonly tokenizer: string;
  /** `tinker://…` of the checkpoint on the server; undefined: the weights of the model itself. */
  readonly path?: string;
  /** What a person should know about it. */
  readonly warnings: readonly string[];
}

/**
 * @param init checkpoint folder of the stage: one with tinker.json stands for a checkpoint on the server, any other for the
 * server's model of that name
 * @throws ConfigError, DataError
 */
export async function tinkerStart(
  engine: TinkerConfig,
  init: string | undefined,
  key: string,
): Promise<TinkerStart> {
  if (init === undefined) {
    const { baseModel, tokenizer } = engine;
    if (baseModel === undefined || tokenizer === undefined)
      throw new ConfigError(
        `${key}: must name the checkpoint to start from, by which the server knows its model, e.g. --set ` +
          `${key}=checkpoints/image-mini/sft; or set both engine.baseModel and engine.tokenizer`,
      );
    return { baseModel, tokenizer: resolveInputPath(tokenizer, "engine.tokenizer"), warnings: [] };
  }
  const dir = resolveInputPath(init, key);
  if (existsSync(join(dir, TINKER_FILE))) return onServer(engine, dir, key);
  const { baseModel = init } = engine;
  const warnings =
    baseModel === init
      ? []
      : [
          `${key}: the weights of ${dir} take no part, since engine.baseModel is ${JSON.stringify(baseModel)}`,
        ];
  return { baseModel, tokenizer: tokenizerOf(engine, dir, baseModel), warnings };
}

async function onServer(engine: TinkerConfig, dir: string, key: string): Promise<TinkerStart> {
  const { path, baseUrl, dialect, baseModel, rank } = await readTinkerFolder(dir);
  const same = (name: string, here: unknown, there: unknown): void => {
    if (here !== there)
      throw new ConfigError(
        `engine.${name}: must be ${JSON.stringify(there)}, as of the weights in ${key} (${join(dir, TINKER_FILE)}), ` +
          `received ${JSON.stringify(here)}; set engine.${name}=${String(there)}`,
      );
  };
  same("dialect", engine.dialect, dialect);
  same("baseModel", engine.baseModel ?? baseModel, baseModel);
  // Adapters of another rank do not fit; our own server has none.
  if (dialect !== "pyvision") same("rank", engine.rank, rank);
  const moved = new URL(engine.baseUrl).href !== new URL(baseUrl).href;
  const warnings = moved
    ? [`${key}: ${path} was saved on ${baseUrl}, and is now asked of ${engine.baseUrl}`]
    : [];
  return { baseModel, tokenizer: tokenizerOf(engine, dir, baseModel), path, warnings };
}

function tokenizerOf({ tokenizer }: TinkerConfig, dir: string, baseModel: string): string {
  if (tokenizer !== undefined) return resolveInputPath(tokenizer, "engine.tokenizer");
  const named = findInputPath(baseModel);
  const found = [dir, ...(named === undefined ? [] : [named])].find((folder) =>
    existsSync(join(folder, "tokenizer.json")),
  );
  if (found !== undefined) return found;
  throw new ConfigError(
    `engine.tokenizer: must name a folder with the tokenizer and processor files of ${JSON.stringify(baseModel)}, ` +
      `since ${dir} has no tokenizer.json and the model's name is no folder that has one; it is not set`,
  );
}
