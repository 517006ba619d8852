// Every weight of the model under its Hugging Face name, with its shape there and the way it is first drawn.
import type { Random } from "../../core/random.ts";
import { headDim, type Qwen25VLConfig } from "./config.ts";

export interface ParameterSpec {
  /** Name in the checkpoint, e.g. `model.layers.0.self_attn.q_proj.weight`. */
  readonly name: string;
  /** Shape in the checkpoint. */
  readonly shape: readonly number[];
  /** Shape in the graph: the patch convolution is a matrix there. */
  readonly matrix: readonly number[];
  /** Standard deviation of the first draw; 0 fills with `fill`. */
  readonly std: number;
  readonly fill: number;
  /** Weight decay applies to matrices, not to biases and norms. */
  readonly decays: boolean;
}

/** All parameters in a fixed order: vision tower, decoder, head. */
export function parameterSpecs(config: Qwen25VLConfig): ParameterSpec[] {
  const { vision } = config;
  const specs: ParameterSpec[] = [];
  const matrix = (name: string, rows: number, columns: number, gain = 1, shape = [rows, columns]): void => {
    const std = gain / Math.sqrt(columns);
    specs.push({ name: `${name}.weight`, shape, matrix: [rows, columns], std, fill: 0, decays: true });
  };
  const vector = (name: string, size: number, fill: number): void => {
    specs.push({ name, shape: [size], matrix: [size], std: 0, fill, decays: false });
  };
  const linear = (name: string, rows: number, columns: number, gain = 1): void => {
    matrix(name, rows, columns, gain);
    vector(`${name}.bias`, rows, 0);
  };

  const patch = [
    vision.hiddenSize,
    vision.inChannels,
    vision.temporalPatchSize,
    vision.patchSize,
    vision.patchSize,
  ];
  const patchSize = patch.slice(1).reduce((n, d) => n * d, 1);
  matrix("visual.patch_embed.proj", vision.hiddenSize, patchSize, 1, patch);
  // Residual branches start small, so that depth does not scale the stream.
  const visionGain = 1 / Math.sqrt(2 * vision.depth);
  for (let i = 0; i < vision.depth; i++) {
    const block = `visual.blocks.${i}`;
    vector(`${block}.norm1.weight`, vision.hiddenSize, 1);
    linear(`${block}.attn.qkv`, 3 * vision.hiddenSize, vision.hiddenSize);
    linear(`${block}.attn.proj`, vision.hiddenSize, vision.hiddenSize, visionGain);
    vector(`${block}.norm2.weight`, vision.hiddenSize, 1);
    linear(`${block}.mlp.gate_proj`, vision.intermediateSize, vision.hiddenSize);
    linear(`${block}.mlp.up_proj`, vision.intermediateSize, vision.hiddenSize);
    linear(`${block}.mlp.down_proj`, vision.hiddenSize, vision.intermediateSize, visionGain);
  }
  const merged = vision.hiddenSize * vision.spatialMergeSize ** 2;
  vector("visual.merger.ln_q.weight", vision.hiddenSize, 1);
  linear("visual.merger.mlp.0", merged, merged);
  linear("visual.merger.mlp.2", config.hiddenSize, merged);

  const keyValueSize = config.numKeyValueHeads * headDim(config);
  const gain = 1 / Math.sqrt(2 * config.numHiddenLayers);
  const embedding = (name: string): void => {
    const shape = [config.vocabSize, config.hiddenSize];
    specs.push({ name, shape, matrix: shape, std: 1 / Math.sqrt(config.hiddenSize), fill: 0, decays: true });
  };
  embedding("model.embed_tokens.weight");
  for (let i = 0; i < config.numHiddenLayers; i++) {
    const layer = `model.layers.${i}`;
    vector(`${layer}.input_layernorm.weight`, config.hiddenSize, 1);
    linear(`${layer}.self_attn.q_proj`, config.hiddenSize, config.hiddenSize);
    linear(`${layer}.self_attn.k_proj`, keyValueSize, config.hiddenSize);
    linear(`${layer}.self_attn.v_proj`, keyValueSize, config.hiddenSize);
    matrix(`${layer}.self_attn.o_proj`, config.hiddenSize, config.hiddenSize, gain);
    vector(`${layer}.post_attention_layernorm.weight`, config.hiddenSize, 1);
    matrix(`${layer}.mlp.gate_proj`, config.intermediateSize, config.hiddenSize);
    matrix(`${layer}.mlp.up_proj`, config.intermediateSize, config.hiddenSize);
    matrix(`${layer}.mlp.down_proj`, config.hiddenSize, config.intermediateSize, gain);
  }
  vector("model.norm.weight", config.hiddenSize, 1);
  if (!config.tieWordEmbeddings) embedding("lm_head.weight");
  return specs;
}

/** First weights: normal with variance 1 / fan-in, residual outputs scaled by depth, norms 1, biases 0. */
export function drawParameters(specs: readonly ParameterSpec[], random: Random): Map<string, Float32Array> {
  const weights = new Map<string, Float32Array>();
  for (const spec of specs) {
    const data = new Float32Array(spec.shape.reduce((n, d) => n * d, 1)).fill(spec.fill);
    if (spec.std > 0) for (let i = 0; i < data.length; i++) data[i] = random.normal() * spec.std;
    weights.set(spec.name, data);
  }
  return weights;
}
