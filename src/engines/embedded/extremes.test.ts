// Probabilities are normalised in three places: the head's log-probabilities, attention's softmax, and drawToken (its own
// test). The graphs must keep their numbers, and their gradients, at logits no exponential survives.
import assert from "node:assert/strict";
import test from "node:test";
import { gradients } from "../../onnx/gradients.ts";
import { Graph } from "../../onnx/graph.ts";
import { softmax, sum, tokenLogprobs } from "../../onnx/layers.ts";
import { mul } from "../../onnx/ops.ts";
import { GraphSession } from "../../onnx/session.ts";
import { floats, ints } from "./values.ts";
import { BLOCKED } from "./visionBatch.ts";

test("log-probabilities, entropy and their gradient at logits of ±1e4", async () => {
  const graph = new Graph();
  const logits = graph.input("logits", "float32", ["rows", 3]);
  const { logprobs, entropy } = tokenLogprobs(logits, graph.input("targets", "int64", ["rows"]));
  const total = sum(logprobs);
  graph.output("logprobs", logprobs);
  graph.output("entropy", entropy);
  graph.output("d_logits", gradients(total, [logits])[0]!);
  const session = await GraphSession.create(graph, 1);
  const results = await session.run({
    logits: floats(Float32Array.of(1e4, -1e4, 0, 1e4, -1e4, 0, 1e4, 1e4, -1e4), [3, 3]),
    targets: ints([0, 1, 1]),
  });
  await session.dispose();
  const near = (name: string, expected: readonly number[]): void =>
    expected.forEach((x, i) => {
      const value = Number(results[name]?.data[i]);
      assert.ok(Math.abs(value - x) < 1e-3, `${name}[${i}] is ${value}, expected ${x}`);
    });
  near("logprobs", [0, -20000, -Math.LN2]);
  near("entropy", [0, 0, Math.LN2]);
  near("d_logits", [0, 0, 0, -1, 1, 0, -0.5, 0.5, 0]); // one-hot minus probability
});

test("attention weights and their gradient at scores of ±1e4, blocked keys among them", async () => {
  const graph = new Graph();
  const scores = graph.input("scores", "float32", ["rows", 3]);
  const p = softmax(scores);
  const total = sum(mul(p, graph.input("values", "float32", ["rows", 3])));
  graph.output("p", p);
  graph.output("d_scores", gradients(total, [scores])[0]!);
  const session = await GraphSession.create(graph, 1);
  const results = await session.run({
    scores: floats(Float32Array.of(1e4, -1e4, BLOCKED, -1e4, -1e4, BLOCKED - 1e4), [2, 3]),
    values: floats(Float32Array.of(1, 2, 3, 1, 2, 3), [2, 3]),
  });
  await session.dispose();
  assert.deepEqual([...(results["p"]?.data as Float32Array)], [1, 0, 0, 0.5, 0.5, 0]);
  // p (v - p v): 1 * (1 - 1) = 0; 0.5 * (1 - 1.5) and 0.5 * (2 - 1.5)
  assert.deepEqual([...(results["d_scores"]?.data as Float32Array)], [0, 0, 0, -0.25, 0.25, 0]);
});
