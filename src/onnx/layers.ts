// Differentiable operations of a transformer: rows of tables, RMSNorm, attention, rotary positions, token log-probabilities.
// As in ops.ts each records its vector-Jacobian product and is checked against finite differences.
import type { Shape, Tensor } from "./graph.ts";
import {
  append,
  CONTRIB,
  dim,
  oneHot,
  raw,
  rawBinary,
  rawMatmul,
  record,
  reduce,
  shapeOf,
  sumRows,
  zerosLike,
} from "./nodes.ts";

// --- rows ---------------------------------------------------------------------------------------------------------

/** Rows of table [V, D] by ids [N]. The gradient is a product with the one-hot matrix: deterministic, unlike scatter. */
export function embedding(table: Tensor, ids: Tensor): Tensor {
  const y = append("Gather", [table, ids], "float32", [dim(ids, 0), dim(table, 1)], { axis: { int: 0 } });
  return record([table], y, ([g]) => [
    append("Gemm", [oneHot(ids, dim(table, 0)), g as Tensor], "float32", table.shape, { transA: { int: 1 } }),
  ]);
}

/** Rows of x [N, D] by ids [M], each used at most once. */
export function takeRows(x: Tensor, ids: Tensor): Tensor {
  const y = append("Gather", [x, ids], "float32", [dim(ids, 0), dim(x, 1)], { axis: { int: 0 } });
  return record([x], y, ([g]) => [scatterRows(zerosLike(x), ids, g as Tensor)]);
}

/** x [N, D] with the rows `ids` [M] (each once) replaced by `rows` [M, D]. */
export function insertRows(x: Tensor, ids: Tensor, rows: Tensor): Tensor {
  return record([x, rows], scatterRows(x, ids, rows), ([gradient]) => {
    const g = gradient as Tensor;
    const taken = append("Gather", [g, ids], "float32", rows.shape, { axis: { int: 0 } });
    return [scatterRows(g, ids, zerosLike(rows)), taken];
  });
}

function scatterRows(x: Tensor, ids: Tensor, rows: Tensor): Tensor {
  const column = append("Unsqueeze", [ids, x.graph.ints([1])], "int64", [dim(ids, 0), 1]);
  return append("ScatterND", [x, column, rows], "float32", x.shape);
}

// --- normalisation and attention ----------------------------------------------------------------------------------

/** x [N, D] / rms(x) * weight [D] (RMSNorm). With h = x / rms: dx = (g w - h mean(g w h)) / rms. */
export function rmsNorm(x: Tensor, weight: Tensor, epsilon: number): Tensor {
  const [y, inverse] = x.graph.append(
    "SimplifiedLayerNormalization",
    [x, weight],
    [x, { type: "float32", shape: [...x.shape.slice(0, -1), 1] }],
    { axis: { int: -1 }, epsilon: { float: epsilon } },
  ) as [Tensor, Tensor];
  return record([x, weight], y, ([gradient]) => {
    const g = gradient as Tensor;
    const h = rawBinary("Mul", x, inverse);
    const gh = rawBinary("Mul", g, h);
    const column = append("Unsqueeze", [weight, x.graph.ints([1])], "float32", [dim(weight, 0), 1]);
    const mean = rawMatmul(gh, column, { alpha: 1 / (dim(weight, 0) as number) });
    const gw = rawBinary("Mul", g, weight);
    const dx = rawBinary("Mul", rawBinary("Sub", gw, rawBinary("Mul", h, mean)), inverse);
    return [dx, sumRows(gh)];
  });
}

/** Over the last axis. dx = y (g - sum(g y)). */
export function softmax(x: Tensor): Tensor {
  const y = append("Softmax", [x], "float32", x.shape, { axis: { int: -1 } });
  return record([x], y, ([gradient]) => {
    const gy = rawBinary("Mul", gradient as Tensor, y);
    const total = reduce("ReduceSum", gy, [-1], [...x.shape.slice(0, -1), 1]);
    return [rawBinary("Sub", gy, rawBinary("Mul", y, total))];
  });
}

/**
 * softmax(q k' / sqrt(D) + bias) v over q [B, H, M, D], k and v [B, H, K, D]; the bias broadcasts against [B, H, M, K] and
 * gets no gradient. With p the probabilities, o the result and g its gradient: dv = p' g, and the scores' gradient is
 * p (g v' - sum(g o)): the sum over keys of p (g v') is taken over D numbers instead (arXiv 2205.14135, appendix B).
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor): Tensor {
  const alpha = 1 / Math.sqrt(dim(q, -1) as number);
  const scores = rawBinary("Add", rawMatmul(q, k, { transB: true, alpha }), bias);
  const p = append("Softmax", [scores], "float32", scores.shape, { axis: { int: -1 } });
  const o = rawMatmul(p, v);
  return record([q, k, v], o, ([gradient]) => {
    const g = gradient as Tensor;
    const sums = reduce("ReduceSum", rawBinary("Mul", g, o), [-1], [...o.shape.slice(0, -1), 1]);
    const ds = rawBinary("Mul", p, rawMatmul(...subtracting(g, v, sums), { transB: true }));
    return [
      rawMatmul(ds, k, { alpha }),
      rawMatmul(ds, q, { transA: true, alpha }),
      rawMatmul(p, g, { transA: true }),
    ];
  });
}

/** Operands of g v' - sums with a column more, [g sums] [v -1]': a pass over all scores less than to subtract. */
function subtracting(g: Tensor, v: Tensor, sums: Tensor): [Tensor, Tensor] {
  const wider = (t: Tensor): Shape => [...t.shape.slice(0, -1), (dim(t, -1) as number) + 1];
  const { graph } = g;
  return [
    append("Concat", [g, sums], "float32", wider(g), { axis: { int: -1 } }),
    append("Pad", [v, graph.ints([0, 1]), graph.scalar(-1), graph.ints([-1])], "float32", wider(v)),
  ];
}

export interface RotaryTables {
  /** [N, D / 2]: row n holds the cosines of token n's angles, whatever positions (1-D, 2-D, M-RoPE) made them. */
  readonly cos: Tensor;
  readonly sin: Tensor;
  /** [1, N]: 0, 1, ..., N - 1. */
  readonly rows: Tensor;
}

/** Rotates the halves of every head of x [N, heads * D] (the convention of `rotate_half`). Inverse: the sines negated. */
export function rotary(x: Tensor, tables: RotaryTables): Tensor {
  const rotate = (t: Tensor, sin: Tensor): Tensor => {
    const flat = append("Unsqueeze", [t, t.graph.ints([0])], "float32", [1, ...t.shape]);
    const turned = append(
      "RotaryEmbedding",
      [flat, tables.rows, tables.cos, sin],
      "float32",
      flat.shape,
      {},
      CONTRIB,
    );
    return append("Squeeze", [turned, t.graph.ints([0])], "float32", t.shape);
  };
  return record([x], rotate(x, tables.sin), ([g]) => [rotate(g as Tensor, raw("Neg", tables.sin))]);
}

// --- losses -------------------------------------------------------------------------------------------------------

/**
 * ln p of the target token and the entropy (nats) of the distribution, per row of logits [N, V], targets [N].
 * No gradient flows through the entropy. d ln p / d logits = onehot - softmax.
 */
export function tokenLogprobs(logits: Tensor, targets: Tensor): { logprobs: Tensor; entropy: Tensor } {
  const rows = dim(logits, 0);
  const all = append("LogSoftmax", [logits], "float32", logits.shape, { axis: { int: -1 } });
  const p = raw("Exp", all);
  const column = append("Unsqueeze", [targets, logits.graph.ints([1])], "int64", [rows, 1]);
  const picked = append("GatherElements", [all, column], "float32", [rows, 1], { axis: { int: 1 } });
  const logprobs = append("Squeeze", [picked, logits.graph.ints([1])], "float32", [rows]);
  const entropy = raw("Neg", reduce("ReduceSum", rawBinary("Mul", p, all), [1], [rows], false));
  record([logits], logprobs, ([gradient]) => {
    const g = append("Unsqueeze", [gradient as Tensor, logits.graph.ints([1])], "float32", [rows, 1]);
    const difference = rawBinary("Sub", oneHot(targets, dim(logits, 1)), p);
    return [rawBinary("Mul", difference, g)];
  });
  return { logprobs, entropy };
}

/** Sum of all elements. */
export function sum(x: Tensor): Tensor {
  const y = append("ReduceSum", [x], "float32", [], { keepdims: { int: 0 } });
  return record([x], y, ([g]) => [append("Expand", [g as Tensor, shapeOf(x)], "float32", x.shape)]);
}
