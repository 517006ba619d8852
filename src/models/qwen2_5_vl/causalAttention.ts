// Causal attention over right-padded sequences, in blocks of queries: a block meets only the keys up to its own end, so
// with four blocks 5/8 of all scores are computed. Queries are rows (time, head of the group): a block is a stretch of
// rows, and the heads of a group meet their shared key head in one product.
import type { Graph, Tensor } from "../../onnx/graph.ts";
import { attention } from "../../onnx/layers.ts";
import { concat, prefix, reshape, split } from "../../onnx/ops.ts";
import { headDim, type Qwen25VLConfig } from "./config.ts";
import { joinHeads, splitHeads, type Attend, type Layout } from "./graphParts.ts";

export const CAUSAL_BLOCKS = 4;

/**
 * Declares three inputs: `blockEnds` [CAUSAL_BLOCKS], the time at which each block of queries ends, `blockRows`, the rows of
 * each block (T * groups in all; blocks may be empty), and `causalBias` [T * groups, T], added to the scores.
 */
export function causalAttention(graph: Graph, config: Qwen25VLConfig, layout: Layout): Attend {
  const kv = config.numKeyValueHeads;
  const groups = config.numAttentionHeads / kv;
  const d = headDim(config);
  const sizes = graph.input("blockRows", "int64", [CAUSAL_BLOCKS]);
  const symbols = Array.from({ length: CAUSAL_BLOCKS }, (_, i) => `rows${i}`);
  const ends = graph.input("blockEnds", "int64", [CAUSAL_BLOCKS]);
  const end = [...symbols.keys()].map(
    (i) => graph.append("Gather", [ends, graph.ints([i])], [{ type: "int64", shape: [1] }])[0] as Tensor,
  );
  const bias = split(graph.input("causalBias", "float32", ["queries", "length"]), 0, sizes, symbols).map(
    (rows, i) => prefix(rows, 1, end[i] as Tensor, `keys${i}`),
  );
  return (q, k, v) => {
    const byTime = reshape(
      splitHeads(q, kv, groups * d, layout),
      [0, 0, -1, d],
      [layout.batch, kv, "queries", d],
    );
    const keys = splitHeads(k, kv, d, layout);
    const values = splitHeads(v, kv, d, layout);
    const blocks = split(byTime, 2, sizes, symbols).map((queries, i) => {
      const seen = (t: Tensor): Tensor => prefix(t, 2, end[i] as Tensor, `keys${i}`);
      return attention(queries, seen(keys), seen(values), bias[i] as Tensor);
    });
    const joined = concat(blocks, 2, sizes, "queries");
    const heads = reshape(joined, [0, 0, -1, groups * d], [layout.batch, kv, layout.length, groups * d]);
    return joinHeads(heads, kv, groups * d, "rows");
  };
}
