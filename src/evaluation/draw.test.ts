import assert from "node:assert/strict";
import { test } from "node:test";
import { drawItems } from "./draw.ts";

const clusters = Array.from({ length: 40 }, (_, i) => `question ${Math.floor(i / 4)}`);

test("clusters whole, in their own order, by the seed; a smaller limit is a part of a larger one", () => {
  const twelve = drawItems(clusters, 12, 7);
  assert.equal(twelve.length, 12);
  assert.deepEqual(
    [...twelve].sort((a, b) => a - b),
    twelve,
  );
  assert.equal(new Set(twelve.map((i) => clusters[i])).size, 3);
  assert.deepEqual(drawItems(clusters, 12, 7), twelve);
  assert.notDeepEqual(drawItems(clusters, 12, 8), twelve);
  const twenty = new Set(drawItems(clusters, 20, 7));
  assert.ok(twelve.every((i) => twenty.has(i)));
});

test("never more than the limit, but for a first cluster that is larger", () => {
  assert.equal(drawItems(clusters, 15, 0).length, 12);
  assert.equal(drawItems(clusters, 2, 0).length, 4);
  assert.deepEqual(drawItems(["a", "b", "c"], 3, 0), [0, 1, 2]);
});
