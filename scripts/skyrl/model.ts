// The folder of a tiny Qwen3 with random weights, in Hugging Face layout, that SkyRL serves as its base model. Its tokenizer is
// one of ours, so both sides mean the same ids. Only LoRA adapters over attention and MLP are ever trained on it: what
// stays random must therefore be a good start by its scale alone.
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { randomStream } from "../../src/core/random.ts";
import type { StoredTensor } from "../../src/models/qwen2_5_vl/safetensors.ts";
import { writeSafetensors } from "../../src/models/qwen2_5_vl/safetensors.ts";
import { Tokenizer } from "../../src/models/qwen2_5_vl/tokenizer.ts";

export interface TinyShape {
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headWidth: number;
  readonly intermediate: number;
}

export const TINY: TinyShape = {
  hidden: 128,
  layers: 3,
  heads: 4,
  kvHeads: 2,
  headWidth: 32,
  intermediate: 256,
};

/**
 * Standard deviation of the head's weights. A final state of norm sqrt(hidden) gives logits of about 3 at random, and of up
 * to 38 once it points at a token: with the usual 0.02 a frozen head could never become sure of anything.
 */
const HEAD_STD = 0.3;

/**
 * Writes the model into `folder` (made when missing), with the tokenizer of `tokenizerFolder`.
 * @returns the number of weights
 */
export async function writeTinyQwen3(
  folder: string,
  tokenizerFolder: string,
  seed: number,
  shape: TinyShape = TINY,
): Promise<number> {
  await mkdir(folder, { recursive: true });
  const tokenizerJson = join(tokenizerFolder, "tokenizer.json");
  const tokenizer = Tokenizer.fromJson(JSON.parse(await readFile(tokenizerJson, "utf8")), tokenizerJson);
  await copyFile(tokenizerJson, join(folder, "tokenizer.json"));
  await writeJson(join(folder, "tokenizer_config.json"), await tokenizerConfig(tokenizerFolder));
  await writeJson(join(folder, "config.json"), modelConfig(shape, tokenizer));
  const weights = tinyWeights(shape, tokenizer.vocabSize, seed);
  await writeSafetensors(join(folder, "model.safetensors"), weights);
  return [...weights.values()].reduce((sum, { data }) => sum + data.length, 0);
}

/** Without what speaks of a vision model: Transformers would look for an image processor. */
async function tokenizerConfig(folder: string): Promise<Record<string, unknown>> {
  const text = await readFile(join(folder, "tokenizer_config.json"), "utf8");
  const { processor_class: _, ...rest } = z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  return rest;
}

function modelConfig(shape: TinyShape, tokenizer: Tokenizer): Record<string, unknown> {
  return {
    architectures: ["Qwen3ForCausalLM"],
    model_type: "qwen3",
    dtype: "float32",
    vocab_size: tokenizer.vocabSize,
    hidden_size: shape.hidden,
    intermediate_size: shape.intermediate,
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.kvHeads,
    head_dim: shape.headWidth,
    hidden_act: "silu",
    rms_norm_eps: 1e-6,
    rope_theta: 10_000,
    max_position_embeddings: 4096,
    attention_bias: false,
    attention_dropout: 0,
    tie_word_embeddings: false,
    bos_token_id: tokenizer.idOf("<|endoftext|>"),
    pad_token_id: tokenizer.idOf("<|endoftext|>"),
    eos_token_id: tokenizer.idOf("<|im_end|>"),
  };
}

/** Weights by their names in Hugging Face's Qwen3, each from a random stream of its own. */
export function tinyWeights(shape: TinyShape, vocabulary: number, seed: number): Map<string, StoredTensor> {
  const { hidden, layers, heads, kvHeads, headWidth, intermediate } = shape;
  const weights = new Map<string, StoredTensor>();
  const normal = (name: string, rows: number, columns: number, std: number): void => {
    const random = randomStream(seed, name);
    const data = Float32Array.from({ length: rows * columns }, () => std * random.normal());
    weights.set(name, { shape: [rows, columns], data });
  };
  const linear = (name: string, outputs: number, inputs: number): void =>
    normal(`${name}.weight`, outputs, inputs, 1 / Math.sqrt(inputs));
  const norm = (name: string, width: number): void =>
    void weights.set(`${name}.weight`, { shape: [width], data: new Float32Array(width).fill(1) });
  normal("model.embed_tokens.weight", vocabulary, hidden, 1);
  for (let i = 0; i < layers; i++) {
    const layer = `model.layers.${i}`;
    norm(`${layer}.input_layernorm`, hidden);
    linear(`${layer}.self_attn.q_proj`, heads * headWidth, hidden);
    linear(`${layer}.self_attn.k_proj`, kvHeads * headWidth, hidden);
    linear(`${layer}.self_attn.v_proj`, kvHeads * headWidth, hidden);
    linear(`${layer}.self_attn.o_proj`, hidden, heads * headWidth);
    norm(`${layer}.self_attn.q_norm`, headWidth);
    norm(`${layer}.self_attn.k_norm`, headWidth);
    norm(`${layer}.post_attention_layernorm`, hidden);
    linear(`${layer}.mlp.gate_proj`, intermediate, hidden);
    linear(`${layer}.mlp.up_proj`, intermediate, hidden);
    linear(`${layer}.mlp.down_proj`, hidden, intermediate);
  }
  norm("model.norm", hidden);
  normal("lm_head.weight", vocabulary, hidden, HEAD_STD);
  return weights;
}

async function writeJson(path: string, content: unknown): Promise<void> {
  await writeFile(path, `${JSON.stringify(content, null, 2)}\n`);
}
