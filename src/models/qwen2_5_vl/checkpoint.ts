// The weights of a model folder in Hugging Face layout: one `model.safetensors`, or shards listed in
// `model.safetensors.index.json`.
import { access, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { DataError } from "../../core/errors.ts";
import { FieldReader } from "./jsonFields.ts";
import { readSafetensors, type StoredTensor } from "./safetensors.ts";

const singleName = "model.safetensors";
const indexName = "model.safetensors.index.json";

/** All tensors by name. @throws DataError when no weights are found or a shard lacks a tensor the index promises. */
export async function readCheckpoint(dir: string): Promise<Map<string, StoredTensor>> {
  if (await exists(join(dir, singleName))) return (await readSafetensors(join(dir, singleName))).tensors;
  const indexPath = join(dir, indexName);
  if (!(await exists(indexPath)))
    throw new DataError(
      `${dir}: holds neither ${singleName} nor ${indexName}; give the folder of a checkpoint`,
    );
  const weightMap = FieldReader.of(await readJson(indexPath), indexPath).entries("weight_map");
  const tensors = new Map<string, StoredTensor>();
  const shards = new Map<string, Map<string, StoredTensor>>();
  for (const [name, shard] of weightMap) {
    if (typeof shard !== "string" || basename(shard) !== shard)
      throw new DataError(
        `${indexPath}: weight_map["${name}"] must be a file name in the same folder, got ${JSON.stringify(shard)}`,
      );
    let content = shards.get(shard);
    if (content === undefined) {
      content = (await readSafetensors(join(dir, shard))).tensors;
      shards.set(shard, content);
    }
    const tensor = content.get(name);
    if (tensor === undefined)
      throw new DataError(`${indexPath}: ${shard} should hold "${name}", but does not`);
    tensors.set(name, tensor);
  }
  return tensors;
}

/** @throws DataError when the file cannot be read or is not JSON. */
export async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new DataError(`${path}: cannot be read as JSON: ${(error as Error).message}`, { cause: error });
  }
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
