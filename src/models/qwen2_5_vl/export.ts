// A checkpoint as a folder that Hugging Face Transformers loads as it is: model, generation defaults, tokenizer, image
// processor and chat template. Checkpoints are nearly that; what is missing is what only others need.
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { DataError } from "../../core/errors.ts";
import { writeAtomically } from "./atomicFile.ts";
import { qwenChatTemplate } from "./chatTemplate.ts";
import { readCheckpoint } from "./checkpoint.ts";
import { neverSampled } from "./codec.ts";
import { parameterSpecs } from "./parameters.ts";
import { loadProcessor, saveProcessor, type ProcessorFiles } from "./processor.ts";
import { writeSafetensors, type StoredTensor } from "./safetensors.ts";

export interface ExportSummary {
  /** Files written, in alphabetical order. */
  readonly files: readonly string[];
  /** Values of all weights. */
  readonly parameters: number;
}

/**
 * Writes the checkpoint `source` into the folder `target`, which must be empty or not exist. The folder appears whole or
 * not at all.
 * @throws DataError when the checkpoint is incomplete or holds other weights than its config.json, or when the target is
 *   taken.
 */
export async function exportToTransformers(source: string, target: string): Promise<ExportSummary> {
  await checkTarget(target);
  const files = await loadProcessor(source);
  const tensors = await modelTensors(source, files);
  const whole = resolve(target);
  const partial = join(dirname(whole), `.${basename(whole)}.${process.pid}.partial`);
  await mkdir(partial, { recursive: true });
  try {
    await saveProcessor(partial, files);
    await writeAtomically(join(partial, "chat_template.jinja"), [Buffer.from(qwenChatTemplate)]);
    const generation = `${JSON.stringify(generationConfig(files), null, 2)}\n`;
    await writeAtomically(join(partial, "generation_config.json"), [Buffer.from(generation)]);
    await writeSafetensors(join(partial, "model.safetensors"), tensors);
    await rename(partial, whole);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  const parameters = tensors.reduce((n, [, { data }]) => n + data.length, 0);
  return { files: (await readdir(whole)).sort(), parameters };
}

async function checkTarget(target: string): Promise<void> {
  let entries: string[];
  try {
    entries = await readdir(target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    if ((error as NodeJS.ErrnoException).code !== "ENOTDIR") throw error;
    throw new DataError(`${target} is a file: name a folder that is empty or does not exist`, {
      cause: error,
    });
  }
  if (entries.length > 0)
    throw new DataError(
      `${target} is not empty (it holds ${entries[0]}): name a folder that is empty or does not exist`,
    );
}

/** The weights that the config asks for, no others, in float32. */
async function modelTensors(source: string, { config }: ProcessorFiles): Promise<[string, StoredTensor][]> {
  const stored = await readCheckpoint(source);
  const tensors = parameterSpecs(config).map(({ name, shape }): [string, StoredTensor] => {
    const tensor = stored.get(name);
    if (tensor === undefined || !(tensor.data instanceof Float32Array))
      throw new DataError(
        `${source}: has no weight "${name}" of floating point; it does not fit its config.json`,
      );
    if (tensor.shape.join() !== shape.join())
      throw new DataError(
        `${source}: weight "${name}" must have the shape [${shape.join(", ")}], got [${tensor.shape.join(", ")}]`,
      );
    return [name, { dtype: "F32", shape, data: tensor.data }];
  });
  const known = new Set(tensors.map(([name]) => name));
  // A tied head may be stored a second time; everything else that is left over would be lost silently.
  const others = [...stored.keys()].filter((name) => !known.has(name) && name !== "lm_head.weight");
  if (others.length > 0)
    throw new DataError(`${source}: holds "${others[0]}", which no model of its config.json has`);
  return tensors;
}

/** Sampling as in training: temperature 1, nothing cut off, and no scaffolding tokens. */
function generationConfig({ config, tokenizer }: ProcessorFiles): Record<string, unknown> {
  return {
    bos_token_id: config.bosTokenId,
    do_sample: true,
    eos_token_id: config.eosTokenId,
    pad_token_id: config.padTokenId,
    suppress_tokens: [...neverSampled(config, tokenizer)].sort((a, b) => a - b),
    temperature: 1,
    top_k: 0,
    top_p: 1,
  };
}
