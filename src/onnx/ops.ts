// Differentiable operations. Each appends its forward nodes and records its vector-Jacobian product; gradients.test.ts
// checks every one of them against finite differences. Where ONNX Runtime has a fused kernel on the CPU (domain
// com.microsoft), the forward pass uses it and the product is written out by hand.
import type { Attribute, Dim, ElementType, Shape, Tensor, Vjp } from "./graph.ts";

const CONTRIB = "com.microsoft";

// --- elementwise, with broadcasting -------------------------------------------------------------------------------

export function add(a: Tensor, b: Tensor): Tensor {
  return binary("Add", a, b, (g) => [g, g]);
}

export function sub(a: Tensor, b: Tensor): Tensor {
  return binary("Sub", a, b, (g) => [g, raw("Neg", g)]);
}

export function mul(a: Tensor, b: Tensor): Tensor {
  return binary("Mul", a, b, (g) => [rawBinary("Mul", g, b), rawBinary("Mul", g, a)]);
}

export function scale(x: Tensor, factor: number): Tensor {
  return mul(x, x.graph.scalar(factor));
}

export function exp(x: Tensor): Tensor {
  return unary("Exp", x, (g, y) => rawBinary("Mul", g, y));
}

/** min(a, b); where they are equal the gradient goes to `a`. */
export function minimum(a: Tensor, b: Tensor): Tensor {
  return binary("Min", a, b, (g) => {
    const first = toFloat(compare("LessOrEqual", a, b));
    const ga = rawBinary("Mul", g, first);
    return [ga, rawBinary("Sub", g, ga)];
  });
}

/** max(low, min(high, x)) with scalar bounds; the gradient is 0 outside of [low, high]. */
export function clamp(x: Tensor, low: Tensor, high: Tensor): Tensor {
  const y = append("Clip", [x, low, high], x.type, x.shape);
  return record([x], y, ([g]) => {
    const inside = rawBinary(
      "Mul",
      toFloat(compare("GreaterOrEqual", x, low)),
      toFloat(compare("LessOrEqual", x, high)),
    );
    return [rawBinary("Mul", g as Tensor, inside)];
  });
}

/** x * sigmoid(x). d/dx = s + y (1 - s). */
export function silu(x: Tensor): Tensor {
  const s = raw("Sigmoid", x);
  const y = rawBinary("Mul", x, s);
  return record([x], y, ([g]) => {
    const slope = rawBinary("Add", s, rawBinary("Sub", y, rawBinary("Mul", y, s)));
    return [rawBinary("Mul", g as Tensor, slope)];
  });
}

/** x * Phi(x), Phi the standard normal distribution function. d/dx = Phi(x) + x phi(x). */
export function gelu(x: Tensor): Tensor {
  const { graph } = x;
  const erf = raw("Erf", rawBinary("Mul", x, graph.scalar(Math.SQRT1_2)));
  const phi = rawBinary("Mul", rawBinary("Add", erf, graph.scalar(1)), graph.scalar(0.5));
  return record([x], rawBinary("Mul", x, phi), ([g]) => {
    const square = rawBinary("Mul", x, x);
    const density = rawBinary(
      "Mul",
      raw("Exp", rawBinary("Mul", square, graph.scalar(-0.5))),
      graph.scalar(1 / Math.sqrt(2 * Math.PI)),
    );
    return [rawBinary("Mul", g as Tensor, rawBinary("Add", phi, rawBinary("Mul", x, density)))];
  });
}

// --- products -----------------------------------------------------------------------------------------------------

/** x [N, K] times weight [M, K] transposed, plus bias [M]: the layout of torch.nn.Linear. */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const y = append(
    "Gemm",
    bias === undefined ? [x, weight] : [x, weight, bias],
    "float32",
    [dim(x, 0), dim(weight, 0)],
    {
      transB: { int: 1 },
    },
  );
  return record(bias === undefined ? [x, weight] : [x, weight, bias], y, ([gradient]) => {
    const g = gradient as Tensor;
    const dx = append("Gemm", [g, weight], "float32", x.shape);
    const dw = append("Gemm", [g, x], "float32", weight.shape, { transA: { int: 1 } });
    return bias === undefined ? [dx, dw] : [dx, dw, sumTo(g, bias.shape)];
  });
}

export interface MatmulOptions {
  readonly transA?: boolean;
  readonly transB?: boolean;
  readonly alpha?: number;
}

/** alpha * op(a) op(b) over the last two axes; leading axes are equal. */
export function matmul(
  a: Tensor,
  b: Tensor,
  { transA = false, transB = false, alpha = 1 }: MatmulOptions = {},
): Tensor {
  const y = rawMatmul(a, b, transA, transB, alpha);
  return record([a, b], y, ([gradient]) => {
    const g = gradient as Tensor;
    const da = transA ? rawMatmul(b, g, transB, true, alpha) : rawMatmul(g, b, false, !transB, alpha);
    const db = transB ? rawMatmul(g, a, true, transA, alpha) : rawMatmul(a, g, !transA, false, alpha);
    return [da, db];
  });
}

function rawMatmul(a: Tensor, b: Tensor, transA: boolean, transB: boolean, alpha: number): Tensor {
  const rows = dim(a, transA ? -1 : -2);
  const columns = dim(b, transB ? -2 : -1);
  return append(
    "FusedMatMul",
    [a, b],
    "float32",
    [...a.shape.slice(0, -2), rows, columns],
    { transA: { int: transA ? 1 : 0 }, transB: { int: transB ? 1 : 0 }, alpha: { float: alpha } },
    CONTRIB,
  );
}

// --- shape --------------------------------------------------------------------------------------------------------

/**
 * `spec` is what ONNX Reshape takes (0 keeps the axis, one -1 is worked out), as numbers or as an int64 tensor that is
 * known only when the graph runs; `shape` is what comes out, with symbols.
 */
export function reshape(x: Tensor, spec: readonly number[] | Tensor, shape: Shape): Tensor {
  const y = append("Reshape", [x, "graph" in spec ? spec : x.graph.ints(spec)], x.type, shape);
  return record([x], y, ([g]) => [append("Reshape", [g as Tensor, shapeOf(x)], "float32", x.shape)]);
}

export function transpose(x: Tensor, perm: readonly number[]): Tensor {
  const inverse = perm.map((_, i) => perm.indexOf(i));
  const y = append(
    "Transpose",
    [x],
    x.type,
    perm.map((p) => dim(x, p)),
    { perm: { ints: perm } },
  );
  return record([x], y, ([g]) => [
    append("Transpose", [g as Tensor], "float32", x.shape, { perm: { ints: inverse } }),
  ]);
}

/** Cuts the last axis (static) into equal parts. */
export function splitLast(x: Tensor, parts: number): Tensor[] {
  const last = dim(x, -1);
  if (typeof last !== "number" || last % parts !== 0)
    throw new Error(`internal: cannot cut a last axis of ${last} into ${parts} equal parts`);
  const shape = [...x.shape.slice(0, -1), last / parts];
  const outputs = x.graph.append("Split", [x], Array(parts).fill({ type: "float32", shape }), {
    axis: { int: -1 },
    num_outputs: { int: parts },
  });
  const vjp: Vjp = (gradients) => {
    const pieces = gradients.map((g, i) => g ?? zerosLike(outputs[i] as Tensor));
    return [append("Concat", pieces, "float32", x.shape, { axis: { int: -1 } })];
  };
  x.graph.tape.push({ inputs: [x], outputs, vjp });
  return outputs;
}

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

function zerosLike(x: Tensor): Tensor {
  return rawBinary("Mul", x, x.graph.scalar(0));
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
    const gw = rawBinary("Mul", g, weight);
    const mean = reduce("ReduceMean", rawBinary("Mul", gw, h), [-1], [...x.shape.slice(0, -1), 1]);
    const dx = rawBinary("Mul", rawBinary("Sub", gw, rawBinary("Mul", h, mean)), inverse);
    return [dx, sumTo(rawBinary("Mul", g, h), weight.shape)];
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

// --- building blocks without a gradient of their own --------------------------------------------------------------

function append(
  opType: string,
  inputs: readonly Tensor[],
  type: ElementType,
  shape: Shape,
  attributes: Readonly<Record<string, Attribute>> = {},
  domain = "",
): Tensor {
  const graph = (inputs[0] as Tensor).graph;
  return graph.append(opType, inputs, [{ type, shape }], attributes, domain)[0] as Tensor;
}

function record(inputs: readonly Tensor[], output: Tensor, vjp: Vjp): Tensor {
  output.graph.tape.push({ inputs, outputs: [output], vjp });
  return output;
}

function unary(opType: string, x: Tensor, vjp: (g: Tensor, y: Tensor) => Tensor): Tensor {
  const y = raw(opType, x);
  return record([x], y, ([g]) => [vjp(g as Tensor, y)]);
}

function binary(opType: string, a: Tensor, b: Tensor, vjp: (g: Tensor) => readonly [Tensor, Tensor]): Tensor {
  return record([a, b], rawBinary(opType, a, b), ([g]) => {
    const [ga, gb] = vjp(g as Tensor);
    return [sumTo(ga, a.shape), sumTo(gb, b.shape)];
  });
}

function raw(opType: string, x: Tensor): Tensor {
  return append(opType, [x], x.type, x.shape);
}

function rawBinary(opType: string, a: Tensor, b: Tensor): Tensor {
  return append(opType, [a, b], a.type, broadcast(a.shape, b.shape));
}

function compare(opType: string, a: Tensor, b: Tensor): Tensor {
  return append(opType, [a, b], "bool", broadcast(a.shape, b.shape));
}

function toFloat(x: Tensor): Tensor {
  return append("Cast", [x], "float32", x.shape, { to: { int: 1 } });
}

function shapeOf(x: Tensor): Tensor {
  return append("Shape", [x], "int64", [x.shape.length]);
}

function oneHot(ids: Tensor, classes: Dim): Tensor {
  if (typeof classes !== "number")
    throw new Error("internal: a one-hot matrix needs a static number of classes");
  const { graph } = ids;
  const values = append(
    "Concat",
    [graph.scalar(0), graph.scalar(1)].map((s) => append("Unsqueeze", [s, graph.ints([0])], "float32", [1])),
    "float32",
    [2],
    { axis: { int: 0 } },
  );
  return append("OneHot", [ids, graph.ints([classes]), values], "float32", [dim(ids, 0), classes]);
}

function reduce(opType: string, x: Tensor, axes: readonly number[], shape: Shape, keep = true): Tensor {
  return append(opType, [x, x.graph.ints(axes)], "float32", shape, { keepdims: { int: keep ? 1 : 0 } });
}

/** Sums a gradient over the axes along which an operand of `shape` was broadcast. */
function sumTo(gradient: Tensor, shape: Shape): Tensor {
  const extra = gradient.shape.length - shape.length;
  const axes = gradient.shape.flatMap((d, i) =>
    i < extra || (shape[i - extra] === 1 && d !== 1) ? [i] : [],
  );
  if (axes.length === 0) return gradient;
  const kept = reduce(
    "ReduceSum",
    gradient,
    axes,
    gradient.shape.map((d, i) => (axes.includes(i) ? 1 : d)),
  );
  return extra === 0
    ? kept
    : append("Squeeze", [kept, gradient.graph.ints([...Array(extra).keys()])], "float32", shape);
}

function broadcast(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1)
      throw new Error(`internal: shapes [${a.join(", ")}] and [${b.join(", ")}] do not broadcast`);
    return x === 1 ? y : x;
  });
}

function dim(x: Tensor, axis: number): Dim {
  const d = x.shape[axis < 0 ? x.shape.length + axis : axis];
  if (d === undefined) throw new Error(`internal: no axis ${axis} in shape [${x.shape.join(", ")}]`);
  return d;
}
