// Differentiable operations. Each appends its forward nodes and records its vector-Jacobian product; gradients.test.ts
// checks every one of them against finite differences. Where ONNX Runtime has a fused kernel on the CPU (domain
// com.microsoft), the forward pass uses it and the product is written out by hand.
import type { Dim, Shape, Tensor, Vjp } from "./graph.ts";
import {
  append,
  binary,
  compare,
  dim,
  type MatmulOptions,
  raw,
  rawBinary,
  rawMatmul,
  record,
  shapeOf,
  sumTo,
  toFloat,
  unary,
  zerosLike,
} from "./nodes.ts";

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

/** alpha * op(a) op(b) over the last two axes; leading axes are equal. */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  const { transA = false, transB = false, alpha = 1 } = options;
  return record([a, b], rawMatmul(a, b, options), ([gradient]) => {
    const g = gradient as Tensor;
    const da = transA
      ? rawMatmul(b, g, { transA: transB, transB: true, alpha })
      : rawMatmul(g, b, { transB: !transB, alpha });
    const db = transB
      ? rawMatmul(g, a, { transA: true, transB: transA, alpha })
      : rawMatmul(a, g, { transA: !transA, alpha });
    return [da, db];
  });
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

/** The first `end` ([1], known when the graph runs) of an axis. What is cut off gets the gradient 0. */
export function prefix(x: Tensor, axis: number, end: Tensor, size: Dim): Tensor {
  const { graph } = x;
  const slice = (from: Tensor, to: Tensor, length: Dim): Tensor =>
    append(
      "Slice",
      [x, from, to, graph.ints([axis])],
      x.type,
      x.shape.map((d, i) => (i === axis ? length : d)),
    );
  return record([x], slice(graph.ints([0]), end, size), ([g]) => {
    const rest = zerosLike(slice(end, graph.ints([2 ** 31]), "rest"));
    return [append("Concat", [g as Tensor, rest], "float32", x.shape, { axis: { int: axis } })];
  });
}

/** Cuts an axis into parts of `sizes` (int64, known when the graph runs), which may be 0. */
export function split(x: Tensor, axis: number, sizes: Tensor, symbols: readonly Dim[]): Tensor[] {
  const outputs = x.graph.append(
    "Split",
    [x, sizes],
    symbols.map((size) => ({ type: "float32", shape: x.shape.map((d, i) => (i === axis ? size : d)) })),
    { axis: { int: axis } },
  );
  const vjp: Vjp = (gradients) => {
    const pieces = gradients.map((g, i) => g ?? zerosLike(outputs[i] as Tensor));
    return [append("Concat", pieces, "float32", x.shape, { axis: { int: axis } })];
  };
  x.graph.tape.push({ inputs: [x], outputs, vjp });
  return outputs;
}

/** Joins parts whose sizes along the axis (int64) are known when the graph runs: the inverse of `split`. */
export function concat(parts: readonly Tensor[], axis: number, sizes: Tensor, total: Dim): Tensor {
  const shape = (parts[0] as Tensor).shape.map((d, i) => (i === axis ? total : d));
  const y = append("Concat", parts, "float32", shape, { axis: { int: axis } });
  return record(parts, y, ([g]) =>
    y.graph.append(
      "Split",
      [g as Tensor, sizes],
      parts.map((part) => ({ type: "float32", shape: part.shape })),
      { axis: { int: axis } },
    ),
  );
}
