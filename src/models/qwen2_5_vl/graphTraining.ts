// The training graph: padded sequences in, the summed loss, per-token log-probabilities and the gradient of every weight
// out; and its forward half alone. Only rows that predict a trained token reach the head.
import { Graph, type Tensor } from "../../onnx/graph.ts";
import { gradients } from "../../onnx/gradients.ts";
import { embedding, insertRows, rmsNorm, softmax, sum, takeRows, tokenLogprobs } from "../../onnx/layers.ts";
import { add, linear, matmul, mul } from "../../onnx/ops.ts";
import { causalAttention } from "./causalAttention.ts";
import { headDim, type Qwen25VLConfig } from "./config.ts";
import {
  addBias,
  decoderLayers,
  headWeight,
  joinQueryGroups,
  joinShape,
  pickAxis,
  runtimeShape,
  splitHeads,
  splitQueryGroups,
  weightInputs,
  type Layout,
} from "./graphParts.ts";
import { lossTerms, type TrainingLoss } from "./graphLosses.ts";
import { visionTower } from "./graphVision.ts";

export interface CompilableGraph {
  readonly graph: Graph;
  /** Weights that it takes. */
  readonly names: readonly string[];
}

/**
 * Every weight that it takes gets a gradient `d_<name>`.
 * @param images batches without any image run a graph that has no vision tower
 * @param differentiate what grows the backward half; tests hand in a faulty one to see that it is noticed
 */
export function trainingGraph(
  config: Qwen25VLConfig,
  loss: TrainingLoss,
  images: boolean,
  differentiate: typeof gradients = gradients,
): CompilableGraph {
  const graph = new Graph();
  const { logprobs, entropy, names, tensors } = trainedTokens(graph, config, images);
  const mask = graph.input("mask", "float32", ["trained"]);
  const total = sum(mul(lossTerms(graph, loss, logprobs), mask));
  graph.output("loss", total);
  graph.output("logprobs", logprobs);
  graph.output("entropy", entropy);
  differentiate(total, tensors).forEach((g, i) => graph.output(`d_${names[i]}`, g));
  return { graph, names };
}

/** The log-probabilities of the training graph and nothing else. */
export function forwardGraph(config: Qwen25VLConfig, images: boolean): CompilableGraph {
  const graph = new Graph();
  const { logprobs, names } = trainedTokens(graph, config, images);
  graph.output("logprobs", logprobs);
  return { graph, names };
}

interface TrainedTokens {
  /** [trained]. */
  readonly logprobs: Tensor;
  readonly entropy: Tensor;
  /** The weights that take part. */
  readonly names: readonly string[];
  readonly tensors: readonly Tensor[];
}

/** From token ids and pictures to what the model thinks of the trained tokens. */
function trainedTokens(graph: Graph, config: Qwen25VLConfig, images: boolean): TrainedTokens {
  const {
    weights: w,
    names,
    tensors,
  } = weightInputs(graph, config, (name) => images || !name.startsWith("visual."));
  const d = headDim(config);
  const ids = graph.input("ids", "int64", ["rows"]);
  const tables = {
    cos: graph.input("cos", "float32", ["rows", d / 2]),
    sin: graph.input("sin", "float32", ["rows", d / 2]),
    rows: graph.input("rowIds", "int64", [1, "rows"]),
  };
  const layout: Layout = { spec: graph.input("layout", "int64", [2]), batch: "batch", length: "length" };

  let x = embedding(w("model.embed_tokens.weight"), ids);
  if (images) {
    const features = visionTower(graph, w, config);
    const used = takeRows(features, graph.input("featureRows", "int64", ["features"]));
    x = insertRows(x, graph.input("imageRows", "int64", ["features"]), used);
  }
  x = decoderLayers(x, w, config, tables, causalAttention(graph, config, layout));

  const trained = takeRows(x, graph.input("trainedRows", "int64", ["trained"]));
  const hidden = rmsNorm(trained, w("model.norm.weight"), config.rmsNormEps);
  const logits = linear(hidden, w(headWeight(config)));
  const predicted = tokenLogprobs(logits, graph.input("targets", "int64", ["trained"]));
  return { ...predicted, names, tensors };
}

/** The vision tower alone, for sampling: features of each image are computed once. */
export function visionGraph(config: Qwen25VLConfig): CompilableGraph {
  const graph = new Graph();
  const { weights, names } = weightInputs(graph, config, (name) => name.startsWith("visual."));
  graph.output("features", visionTower(graph, weights, config));
  return { graph, names };
}

/**
 * One step of sampling over S new tokens per row with P cached ones: prefill, observations and decoding (S = 1) alike.
 * New keys and values are outputs; the caller appends them to its cache.
 */
export function samplingGraph(config: Qwen25VLConfig): CompilableGraph {
  const graph = new Graph();
  const { weights: w, names } = weightInputs(
    graph,
    config,
    (name) =>
      !name.startsWith("visual.") && (name !== "model.embed_tokens.weight" || config.tieWordEmbeddings),
  );
  const d = headDim(config);
  const kv = config.numKeyValueHeads;
  const embedded = graph.input("embedded", "float32", ["rows", config.hiddenSize]);
  const tables = {
    cos: graph.input("cos", "float32", ["rows", d / 2]),
    sin: graph.input("sin", "float32", ["rows", d / 2]),
    rows: graph.input("rowIds", "int64", [1, "rows"]),
  };
  const layout: Layout = { spec: graph.input("layout", "int64", [2]), batch: "batch", length: "length" };
  const bias = graph.input("bias", "float32", ["batch", 1, 1, "length", "keys"]);
  let counts: Tensor | undefined;
  const hidden = decoderLayers(embedded, w, config, tables, (q, k, v, layer) => {
    const past = (name: string): Tensor =>
      graph.input(`past${name}${layer}`, "float32", ["batch", kv, "past", d]);
    const pastKeys = past("Key");
    const pastValues = past("Value");
    const keys = splitHeads(k, kv, d, layout);
    const values = splitHeads(v, kv, d, layout);
    graph.output(`newKey${layer}`, keys);
    graph.output(`newValue${layer}`, values);
    const queries = splitQueryGroups(q, config, layout);
    const alpha = 1 / Math.sqrt(d);
    // Scores over old and new keys are joined, not the keys: the cache is read in place and never copied.
    const scores = joinKeys(
      matmul(queries, pastKeys, { transB: true, alpha }),
      matmul(queries, keys, { transB: true, alpha }),
    );
    const p = softmax(addBias(scores, bias, config, layout));
    counts ??= keyCounts(pastKeys, layout);
    const [old, fresh] = splitKeys(p, counts);
    return joinQueryGroups(add(matmul(old, pastValues), matmul(fresh, values)), config, layout, "rows");
  });
  const last = takeRows(hidden, graph.input("lastRows", "int64", ["batch"]));
  graph.output(
    "logits",
    linear(rmsNorm(last, w("model.norm.weight"), config.rmsNormEps), w(headWeight(config))),
  );
  return { graph, names };
}

function joinKeys(a: Tensor, b: Tensor): Tensor {
  const shape = [...a.shape.slice(0, -1), "keys"];
  return a.graph.append("Concat", [a, b], [{ type: "float32", shape }], { axis: { int: -1 } })[0] as Tensor;
}

/** How many keys are cached and how many are new, [P, S]; the same in every layer. */
function keyCounts(pastKeys: Tensor, layout: Layout): Tensor {
  return joinShape([pickAxis(runtimeShape(pastKeys), 2), pickAxis(layout.spec, 1)], 2);
}

/** Cuts probabilities [.., P + S] where the cached keys end and the new ones begin. */
function splitKeys(p: Tensor, counts: Tensor): [Tensor, Tensor] {
  const lead = p.shape.slice(0, -1);
  const parts = [
    { type: "float32" as const, shape: [...lead, "past"] },
    { type: "float32" as const, shape: [...lead, "length"] },
  ];
  return p.graph.append("Split", [p, counts], parts, { axis: { int: -1 } }) as [Tensor, Tensor];
}
