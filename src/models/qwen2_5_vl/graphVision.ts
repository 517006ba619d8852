// The vision tower: patch embedding, blocks with 2-D rotary positions that attend inside windows or over the whole
// image, and the merger that makes one token of 2x2 patches. Images are rows of one padded batch [I, L]; which patches
// see each other is a bias, so that windows need no reordering.
import type { Graph, Tensor } from "../../onnx/graph.ts";
import { attention, rmsNorm, rotary } from "../../onnx/layers.ts";
import { add, gelu, linear, reshape, splitLast } from "../../onnx/ops.ts";
import { visionHeadDim, type Qwen25VLConfig } from "./config.ts";
import { joinHeads, splitHeads, swiGlu, type Layout, type Weights } from "./graphParts.ts";

const VISION_NORM_EPS = 1e-6;

/** @returns features [I * L / 4, hiddenSize], one row per merged cell, padding included. */
export function visionTower(graph: Graph, w: Weights, config: Qwen25VLConfig): Tensor {
  const { vision } = config;
  const d = visionHeadDim(config);
  const patchValues = vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2;
  const patches = graph.input("patches", "float32", ["patches", patchValues]);
  const tables = {
    cos: graph.input("patchCos", "float32", ["patches", d / 2]),
    sin: graph.input("patchSin", "float32", ["patches", d / 2]),
    rows: graph.input("patchRows", "int64", [1, "patches"]),
  };
  const windowBias = graph.input("windowBias", "float32", ["images", 1, "imageLength", "imageLength"]);
  const imageBias = graph.input("imageBias", "float32", ["images", 1, "imageLength", "imageLength"]);
  const shape = graph.append("Shape", [imageBias], [{ type: "int64", shape: [4] }])[0] as Tensor;
  const spec = graph.append(
    "Gather",
    [shape, graph.ints([0, 2])],
    [{ type: "int64", shape: [2] }],
  )[0] as Tensor;
  const layout: Layout = { spec, batch: "images", length: "imageLength" };

  let x = linear(patches, w("visual.patch_embed.proj.weight"));
  for (let i = 0; i < vision.depth; i++) {
    const block = `visual.blocks.${i}`;
    const h = rmsNorm(x, w(`${block}.norm1.weight`), VISION_NORM_EPS);
    const qkv = linear(h, w(`${block}.attn.qkv.weight`), w(`${block}.attn.qkv.bias`));
    const [q, k, v] = splitLast(qkv, 3) as [Tensor, Tensor, Tensor];
    const heads = (t: Tensor): Tensor => splitHeads(t, vision.numHeads, d, layout);
    const bias = vision.fullAttentionBlocks.includes(i) ? imageBias : windowBias;
    const mixed = attention(heads(rotary(q, tables)), heads(rotary(k, tables)), heads(v), bias);
    const attended = joinHeads(mixed, vision.numHeads, d, "patches");
    x = add(x, linear(attended, w(`${block}.attn.proj.weight`), w(`${block}.attn.proj.bias`)));
    x = add(x, swiGlu(rmsNorm(x, w(`${block}.norm2.weight`), VISION_NORM_EPS), w, `${block}.mlp`, true));
  }
  const merged = vision.hiddenSize * vision.spatialMergeSize ** 2;
  const normed = rmsNorm(x, w("visual.merger.ln_q.weight"), VISION_NORM_EPS);
  const cells = reshape(normed, [-1, merged], ["cells", merged]);
  const hidden = gelu(linear(cells, w("visual.merger.mlp.0.weight"), w("visual.merger.mlp.0.bias")));
  return linear(hidden, w("visual.merger.mlp.2.weight"), w("visual.merger.mlp.2.bias"));
}
