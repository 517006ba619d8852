import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeOutputs, splitCall, wireBytes } from "./chunking.ts";
import type { ForwardBackwardOutput, WireDatum } from "./wire.ts";

/** Of `tokens` tokens and an int64 and a float32 tensor as long: 16 bytes a token. */
function datum(tokens: number, imageBytes = 0): WireDatum {
  const image = { type: "image", data: new Uint8Array(imageBytes), format: "png" } as const;
  return {
    chunks: [{ type: "encoded_text", tokens: new Int32Array(tokens) }, ...(imageBytes > 0 ? [image] : [])],
    inputs: {
      target_tokens: { dtype: "int64", data: new Int32Array(tokens), shape: [tokens] },
      weights: { dtype: "float32", data: new Float32Array(tokens), shape: [tokens] },
    },
  };
}

test("bytes: 4 a token, 8 and 4 a number, pictures as they are", () => {
  // 3 * 4 + 3 * 8 + 3 * 4 + 100.
  assert.equal(wireBytes(datum(3, 100)), 148);
});

test("a request ends before the datum that would exceed the bytes, and at the count", () => {
  const sizes = (data: WireDatum[], maxCount: number, maxBytes: number): number[] =>
    splitCall(data, { maxCount, maxBytes }).map((part) => part.length);
  const five = [1, 1, 1, 1, 1].map((n) => datum(n));
  assert.deepEqual(sizes(five, 2, 1000), [2, 2, 1]);
  // 16 bytes each: three fill 48 exactly.
  assert.deepEqual(sizes(five, 10, 48), [3, 2]);
  assert.deepEqual(sizes(five, 10, 47), [2, 2, 1]);
  // One that is too large for any request goes alone.
  assert.deepEqual(sizes([datum(1), datum(1, 500), datum(1)], 10, 100), [1, 1, 1]);
  assert.deepEqual(sizes([], 10, 100), []);
});

test("split and merged again, everything is there in order", () => {
  const data = Array.from({ length: 23 }, (_, i) => datum(1 + (i % 5), i % 4 === 0 ? 40 : 0));
  const parts = splitCall(data, { maxCount: 6, maxBytes: 150 });
  assert.deepEqual(parts.flat(), data);
  assert.ok(parts.every((part) => part.length === 1 || sum(part.map(wireBytes)) <= 150));
  const outputs = data.map((_, i) => ({
    logprobs: { dtype: "float32" as const, data: Float32Array.of(-i), shape: [1] },
  }));
  let at = 0;
  const results = parts.map((part): ForwardBackwardOutput => {
    const mine = outputs.slice(at, (at += part.length));
    return { outputType: "ArrayRecord", outputs: mine, metrics: { "n:sum": part.length } };
  });
  assert.deepEqual(mergeOutputs(results), { outputType: "ArrayRecord", outputs, metrics: { "n:sum": 23 } });
});

function part(count: number, metrics: Record<string, number>): ForwardBackwardOutput {
  return { outputType: "A", outputs: Array.from({ length: count }, () => ({})), metrics };
}

test("metrics are reduced by the word behind the colon", () => {
  const merged = mergeOutputs([
    part(1, { "a:sum": 1, "a:mean": 1, "a:min": 1, "a:max": 1, "a:slack": 1, "a:unique": 1, "a:last": 1 }),
    part(3, { "a:sum": 5, "a:mean": 5, "a:min": 5, "a:max": 5, "a:slack": 5, "a:unique": 5, "a:last": 5 }),
  ]);
  assert.deepEqual(merged.metrics, {
    "a:sum": 6,
    // (1 * 1 + 5 * 3) / 4, and the slack below is 5 - 4.
    "a:mean": 4,
    "a:min": 1,
    "a:max": 5,
    "a:slack": 1,
    "a:unique": 1,
    "a:unique_1": 5,
    "a:last": 5,
  });
});

test("hashes are added modulo 2^64", () => {
  const merged = mergeOutputs([
    part(1, { "h:hash2": 2 ** 63, "h:hash_unordered": 3 }),
    part(1, { "h:hash2": 2 ** 63 + 4096, "h:hash_unordered": -1 }),
  ]);
  assert.deepEqual(merged.metrics, { "h:hash2": 4096, "h:hash_unordered": 2 });
});

test("no colon, an unknown reduction, a metric of one part only: kept where the parts agree", () => {
  const merged = mergeOutputs([
    part(1, { plain: 2, "same:odd": 7, "other:odd": 1, "first:sum": 1 }),
    part(1, { plain: 3, "same:odd": 7, "other:odd": 2, "second:sum": 1 }),
  ]);
  assert.deepEqual(merged.metrics, { "same:odd": 7 });
  const one = part(2, { plain: 2, "x:odd": 3 });
  assert.deepEqual(mergeOutputs([one]), one);
  assert.deepEqual(mergeOutputs([]), { outputType: "", outputs: [], metrics: {} });
});

test("a mean over parts without datums is the plain one", () => {
  assert.deepEqual(mergeOutputs([part(0, { "a:mean": 1 }), part(0, { "a:mean": 2 })]).metrics, {
    "a:mean": 1.5,
  });
});

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
