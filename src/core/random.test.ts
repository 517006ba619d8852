import assert from "node:assert/strict";
import test from "node:test";
import { randomStream, restoreRandom } from "./random.ts";

test("a path names a stream for ever: these numbers may never change", () => {
  const draw = (...path: (string | number)[]): number[] => {
    const random = randomStream(...path);
    return [random.below(1_000_000), random.below(1_000_000), random.below(1_000_000)];
  };
  assert.deepEqual(draw(0, "rollout", "task", 1), [471938, 442091, 612125]);
  assert.deepEqual(draw(0, "rollout", "task", 1), draw("0", "rollout", "task", "1"));
});

test("neighbouring paths give unrelated streams", () => {
  const n = 2000;
  const streams = Array.from({ length: n }, (_, i) => randomStream("seed", i).next());
  const mean = streams.reduce((a, b) => a + b, 0) / n;
  assert.ok(Math.abs(mean - 0.5) < 0.026, `mean of first draws ${mean}`); // 4 sd = 4 * 0.2887 / sqrt(2000)
  let product = 0;
  for (let i = 1; i < n; i++) product += (streams[i]! - 0.5) * (streams[i - 1]! - 0.5);
  assert.ok(Math.abs((12 * product) / n) < 0.09, `correlation of neighbours ${(12 * product) / n}`); // 4 sd = 4 / sqrt(n)
});

test("below is uniform, shuffle is a permutation, normal has mean 0 and variance 1", () => {
  const random = randomStream("uniform");
  const counts = [0, 0, 0, 0, 0];
  for (let i = 0; i < 5000; i++) counts[random.below(5)]!++;
  assert.ok(counts.every((c) => Math.abs(c - 1000) < 114)); // 4 sd = 4 * sqrt(5000 * 0.2 * 0.8)
  const items = Array.from({ length: 50 }, (_, i) => i);
  const shuffled = random.shuffle(items);
  assert.notDeepEqual(shuffled, items);
  assert.deepEqual(
    [...shuffled].sort((a, b) => a - b),
    items,
  );
  const normals = Array.from({ length: 5000 }, () => random.normal());
  const mean = normals.reduce((a, b) => a + b, 0) / 5000;
  const variance = normals.reduce((a, b) => a + b * b, 0) / 5000;
  assert.ok(Math.abs(mean) < 0.057 && Math.abs(variance - 1) < 0.08, `${mean}, ${variance}`); // 4 sd each
  assert.throws(() => random.pick([]), RangeError);
});

test("a stream goes on from its state, and a state that is none is refused", () => {
  const random = randomStream(3, "train", "task", 7);
  random.next();
  const again = restoreRandom(random.state());
  assert.deepEqual(
    [again.next(), again.normal(), again.below(9)],
    [random.next(), random.normal(), random.below(9)],
  );
  assert.deepEqual(again.state(), random.state());
  for (const bad of [
    [1, 2, 3],
    [1, 2, 3, -1],
    [1, 2, 3, 2 ** 32],
    [1, 2, 3, 0.5],
  ])
    assert.throws(() => restoreRandom(bad), RangeError);
});
