// What the vision tower, the training graph and the sampling graph share: named weights and the two kinds of layer.
import type { Dim, Graph, Tensor } from "../../onnx/graph.ts";
import { rmsNorm, rotary, type RotaryTables } from "../../onnx/layers.ts";
import { add, linear, mul, reshape, silu, transpose } from "../../onnx/ops.ts";
import { headDim, type Qwen25VLConfig } from "./config.ts";
import { parameterSpecs } from "./parameters.ts";

/** Looks a weight up by its Hugging Face name. */
export type Weights = (name: string) => Tensor;

/** Declares the weights whose name passes `filter` as inputs of the graph. */
export function weightInputs(
  graph: Graph,
  config: Qwen25VLConfig,
  filter: (name: string) => boolean = () => true,
): { weights: Weights; names: string[]; tensors: Tensor[] } {
  const byName = new Map<string, Tensor>();
  for (const spec of parameterSpecs(config))
    if (filter(spec.name)) byName.set(spec.name, graph.input(spec.name, "float32", spec.matrix));
  const weights: Weights = (name) => {
    const tensor = byName.get(name);
    if (tensor === undefined) throw new Error(`internal: no weight ${name}`);
    return tensor;
  };
  return { weights, names: [...byName.keys()], tensors: [...byName.values()] };
}

/** The matrix that turns hidden states into logits. */
export function headWeight(config: Qwen25VLConfig): string {
  return config.tieWordEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight";
}

/** SwiGLU: down(silu(gate x) * up x), with or without biases. x is [N, D]. */
export function swiGlu(x: Tensor, w: Weights, prefix: string, biased: boolean): Tensor {
  const project = (t: Tensor, name: string): Tensor =>
    linear(t, w(`${prefix}.${name}.weight`), biased ? w(`${prefix}.${name}.bias`) : undefined);
  return project(mul(silu(project(x, "gate_proj")), project(x, "up_proj")), "down_proj");
}

/** Tokens laid out as rows [B * T, ...] of sequences: `spec` is the int64 tensor [B, T], known when the graph runs. */
export interface Layout {
  readonly spec: Tensor;
  readonly batch: Dim;
  readonly length: Dim;
}

/** Extends a layout's [B, T] by static axes, as the argument of a reshape. */
function withAxes(layout: Layout, axes: readonly number[]): Tensor {
  const { graph } = layout.spec;
  const shape = [2 + axes.length];
  return graph.append("Concat", [layout.spec, graph.ints(axes)], [{ type: "int64", shape }], {
    axis: { int: 0 },
  })[0] as Tensor;
}

/** [B * T, heads * D] to [B, heads, T, D]. */
export function splitHeads(x: Tensor, heads: number, size: number, layout: Layout): Tensor {
  const split = reshape(x, withAxes(layout, [heads, size]), [layout.batch, layout.length, heads, size]);
  return transpose(split, [0, 2, 1, 3]);
}

/** [B, heads, T, D] to [B * T, heads * D]. */
export function joinHeads(x: Tensor, heads: number, size: number, rows: Dim): Tensor {
  return reshape(transpose(x, [0, 2, 1, 3]), [-1, heads * size], [rows, heads * size]);
}

/**
 * Grouped-query layout: [B * T, kv * groups * D] to [B, kv, groups * T, D], so that the queries of one group meet their
 * shared key head in one product and keys are never repeated.
 */
export function splitQueryGroups(x: Tensor, config: Qwen25VLConfig, layout: Layout): Tensor {
  const kv = config.numKeyValueHeads;
  const groups = config.numAttentionHeads / kv;
  const d = headDim(config);
  const split = reshape(x, withAxes(layout, [kv, groups, d]), [layout.batch, layout.length, kv, groups, d]);
  return reshape(transpose(split, [0, 2, 3, 1, 4]), [0, 0, -1, d], [layout.batch, kv, "groups*length", d]);
}

/** [B, kv, groups * T, D] back to [B * T, kv * groups * D]. */
export function joinQueryGroups(x: Tensor, config: Qwen25VLConfig, layout: Layout, rows: Dim): Tensor {
  const kv = config.numKeyValueHeads;
  const groups = config.numAttentionHeads / kv;
  const d = headDim(config);
  const split = reshape(x, [0, 0, groups, -1, d], [layout.batch, kv, groups, layout.length, d]);
  return reshape(transpose(split, [0, 3, 1, 2, 4]), [-1, config.hiddenSize], [rows, config.hiddenSize]);
}

/** Adds a bias over keys to scores [B, kv, groups * T, K]; bias broadcasts against [B, kv, groups, T, K]. */
export function addBias(scores: Tensor, bias: Tensor, config: Qwen25VLConfig, layout: Layout): Tensor {
  const kv = config.numKeyValueHeads;
  const groups = config.numAttentionHeads / kv;
  const keys = scores.shape[3] as Dim;
  const { apart, joined } = scoreShapes(bias, kv, groups, layout);
  const split = reshape(scores, apart, [layout.batch, kv, groups, layout.length, keys]);
  return reshape(add(split, bias), joined, scores.shape);
}

interface ScoreShapes {
  /** [B, kv, groups, -1, K] */
  readonly apart: Tensor;
  /** [B, kv, -1, K] */
  readonly joined: Tensor;
}

const shapesOfBias = new WeakMap<Tensor, ScoreShapes>();

/** Worked out once for all layers, which share the bias: on a step of one token a node costs more than its numbers. */
function scoreShapes(bias: Tensor, kv: number, groups: number, layout: Layout): ScoreShapes {
  let shapes = shapesOfBias.get(bias);
  if (shapes === undefined) {
    const batch = pickAxis(layout.spec, 0);
    const keys = pickAxis(runtimeShape(bias), bias.shape.length - 1);
    const concat = (middle: readonly number[]): Tensor =>
      joinShape([batch, bias.graph.ints(middle), keys], 2 + middle.length);
    shapes = { apart: concat([kv, groups, -1]), joined: concat([kv, -1]) };
    shapesOfBias.set(bias, shapes);
  }
  return shapes;
}

/** The shape of a tensor when the graph runs. */
export function runtimeShape(x: Tensor): Tensor {
  return x.graph.append("Shape", [x], [{ type: "int64", shape: [x.shape.length] }])[0] as Tensor;
}

/** One axis of a shape, as a shape of one axis. */
export function pickAxis(shape: Tensor, axis: number): Tensor {
  const picked = [{ type: "int64" as const, shape: [1] }];
  return shape.graph.append("Gather", [shape, shape.graph.ints([axis])], picked)[0] as Tensor;
}

export function joinShape(parts: readonly Tensor[], axes: number): Tensor {
  const { graph } = parts[0] as Tensor;
  return graph.append("Concat", parts, [{ type: "int64", shape: [axes] }], { axis: { int: 0 } })[0] as Tensor;
}

/** How one decoder layer attends: given rotated queries, keys and values as rows, returns the attended rows. */
export type Attend = (q: Tensor, k: Tensor, v: Tensor, layer: number) => Tensor;

/** All decoder layers over rows x [N, D], without the final norm. */
export function decoderLayers(
  x: Tensor,
  w: Weights,
  config: Qwen25VLConfig,
  tables: RotaryTables,
  attend: Attend,
): Tensor {
  for (let i = 0; i < config.numHiddenLayers; i++) {
    const layer = `model.layers.${i}`;
    const attention = `${layer}.self_attn`;
    const h = rmsNorm(x, w(`${layer}.input_layernorm.weight`), config.rmsNormEps);
    const project = (name: string): Tensor =>
      linear(h, w(`${attention}.${name}_proj.weight`), w(`${attention}.${name}_proj.bias`));
    const attended = attend(rotary(project("q"), tables), rotary(project("k"), tables), project("v"), i);
    x = add(x, linear(attended, w(`${attention}.o_proj.weight`)));
    const normed = rmsNorm(x, w(`${layer}.post_attention_layernorm.weight`), config.rmsNormEps);
    x = add(x, swiGlu(normed, w, `${layer}.mlp`, false));
  }
  return x;
}
