import assert from "node:assert/strict";
import test from "node:test";
import { histogramOf } from "./histogram.ts";

test("whole numbers get a bin each, with borders between them", () => {
  assert.deepEqual(histogramOf([0, 2, 2, 3]), {
    min: 0,
    max: 3,
    count: 4,
    sum: 7,
    sumOfSquares: 17,
    edges: [0, 0.5, 1.5, 2.5, 3],
    counts: [1, 0, 2, 1],
  });
});

test("one value, however often, is one bin without width", () => {
  const { edges, counts } = histogramOf([0.25, 0.25]);
  assert.deepEqual({ edges, counts }, { edges: [0.25, 0.25], counts: [2] });
});

test("other numbers are spread over thirty bins of one width, the largest in the last", () => {
  const { edges, counts, count } = histogramOf([0, 0.05, 0.5, 3]);
  assert.equal(edges.length, 31);
  assert.ok(edges.every((edge, i) => Math.abs(edge - i / 10) < 1e-12));
  assert.deepEqual(
    counts.map((n, i) => [i, n]).filter(([, n]) => n !== 0),
    [
      [0, 2],
      [5, 1],
      [29, 1],
    ],
  );
  assert.equal(count, 4);
});

test("whole numbers that lie far apart are not given a bin each", () => {
  assert.equal(histogramOf([0, 5000]).counts.length, 30);
});
