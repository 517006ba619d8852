// Attention in blocks against attention written out, for lengths whose last blocks are empty, short or full.
import assert from "node:assert/strict";
import test from "node:test";
import { randomStream } from "../../core/random.ts";
import { causalAttention } from "../../models/qwen2_5_vl/causalAttention.ts";
import type { Qwen25VLConfig } from "../../models/qwen2_5_vl/config.ts";
import { Graph } from "../../onnx/graph.ts";
import { GraphSession } from "../../onnx/session.ts";
import { smallFiles } from "./testModel.ts";
import { causalFeeds } from "./trainingBatch.ts";
import { floats, ints } from "./values.ts";

const KV = 2;
const GROUPS = 2;
const D = 3;
const BATCH = 2;
const config: Qwen25VLConfig = {
  ...smallFiles().config,
  hiddenSize: KV * GROUPS * D,
  numAttentionHeads: KV * GROUPS,
  numKeyValueHeads: KV,
};

/** Row n, head h of [N, heads * D]. */
const headOf = (x: Float32Array, heads: number, n: number, h: number): Float32Array =>
  x.subarray((n * heads + h) * D, (n * heads + h + 1) * D);

function writtenOut(q: Float32Array, k: Float32Array, v: Float32Array, length: number): number[] {
  const result: number[] = [];
  for (let b = 0; b < BATCH; b++)
    for (let t = 0; t < length; t++)
      for (let h = 0; h < KV * GROUPS; h++) {
        const query = headOf(q, KV * GROUPS, b * length + t, h);
        const of = (x: Float32Array, s: number): Float32Array =>
          headOf(x, KV, b * length + s, Math.floor(h / GROUPS));
        const weights = Array.from({ length: t + 1 }, (_, s) =>
          Math.exp(query.reduce((sum, x, i) => sum + x * of(k, s)[i]!, 0) / Math.sqrt(D)),
        );
        const total = weights.reduce((sum, w) => sum + w, 0);
        for (let i = 0; i < D; i++)
          result.push(weights.reduce((sum, w, s) => sum + w * of(v, s)[i]!, 0) / total);
      }
  return result;
}

test("attention in blocks is causal attention, whatever the length", async () => {
  const graph = new Graph();
  const wide = KV * GROUPS * D;
  const layout = {
    spec: graph.input("layout", "int64", [2]),
    batch: "batch",
    length: "length",
  };
  const q = graph.input("q", "float32", ["rows", wide]);
  const k = graph.input("k", "float32", ["rows", KV * D]);
  const v = graph.input("v", "float32", ["rows", KV * D]);
  graph.output("mixed", causalAttention(graph, config, layout)(q, k, v, 0));
  const session = await GraphSession.create(graph, 1);
  for (const length of [1, 2, 3, 5, 8, 13]) {
    const random = randomStream("causal", length);
    const rows = BATCH * length;
    const draw = (columns: number): Float32Array =>
      Float32Array.from({ length: rows * columns }, () => random.normal());
    const [qs, ks, vs] = [draw(wide), draw(KV * D), draw(KV * D)];
    const { mixed } = await session.run({
      layout: ints([BATCH, length]),
      q: floats(qs, [rows, wide]),
      k: floats(ks, [rows, KV * D]),
      v: floats(vs, [rows, KV * D]),
      ...causalFeeds(length, config),
    });
    const expected = writtenOut(qs, ks, vs, length);
    assert.deepEqual(mixed!.dims, [rows, wide]);
    expected.forEach((value, i) => {
      const got = Number(mixed!.data[i]);
      assert.ok(Math.abs(got - value) < 1e-5, `length ${length}, [${i}]: ${got}, expected ${value}`);
    });
  }
  await session.dispose();
});
