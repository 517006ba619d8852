// Small fixed inputs that several tests of this folder share.
import type { RgbImage } from "../../core/image.ts";
import { trainTokenizer } from "./bpeTrainer.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** A picture whose bytes are a fixed hash of their index; the goldens from Pillow were made with the same formula. */
export function hashImage(width: number, height: number, seed: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) data[i] = ((Math.imul(i, 2654435761) + seed) >>> 13) & 255;
  return { width, height, data };
}

/** A tokenizer of 290 tokens (20 merges, special tokens from 276) learnt from a few lines. */
export function smallTokenizer(): Tokenizer {
  const lines = [
    "the cat sat on the mat, the cat sat on the hat",
    "def crop(image): return image.crop((0, 0, 10, 10))",
    "the answer is \\boxed{red}\n\n",
    "it's the cat's mat; they've sat",
  ];
  return trainTokenizer(lines, 290);
}

/** A config.json in the flat layout of the published checkpoints, miniature sizes. */
export function smallConfigJson(): Record<string, unknown> {
  return {
    architectures: ["Qwen2_5_VLForConditionalGeneration"],
    model_type: "qwen2_5_vl",
    vocab_size: 320,
    hidden_size: 64,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    intermediate_size: 128,
    hidden_act: "silu",
    rms_norm_eps: 1e-6,
    rope_theta: 10000,
    rope_scaling: { type: "mrope", mrope_section: [2, 3, 3] },
    tie_word_embeddings: true,
    max_position_embeddings: 4096,
    image_token_id: 288,
    video_token_id: 289,
    vision_start_token_id: 285,
    vision_end_token_id: 286,
    bos_token_id: 276,
    eos_token_id: 278,
    vision_config: {
      depth: 2,
      hidden_size: 32,
      num_heads: 2,
      intermediate_size: 64,
      in_chans: 3,
      patch_size: 14,
      spatial_merge_size: 2,
      temporal_patch_size: 2,
      window_size: 56,
      fullatt_block_indexes: [1],
      out_hidden_size: 64,
    },
  };
}
