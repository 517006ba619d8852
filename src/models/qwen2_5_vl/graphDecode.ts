// The graph of one decoding step: one token a row over its cached keys and values. It runs more often than any other, on
// little data, so it is built for that: the weights are part of it (ONNX Runtime packs them once), products that share
// an input are one, and attention meets each query on its own, for which the runtime reads the cache in place.
import { Graph, type Tensor } from "../../onnx/graph.ts";
import { rmsNorm, softmax } from "../../onnx/layers.ts";
import { append, raw } from "../../onnx/nodes.ts";
import { add, linear, mul, reshape, scale } from "../../onnx/ops.ts";
import { headDim, type Qwen25VLConfig } from "./config.ts";
import { headWeight, joinShape, pickAxis, runtimeShape } from "./graphParts.ts";
import { parameterSpecs } from "./parameters.ts";

/** Inputs per layer are `pastKey<i>` and `pastValue<i>`, [rows, kv, 1, P, D]; outputs `newKey<i>`, `newValue<i>`. */
export function decodeGraph(config: Qwen25VLConfig, values: (name: string) => Float32Array): Graph {
  const graph = new Graph();
  const stack = weightStacks(graph, config, values);
  const rows = "rows";
  const [width, d, kv] = [config.hiddenSize, headDim(config), config.numKeyValueHeads];
  const groups = config.numAttentionHeads / kv;
  const norm = (x: Tensor, name: string): Tensor => rmsNorm(x, stack([`${name}.weight`]), config.rmsNormEps);

  const ids = graph.input("ids", "int64", [rows]);
  const position = graph.input("rowIds", "int64", [1, rows]);
  const cos = graph.input("cos", "float32", [rows, d / 2]);
  const sin = graph.input("sin", "float32", [rows, d / 2]);
  const bias = graph.input("bias", "float32", [rows, 1, 1, 1, "keys"]);

  /** Queries and keys side by side, [N, (heads + kv) * D], turned in one go. */
  const turn = (x: Tensor): Tensor => {
    const flat = append("Unsqueeze", [x, graph.ints([0])], "float32", [1, ...x.shape]);
    return append("RotaryEmbedding", [flat, position, cos, sin], "float32", flat.shape, {}, "com.microsoft");
  };
  /** One product per query: ONNX Runtime has a kernel for a single row that does not copy the matrix first. */
  const product = (a: Tensor, b: Tensor, transB: boolean): Tensor => {
    const shape = [rows, kv, groups, 1, transB ? (b.shape[3] as string) : d];
    return append(
      "FusedMatMul",
      [a, b],
      "float32",
      shape,
      { transB: { int: Number(transB) } },
      "com.microsoft",
    );
  };

  let counts: Tensor | undefined;
  const attend = (h: Tensor, i: number): Tensor => {
    const prefix = `model.layers.${i}.self_attn`;
    const parts = (kind: string): Tensor => stack(["q", "k", "v"].map((n) => `${prefix}.${n}_proj.${kind}`));
    const projected = linear(h, parts("weight"), parts("bias"));
    const [queriesAndKeys, value] = cut(projected, [width + kv * d, kv * d]);
    const [query, key] = cut(turn(queriesAndKeys as Tensor), [width, kv * d]);
    const heads = (x: Tensor, group: number): Tensor =>
      reshape(x, [-1, kv, group, 1, d], [rows, kv, group, 1, d]);
    const q = scale(heads(query as Tensor, groups), 1 / Math.sqrt(d));
    const fresh = { Key: heads(key as Tensor, 1), Value: heads(value as Tensor, 1) };
    const past = { Key: pastInput(graph, "Key", i, kv, d), Value: pastInput(graph, "Value", i, kv, d) };
    graph.output(`newKey${i}`, fresh.Key);
    graph.output(`newValue${i}`, fresh.Value);
    // Scores over old and new keys are joined, not the keys: the cache is read in place and never copied.
    const scores = append(
      "Concat",
      [product(q, past.Key, true), product(q, fresh.Key, true)],
      "float32",
      [rows, kv, groups, 1, "keys"],
      { axis: { int: -1 } },
    );
    counts ??= joinShape([pickAxis(runtimeShape(past.Key), 3), graph.ints([1])], 2);
    const [old, own] = graph.append(
      "Split",
      [softmax(add(scores, bias)), counts],
      ["past", 1].map((keys) => ({ type: "float32" as const, shape: [rows, kv, groups, 1, keys] })),
      { axis: { int: -1 } },
    ) as [Tensor, Tensor];
    const weighted = add(product(old, past.Value, false), mul(own, fresh.Value));
    return linear(reshape(weighted, [-1, width], [rows, width]), stack([`${prefix}.o_proj.weight`]));
  };
  const swiGlu = (h: Tensor, i: number): Tensor => {
    const prefix = `model.layers.${i}.mlp`;
    const both = linear(h, stack(["gate", "up"].map((name) => `${prefix}.${name}_proj.weight`)));
    const [gate, up] = cut(both, [config.intermediateSize, config.intermediateSize]) as [Tensor, Tensor];
    const activated = append(
      "QuickGelu",
      [gate],
      "float32",
      gate.shape,
      { alpha: { float: 1 } },
      "com.microsoft",
    );
    return linear(mul(activated, up), stack([`${prefix}.down_proj.weight`]));
  };

  let x = append("Gather", [stack(["model.embed_tokens.weight"]), ids], "float32", [rows, width]);
  for (let i = 0; i < config.numHiddenLayers; i++) {
    x = add(x, attend(norm(x, `model.layers.${i}.input_layernorm`), i));
    x = add(x, swiGlu(norm(x, `model.layers.${i}.post_attention_layernorm`), i));
  }
  const logits = linear(norm(x, "model.norm"), stack([headWeight(config)]));
  const logprobs = append("LogSoftmax", [logits], "float32", logits.shape, { axis: { int: -1 } });
  graph.output("logprobs", logprobs);
  graph.output("probabilities", raw("Exp", logprobs));
  return graph;
}

function pastInput(graph: Graph, kind: "Key" | "Value", layer: number, kv: number, d: number): Tensor {
  return graph.input(`past${kind}${layer}`, "float32", ["rows", kv, 1, "past", d]);
}

/** Cuts the last axis. */
function cut(x: Tensor, sizes: readonly number[]): Tensor[] {
  const lead = x.shape.slice(0, -1);
  const results = sizes.map((size) => ({ type: "float32" as const, shape: [...lead, size] }));
  return x.graph.append("Split", [x, x.graph.ints(sizes)], results, { axis: { int: -1 } });
}

/** Weights of the model as parts of the graph, each stack of them once: one above the other along the first axis. */
function weightStacks(
  graph: Graph,
  config: Qwen25VLConfig,
  values: (name: string) => Float32Array,
): (names: readonly string[]) => Tensor {
  const specs = new Map(parameterSpecs(config).map((spec) => [spec.name, spec]));
  const made = new Map<string, Tensor>();
  return (names) => {
    const key = names.join("+");
    const known = made.get(key);
    if (known !== undefined) return known;
    const parts = names.map(values);
    const shapes = names.map((name) => specs.get(name)?.matrix ?? []);
    const joined = new Float32Array(parts.reduce((n, part) => n + part.length, 0));
    let at = 0;
    for (const part of parts) {
      joined.set(part, at);
      at += part.length;
    }
    const height = shapes.reduce((n, shape) => n + (shape[0] as number), 0);
    const tensor = graph.weights(key, joined, [height, ...(shapes[0] as readonly number[]).slice(1)]);
    made.set(key, tensor);
    return tensor;
  };
}
