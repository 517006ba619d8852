// The files beside the weights that say how text and images become model input, in Hugging Face layout: config.json,
// tokenizer.json, tokenizer_config.json (with the chat template) and preprocessor_config.json.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { DataError } from "../../core/errors.ts";
import type { Codec } from "../../core/codec.ts";
import { writeAtomically } from "./atomicFile.ts";
import { qwenChatTemplate } from "./chatTemplate.ts";
import { exists, readJson } from "./checkpoint.ts";
import { createCodec } from "./codec.ts";
import { parseConfig, toHfConfig, type Qwen25VLConfig } from "./config.ts";
import {
  imageMean,
  imageStd,
  mergeSize,
  patchSize,
  temporalPatchSize,
  type PixelLimits,
} from "./imageProcessor.ts";
import { FieldReader } from "./jsonFields.ts";
import { Tokenizer } from "./tokenizer.ts";

export interface ProcessorFiles {
  readonly config: Qwen25VLConfig;
  readonly tokenizer: Tokenizer;
  readonly limits: PixelLimits;
}

export interface Processor extends ProcessorFiles {
  readonly codec: Codec;
}

/** @throws DataError when a file is missing, or says something this processor does not do, or files contradict. */
export async function loadProcessor(dir: string): Promise<Processor> {
  const at = (name: string): string => join(dir, name);
  const config = parseConfig(await readJson(at("config.json")), at("config.json"));
  const tokenizer = Tokenizer.fromJson(await readJson(at("tokenizer.json")), at("tokenizer.json"));
  const limits = await readLimits(dir);
  checkTokenIds(config, tokenizer, dir);
  return { config, tokenizer, limits, codec: createCodec(tokenizer, limits) };
}

/** Writes the four files, each atomically. Makes the folder when it is missing. */
export async function saveProcessor(
  dir: string,
  { config, tokenizer, limits }: ProcessorFiles,
): Promise<void> {
  checkTokenIds(config, tokenizer, dir);
  await mkdir(dir, { recursive: true });
  const files = {
    "config.json": toHfConfig(config),
    "tokenizer.json": tokenizer.toJson(),
    "tokenizer_config.json": tokenizerConfig(config, tokenizer),
    "preprocessor_config.json": preprocessorConfig(limits),
  };
  for (const [name, content] of Object.entries(files))
    await writeAtomically(join(dir, name), [Buffer.from(`${JSON.stringify(content, null, 2)}\n`)]);
}

/** The model and the tokenizer must mean the same ids. */
function checkTokenIds(config: Qwen25VLConfig, tokenizer: Tokenizer, dir: string): void {
  const wanted = {
    image_token_id: [config.imageTokenId, "<|image_pad|>"],
    video_token_id: [config.videoTokenId, "<|video_pad|>"],
    vision_start_token_id: [config.visionStartTokenId, "<|vision_start|>"],
    vision_end_token_id: [config.visionEndTokenId, "<|vision_end|>"],
    eos_token_id: [config.eosTokenId, "<|im_end|>"],
  } as const;
  for (const [field, [id, token]] of Object.entries(wanted))
    if (tokenizer.idOf(token) !== id)
      throw new DataError(
        `${dir}: config ${field} is ${id}, but the tokenizer's ${token} is ${tokenizer.idOf(token)}`,
      );
  if (tokenizer.vocabSize > config.vocabSize)
    throw new DataError(
      `${dir}: the tokenizer has ${tokenizer.vocabSize} tokens, more than vocab_size ${config.vocabSize}`,
    );
}

/** Older versions of Transformers save the image processor in a file of its own, newer ones as a part of another. */
async function readLimits(dir: string): Promise<PixelLimits> {
  const alone = join(dir, "preprocessor_config.json");
  const whole = join(dir, "processor_config.json");
  if ((await exists(alone)) || !(await exists(whole)))
    return parseLimits(FieldReader.of(await readJson(alone), alone), alone);
  return parseLimits(FieldReader.of(await readJson(whole), whole).object("image_processor"), whole);
}

function parseLimits(root: FieldReader, source: string): PixelLimits {
  const fixed = {
    patch_size: patchSize,
    merge_size: mergeSize,
    temporal_patch_size: temporalPatchSize,
    resample: 3,
  };
  for (const [name, value] of Object.entries(fixed))
    if (root.number(name, value) !== value)
      throw new DataError(`${source}: ${name} must be ${value}, got ${root.number(name)}`);
  for (const [name, values] of Object.entries({ image_mean: imageMean, image_std: imageStd }))
    if (root.has(name) && root.numbers(name).join() !== values.join())
      throw new DataError(
        `${source}: ${name} must be [${values.join(", ")}], got [${root.numbers(name).join(", ")}]`,
      );
  const size = root.optionalObject("size");
  const minPixels = root.has("min_pixels") ? root.positive("min_pixels") : size?.positive("shortest_edge");
  const maxPixels = root.has("max_pixels") ? root.positive("max_pixels") : size?.positive("longest_edge");
  if (minPixels === undefined || maxPixels === undefined || minPixels > maxPixels)
    throw new DataError(
      `${source}: min_pixels and max_pixels must be given, the first not above the second; got ${minPixels} and ${maxPixels}`,
    );
  return { minPixels, maxPixels };
}

function preprocessorConfig({ minPixels, maxPixels }: PixelLimits): Record<string, unknown> {
  return {
    image_processor_type: "Qwen2VLImageProcessor",
    processor_class: "Qwen2_5_VLProcessor",
    do_convert_rgb: true,
    do_normalize: true,
    do_rescale: true,
    do_resize: true,
    image_mean: imageMean,
    image_std: imageStd,
    max_pixels: maxPixels,
    merge_size: mergeSize,
    min_pixels: minPixels,
    patch_size: patchSize,
    resample: 3,
    rescale_factor: 1 / 255,
    size: { longest_edge: maxPixels, shortest_edge: minPixels },
    temporal_patch_size: temporalPatchSize,
  };
}

function tokenizerConfig(config: Qwen25VLConfig, tokenizer: Tokenizer): Record<string, unknown> {
  const flags = { lstrip: false, normalized: false, rstrip: false, single_word: false };
  return {
    add_bos_token: false,
    add_prefix_space: false,
    added_tokens_decoder: Object.fromEntries(
      tokenizer.addedTokens.map(({ id, content, special }) => [String(id), { content, ...flags, special }]),
    ),
    additional_special_tokens: tokenizer.addedTokens
      .filter(({ special, content }) => special && content !== "<|endoftext|>")
      .map(({ content }) => content),
    bos_token: null,
    chat_template: qwenChatTemplate,
    clean_up_tokenization_spaces: false,
    eos_token: "<|im_end|>",
    errors: "replace",
    model_max_length: config.maxPositionEmbeddings,
    pad_token: "<|endoftext|>",
    processor_class: "Qwen2_5_VLProcessor",
    split_special_tokens: false,
    tokenizer_class: "Qwen2Tokenizer",
    unk_token: null,
  };
}
