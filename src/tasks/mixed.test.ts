import assert from "node:assert/strict";
import { test } from "node:test";
import type { Task } from "../core/task.ts";
import { createMixedSource } from "./mixed.ts";
import type { MixedOptions } from "./mixed.ts";

const named =
  (medium: string) =>
  (position: number): Task => ({
    id: `${medium}${position}`,
    kind: medium,
    question: "Q",
    answer: "A",
    images: [],
  });
const options = {
  name: "mixed",
  seed: 3,
  imageAt: named("i"),
  videoAt: named("v"),
  videoShare: 0.5,
  batch: 6,
  maxVideos: 2,
};

function walk(more: Partial<MixedOptions>, count: number, from = 0): string[] {
  const source = createMixedSource({ ...options, ...more });
  return Array.from({ length: count }, (_, i) => source.at(from + i).id);
}
const videos = (ids: readonly string[]): number => ids.filter((id) => id.startsWith("v")).length;

test("any stretch of a batch's length keeps to the cap, and is full", () => {
  for (const [batch, maxVideos] of [
    [6, 2],
    [12, 3],
    [4, 1],
    [5, 5],
    [3, 7],
  ] as const) {
    const ids = walk({ batch, maxVideos, videoShare: 0.7 }, 600);
    let most = 0;
    for (let start = 0; start + batch <= ids.length; start++)
      most = Math.max(most, videos(ids.slice(start, start + batch)));
    assert.equal(most, Math.min(maxVideos, batch)); // reached, never passed
    assert.ok(ids.every((id) => id !== ""));
  }
});

test("neither source skips or repeats a task", () => {
  const ids = walk({}, 500);
  const numbers = (medium: string): number[] =>
    ids.filter((id) => id.startsWith(medium)).map((id) => Number(id.slice(1)));
  for (const medium of ["i", "v"]) assert.deepEqual(numbers(medium), [...numbers(medium).keys()]);
  assert.ok(numbers("v").length > 100);
});

test("position alone decides, in whatever order tasks are asked for", () => {
  const forwards = walk({}, 200);
  const source = createMixedSource(options);
  const backwards = Array.from({ length: 200 }, (_, i) => source.at(199 - i).id).reverse();
  assert.deepEqual(backwards, forwards);
  assert.deepEqual(walk({}, 50, 150), forwards.slice(150));
  assert.notDeepEqual(walk({ seed: 4 }, 200), forwards);
});

test("without a binding cap the share is what is drawn; a share or a cap of 0 leaves videos out, a share of 1 images", () => {
  const free = videos(walk({ maxVideos: 6, videoShare: 0.3 }, 2000));
  assert.ok(free > 530 && free < 670, String(free)); // 600 expected, sd 20
  assert.equal(videos(walk({ videoShare: 0 }, 100)), 0);
  assert.equal(videos(walk({ maxVideos: 0 }, 100)), 0);
  assert.equal(videos(walk({ videoShare: 1, maxVideos: 6 }, 100)), 100);
});

test("what is out of range is refused by name", () => {
  for (const [more, message] of [
    [{ videoShare: 1.5 }, /mixed\.videoShare must be in \[0, 1\], got 1\.5/],
    [{ videoShare: NaN }, /mixed\.videoShare/],
    [{ batch: 0 }, /mixed\.batch must be an integer >= 1, got 0/],
    [{ maxVideos: 1.5 }, /mixed\.maxVideos must be an integer >= 0, got 1\.5/],
  ] as const)
    assert.throws(() => createMixedSource({ ...options, ...more }), message);
  assert.throws(() => createMixedSource(options).at(-1), RangeError);
});
