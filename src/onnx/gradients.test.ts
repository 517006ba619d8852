// Every differentiable operation against central finite differences of what ONNX Runtime itself computes.
import assert from "node:assert/strict";
import test from "node:test";
import { randomStream } from "../core/random.ts";
import { Graph, type Shape, type Tensor } from "./graph.ts";
import { gradients } from "./gradients.ts";
import * as layers from "./layers.ts";
import * as elementary from "./ops.ts";
import { GraphSession, type Value } from "./session.ts";

const ops = { ...elementary, ...layers };

interface Case {
  /** Float inputs that are differentiated, with their sizes. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  /** Integer inputs. */
  readonly ints?: Readonly<
    Record<string, { readonly dims: readonly number[]; readonly data: readonly number[] }>
  >;
  /** Symbolic shapes to declare instead of the sizes. */
  readonly symbols?: Readonly<Record<string, Shape>>;
  readonly build: (t: Readonly<Record<string, Tensor>>) => Tensor;
}

const CASES: Record<keyof typeof ops, Case> = {
  add: { inputs: { a: [3, 4], b: [4] }, symbols: { a: ["N", 4] }, build: (t) => ops.add(t["a"]!, t["b"]!) },
  sub: { inputs: { a: [2, 1, 4], b: [3, 1] }, build: (t) => ops.sub(t["a"]!, t["b"]!) },
  mul: {
    inputs: { a: [3, 4], b: [3, 1] },
    symbols: { a: ["N", 4], b: ["N", 1] },
    build: (t) => ops.mul(t["a"]!, t["b"]!),
  },
  scale: { inputs: { a: [3] }, build: (t) => ops.scale(t["a"]!, -2.5) },
  exp: { inputs: { a: [3, 4] }, build: (t) => ops.exp(t["a"]!) },
  minimum: { inputs: { a: [5, 4], b: [5, 4] }, build: (t) => ops.minimum(t["a"]!, t["b"]!) },
  clamp: {
    inputs: { a: [6, 6] },
    build: (t) => ops.clamp(t["a"]!, t["a"]!.graph.scalar(-0.5), t["a"]!.graph.scalar(0.5)),
  },
  silu: { inputs: { a: [3, 4] }, build: (t) => ops.silu(t["a"]!) },
  gelu: { inputs: { a: [3, 4] }, build: (t) => ops.gelu(t["a"]!) },
  linear: {
    inputs: { x: [3, 4], w: [5, 4], b: [5] },
    symbols: { x: ["N", 4] },
    build: (t) => ops.linear(t["x"]!, t["w"]!, t["b"]),
  },
  matmul: {
    inputs: { a: [2, 3, 4], b: [2, 5, 4], c: [2, 5, 3], d: [2, 3, 2], e: [2, 5, 2], f: [2, 3, 5] },
    build: (t) => {
      const ab = ops.matmul(t["a"]!, t["b"]!, { transB: true, alpha: 0.7 }); // [2, 3, 5]
      const abcd = ops.matmul(ab, ops.matmul(t["c"]!, t["d"]!)); // [2, 3, 2]
      const ctf = ops.matmul(t["c"]!, t["f"]!, { transA: true, transB: true }); // a' b': [2, 3, 3]
      return ops.add(ops.matmul(ctf, abcd), ops.matmul(t["c"]!, t["e"]!, { transA: true })); // [2, 3, 2]
    },
  },
  reshape: {
    inputs: { a: [4, 6] },
    symbols: { a: ["N", 6] },
    build: (t) => ops.reshape(t["a"]!, [0, 2, 3], ["N", 2, 3]),
  },
  transpose: { inputs: { a: [2, 3, 4] }, build: (t) => ops.transpose(t["a"]!, [2, 0, 1]) },
  embedding: {
    inputs: { table: [5, 3] },
    ints: { ids: { dims: [4], data: [1, 4, 1, 0] } },
    build: (t) => ops.embedding(t["table"]!, t["ids"]!),
  },
  takeRows: {
    inputs: { a: [5, 3] },
    ints: { ids: { dims: [3], data: [4, 0, 2] } },
    build: (t) => ops.takeRows(t["a"]!, t["ids"]!),
  },
  insertRows: {
    inputs: { a: [5, 3], rows: [2, 3] },
    ints: { ids: { dims: [2], data: [3, 1] } },
    build: (t) => ops.insertRows(t["a"]!, t["ids"]!, t["rows"]!),
  },
  rmsNorm: {
    inputs: { x: [3, 8], w: [8] },
    symbols: { x: ["N", 8] },
    build: (t) => ops.rmsNorm(t["x"]!, t["w"]!, 1e-6),
  },
  softmax: { inputs: { a: [2, 3, 5] }, build: (t) => ops.softmax(t["a"]!) },
  attention: {
    inputs: { q: [2, 2, 5, 3], k: [2, 2, 4, 3], v: [2, 2, 4, 3] },
    ints: {
      bias: { dims: [5, 4], data: [0, -90, 0, 1, 0, 0, 2, 0, -1, 0, -90, 0, 0, 3, 0, 0, 0, 0, 0, -90] },
    },
    build: (t) => {
      const bias = t["bias"]!.graph.append("Cast", [t["bias"]!], [{ type: "float32", shape: [5, 4] }], {
        to: { int: 1 },
      })[0]!;
      return ops.attention(t["q"]!, t["k"]!, t["v"]!, bias);
    },
  },
  rotary: {
    inputs: { x: [3, 8] },
    ints: { rows: { dims: [1, 3], data: [0, 1, 2] } },
    build: (t) => {
      // Two heads of 4: tables of width 2, a true rotation made of one angle table.
      const { graph } = t["x"]!;
      const rowIds = t["rows"]!;
      const angle = graph.append("Cast", [rowIds], [{ type: "float32", shape: [1, 3] }], {
        to: { int: 1 },
      })[0]!;
      const column = graph.append("Transpose", [angle], [{ type: "float32", shape: [3, 1] }])[0]!;
      const wide = graph.append("Concat", [column, column], [{ type: "float32", shape: [3, 2] }], {
        axis: { int: 1 },
      })[0]!;
      const cos = graph.append("Cos", [wide], [{ type: "float32", shape: [3, 2] }])[0]!;
      const sin = graph.append("Sin", [wide], [{ type: "float32", shape: [3, 2] }])[0]!;
      return ops.rotary(t["x"]!, { cos, sin, rows: rowIds });
    },
  },
  tokenLogprobs: {
    inputs: { logits: [4, 6] },
    ints: { targets: { dims: [4], data: [5, 0, 3, 3] } },
    build: (t) => ops.tokenLogprobs(t["logits"]!, t["targets"]!).logprobs,
  },
  splitLast: {
    inputs: { a: [3, 6] },
    symbols: { a: ["N", 6] },
    build: (t) => {
      const [p, q, r] = ops.splitLast(t["a"]!, 3) as [Tensor, Tensor, Tensor];
      return ops.add(ops.mul(p, q), ops.scale(r, 3));
    },
  },
  prefix: {
    inputs: { a: [2, 5, 3] },
    ints: { end: { dims: [1], data: [3] } },
    build: (t) => ops.prefix(t["a"]!, 1, t["end"]!, 3),
  },
  split: {
    inputs: { a: [2, 5, 3] },
    ints: { sizes: { dims: [3], data: [2, 0, 3] } },
    build: (t) => {
      // The last part alone: the others get the gradient 0.
      const [, , rest] = ops.split(t["a"]!, 1, t["sizes"]!, [2, 0, 3]) as [Tensor, Tensor, Tensor];
      return ops.mul(rest, rest);
    },
  },
  concat: {
    inputs: { a: [2, 2, 3], b: [2, 0, 3], c: [2, 1, 3] },
    ints: { sizes: { dims: [3], data: [2, 0, 1] } },
    build: (t) => ops.concat([t["a"]!, t["b"]!, t["c"]!], 1, t["sizes"]!, 3),
  },
  sum: {
    inputs: { a: [3, 4] },
    symbols: { a: ["N", 4] },
    build: (t) => ops.mul(ops.sum(t["a"]!), ops.sum(t["a"]!)),
  },
};

for (const [name, { inputs, ints = {}, symbols = {}, build }] of Object.entries(CASES)) {
  test(`gradient of ${name} equals finite differences`, async () => {
    const random = randomStream("gradients", name);
    const graph = new Graph();
    const tensors: Record<string, Tensor> = {};
    const feeds: Record<string, Value> = {};
    for (const [key, dims] of Object.entries(inputs)) {
      tensors[key] = graph.input(key, "float32", symbols[key] ?? dims);
      feeds[key] = { data: Float32Array.from({ length: size(dims) }, () => random.normal()), dims };
    }
    for (const [key, { dims, data }] of Object.entries(ints)) {
      tensors[key] = graph.input(key, "int64", dims);
      feeds[key] = { data: BigInt64Array.from(data, BigInt), dims };
    }
    const y = build(tensors);
    // A random direction of the output makes every element's gradient different.
    const weights = graph.input("weights", "float32", y.shape);
    const loss = ops.sum(ops.mul(y, weights));
    graph.output("y", y);
    const wrt = Object.keys(inputs);
    gradients(
      loss,
      wrt.map((key) => tensors[key]!),
    ).forEach((g, i) => graph.output(`d_${wrt[i]!}`, g));
    const session = await GraphSession.create(graph, 1);
    const yDims = y.shape.map((d) =>
      typeof d === "number" ? d : size(Object.values(inputs)[0]!.slice(0, 1)),
    );
    const direction = Float32Array.from({ length: size(yDims) }, () => random.normal());
    const weighted = { ...feeds, weights: { data: direction, dims: yDims } };
    const results = await session.run(weighted);

    const lossAt = async (): Promise<number> => {
      const value = (await session.run(weighted))["y"]!.data as Float32Array;
      return value.reduce((total, v, i) => total + v * direction[i]!, 0);
    };
    for (const key of wrt) {
      const data = feeds[key]!.data as Float32Array;
      const analytic = results[`d_${key}`]!;
      assert.deepEqual(analytic.dims, feeds[key]!.dims, `${key}: the gradient has the shape of its input`);
      for (let i = 0; i < data.length; i++) {
        const kept = data[i]!;
        const step = 5e-3;
        data[i] = kept + step;
        const up = await lossAt();
        data[i] = kept - step;
        const down = await lossAt();
        data[i] = kept;
        const numeric = (up - down) / (2 * step);
        const got = Number(analytic.data[i]);
        assert.ok(
          Math.abs(numeric - got) <= 5e-3 * Math.max(1, Math.abs(numeric)),
          `d ${key}[${i}]: finite difference ${numeric}, gradient ${got}`,
        );
      }
    }
    await session.dispose();
  });
}

function size(dims: readonly number[]): number {
  return dims.reduce((n, d) => n * d, 1);
}
