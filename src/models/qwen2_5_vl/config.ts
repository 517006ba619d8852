// Shape of a Qwen2.5-VL model, read from and written to the `config.json` of Hugging Face Transformers. Two layouts are
// in use: the flat one of the published checkpoints (text fields at the top) and the nested one (`text_config`) that
// recent Transformers saves. Both are read; the flat one is written because every version loads it.
import { DataError } from "../../core/errors.ts";
import { FieldReader } from "./jsonFields.ts";

/** The vision tower; lengths are in pixels where named Size and in channels where named hidden or intermediate. */
export interface Qwen25VLVisionConfig {
  /** Number of blocks. */
  readonly depth: number;
  readonly hiddenSize: number;
  readonly numHeads: number;
  readonly intermediateSize: number;
  /** Side of a patch in pixels. */
  readonly patchSize: number;
  /** Side of the square of patches that becomes one token. */
  readonly spatialMergeSize: number;
  /** Frames in a patch; a still image is repeated that often. */
  readonly temporalPatchSize: number;
  /** Side of an attention window in pixels. */
  readonly windowSize: number;
  /** Blocks that attend over the whole image instead of windows. */
  readonly fullAttentionBlocks: readonly number[];
  /** Width the merger emits; equals the decoder's hiddenSize. */
  readonly outHiddenSize: number;
  readonly inChannels: number;
}

export interface Qwen25VLConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
  readonly numKeyValueHeads: number;
  readonly intermediateSize: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  /** Rotary frequencies for the time, height and width position; they sum to half the head dimension. */
  readonly mropeSection: readonly [t: number, h: number, w: number];
  readonly tieWordEmbeddings: boolean;
  readonly maxPositionEmbeddings: number;
  readonly imageTokenId: number;
  readonly videoTokenId: number;
  readonly visionStartTokenId: number;
  readonly visionEndTokenId: number;
  readonly bosTokenId: number;
  readonly eosTokenId: number;
  readonly padTokenId: number;
  readonly vision: Qwen25VLVisionConfig;
}

/** Channels of one decoder head. */
export function headDim(config: Qwen25VLConfig): number {
  return config.hiddenSize / config.numAttentionHeads;
}

/** Channels of one vision head. */
export function visionHeadDim(config: Qwen25VLConfig): number {
  return config.vision.hiddenSize / config.vision.numHeads;
}

/**
 * Reads a `config.json` object. `source` names the file in messages.
 * @throws DataError when a field is missing, ill-typed, or contradicts another.
 */
export function parseConfig(json: unknown, source = "config.json"): Qwen25VLConfig {
  const root = FieldReader.of(json, source);
  const modelType = root.text("model_type", "qwen2_5_vl");
  if (modelType !== "qwen2_5_vl")
    throw new DataError(
      `${source}: model_type must be "qwen2_5_vl", got "${modelType}"; use a Qwen2.5-VL checkpoint`,
    );
  const text = root.optionalObject("text_config") ?? root;
  const rope = text.optionalObject("rope_scaling") ?? text.object("rope_parameters");
  const ropeType = rope.text("rope_type", rope.text("type", "default"));
  if (ropeType !== "default" && ropeType !== "mrope")
    throw new DataError(
      `${source}: rope type must be "default" or "mrope", got "${ropeType}"; long-context scaling is not supported`,
    );
  for (const part of [text, root.object("vision_config")]) {
    const act = part.text("hidden_act", "silu");
    if (act !== "silu") throw new DataError(`${source}: hidden_act must be "silu", got "${act}"`);
  }
  const vision = root.object("vision_config");
  const section = rope.integers("mrope_section");
  const [t, h, w] = section;
  if (section.length !== 3 || t === undefined || h === undefined || w === undefined)
    throw new DataError(
      `${source}: mrope_section must hold 3 numbers (time, height, width), got [${section.join(", ")}]`,
    );
  const bosTokenId = text.tokenId("bos_token_id", () => root.tokenId("bos_token_id"));
  const config: Qwen25VLConfig = {
    vocabSize: text.positive("vocab_size"),
    hiddenSize: text.positive("hidden_size"),
    numHiddenLayers: text.positive("num_hidden_layers"),
    numAttentionHeads: text.positive("num_attention_heads"),
    numKeyValueHeads: text.positive("num_key_value_heads"),
    intermediateSize: text.positive("intermediate_size"),
    rmsNormEps: text.number("rms_norm_eps", 1e-5),
    ropeTheta: text.number("rope_theta", rope.number("rope_theta", 1e6)),
    mropeSection: [t, h, w],
    tieWordEmbeddings: text.flag("tie_word_embeddings", root.flag("tie_word_embeddings", false)),
    maxPositionEmbeddings: text.positive("max_position_embeddings", 32768),
    imageTokenId: root.tokenId("image_token_id"),
    videoTokenId: root.tokenId("video_token_id"),
    visionStartTokenId: root.tokenId("vision_start_token_id"),
    visionEndTokenId: root.tokenId("vision_end_token_id"),
    bosTokenId,
    eosTokenId: text.tokenId("eos_token_id", () => root.tokenId("eos_token_id")),
    padTokenId: text.tokenId("pad_token_id", () => root.tokenId("pad_token_id", () => bosTokenId)),
    vision: {
      depth: vision.positive("depth"),
      hiddenSize: vision.positive("hidden_size"),
      numHeads: vision.positive("num_heads"),
      intermediateSize: vision.positive("intermediate_size"),
      patchSize: vision.positive("patch_size", 14),
      spatialMergeSize: vision.positive("spatial_merge_size", 2),
      temporalPatchSize: vision.positive("temporal_patch_size", 2),
      windowSize: vision.positive("window_size", 112),
      fullAttentionBlocks: vision.integers("fullatt_block_indexes"),
      outHiddenSize: vision.positive("out_hidden_size"),
      inChannels: vision.positive("in_channels", vision.positive("in_chans", 3)),
    },
  };
  checkConfig(config, source);
  return config;
}

/** @throws DataError naming the first pair of fields that do not fit together. */
export function checkConfig(config: Qwen25VLConfig, source = "config"): void {
  const vision = config.vision;
  const rule = (holds: boolean, message: string): void => {
    if (!holds) throw new DataError(`${source}: ${message}`);
  };
  const heads = `(${config.hiddenSize} / ${config.numAttentionHeads} heads)`;
  rule(Number.isInteger(headDim(config)), `hidden_size must be a multiple of num_attention_heads ${heads}`);
  rule(
    config.numAttentionHeads % config.numKeyValueHeads === 0,
    `num_attention_heads (${config.numAttentionHeads}) must be a multiple of num_key_value_heads (${config.numKeyValueHeads})`,
  );
  const sections = config.mropeSection.reduce((sum, n) => sum + n, 0);
  rule(
    sections * 2 === headDim(config),
    `mrope_section [${config.mropeSection.join(", ")}] sums to ${sections}, but half the head dimension is ` +
      `${headDim(config) / 2} ${heads}; choose sections that sum to it`,
  );
  rule(config.rmsNormEps > 0, `rms_norm_eps must be > 0, got ${config.rmsNormEps}`);
  rule(config.ropeTheta > 0, `rope_theta must be > 0, got ${config.ropeTheta}`);
  rule(
    visionHeadDim(config) % 4 === 0,
    `vision_config.hidden_size / num_heads must be a multiple of 4 for 2-D rotary positions, got ${vision.hiddenSize} / ${vision.numHeads}`,
  );
  rule(
    vision.outHiddenSize === config.hiddenSize,
    `vision_config.out_hidden_size (${vision.outHiddenSize}) must equal hidden_size (${config.hiddenSize})`,
  );
  const cell = vision.patchSize * vision.spatialMergeSize;
  rule(
    vision.windowSize >= cell,
    `vision_config.window_size must be at least patch_size * spatial_merge_size = ${cell}, got ${vision.windowSize}`,
  );
  for (const block of vision.fullAttentionBlocks)
    rule(
      block >= 0 && block < vision.depth,
      `vision_config.fullatt_block_indexes holds ${block}, but depth is ${vision.depth}`,
    );
  const ids = {
    image_token_id: config.imageTokenId,
    video_token_id: config.videoTokenId,
    vision_start_token_id: config.visionStartTokenId,
    vision_end_token_id: config.visionEndTokenId,
    bos_token_id: config.bosTokenId,
    eos_token_id: config.eosTokenId,
    pad_token_id: config.padTokenId,
  };
  for (const [name, id] of Object.entries(ids))
    rule(id < config.vocabSize, `${name} (${id}) must be smaller than vocab_size (${config.vocabSize})`);
}

/** The `config.json` object that Transformers loads as Qwen2_5_VLForConditionalGeneration. */
export function toHfConfig(config: Qwen25VLConfig): Record<string, unknown> {
  const vision = config.vision;
  return {
    architectures: ["Qwen2_5_VLForConditionalGeneration"],
    model_type: "qwen2_5_vl",
    attention_dropout: 0,
    bos_token_id: config.bosTokenId,
    eos_token_id: config.eosTokenId,
    pad_token_id: config.padTokenId,
    hidden_act: "silu",
    hidden_size: config.hiddenSize,
    image_token_id: config.imageTokenId,
    initializer_range: 0.02,
    intermediate_size: config.intermediateSize,
    max_position_embeddings: config.maxPositionEmbeddings,
    max_window_layers: config.numHiddenLayers,
    num_attention_heads: config.numAttentionHeads,
    num_hidden_layers: config.numHiddenLayers,
    num_key_value_heads: config.numKeyValueHeads,
    rms_norm_eps: config.rmsNormEps,
    rope_scaling: { type: "mrope", mrope_section: [...config.mropeSection] },
    rope_theta: config.ropeTheta,
    sliding_window: config.maxPositionEmbeddings,
    tie_word_embeddings: config.tieWordEmbeddings,
    torch_dtype: "float32",
    use_cache: true,
    use_sliding_window: false,
    video_token_id: config.videoTokenId,
    vision_config: {
      model_type: "qwen2_5_vl",
      depth: vision.depth,
      fullatt_block_indexes: [...vision.fullAttentionBlocks],
      hidden_act: "silu",
      hidden_size: vision.hiddenSize,
      in_channels: vision.inChannels,
      in_chans: vision.inChannels,
      intermediate_size: vision.intermediateSize,
      num_heads: vision.numHeads,
      out_hidden_size: vision.outHiddenSize,
      patch_size: vision.patchSize,
      spatial_merge_size: vision.spatialMergeSize,
      spatial_patch_size: vision.patchSize,
      temporal_patch_size: vision.temporalPatchSize,
      tokens_per_second: 2,
      window_size: vision.windowSize,
    },
    vision_end_token_id: config.visionEndTokenId,
    vision_start_token_id: config.visionStartTokenId,
    vocab_size: config.vocabSize,
  };
}
