import { test } from "node:test";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { ConfigError } from "../../core/errors.ts";
import { KINDS, PLACE_BOXES } from "./vocabulary.ts";
import { createWorld } from "./world.ts";
import type { WorldTask } from "./world.ts";
import { renderScene } from "./render.ts";

const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex").slice(0, 16);
const picture = (task: WorldTask): Uint8Array => task.images[0]?.data ?? new Uint8Array();

test("a task is a pure function of seed, split and index", () => {
  const train = createWorld({ seed: 7, split: "train" });
  const later = train.at(5);
  const task = createWorld({ seed: 7, split: "train" }).at(5);
  assert.deepEqual({ ...task }, { ...later });
  assert.equal(task.id, "world-train-5");
  assert.equal(task.question, "One place has a bead. What colour is it?");
  assert.equal(task.answer, "white");
  assert.equal(hash(picture(task)), "a250b0b7a70fcef0");
});

test("another seed, split or index is another picture and no scene is shared between splits", () => {
  const sources = (["train", "validation", "test"] as const).map((split) => createWorld({ seed: 7, split }));
  const scenes = sources.flatMap((source) =>
    Array.from({ length: 300 }, (_, i) => JSON.stringify(source.at(i).scene)),
  );
  assert.equal(new Set(scenes).size, 900);
  const other = createWorld({ seed: 8, split: "train" });
  assert.notEqual(hash(picture(other.at(5))), hash(picture(createWorld({ seed: 7, split: "train" }).at(5))));
});

test("kinds come in the default weights", () => {
  const world = createWorld({ seed: 1, split: "train" });
  const counts = new Map<string, number>();
  for (let i = 0; i < 4000; i++) counts.set(world.at(i).kind, (counts.get(world.at(i).kind) ?? 0) + 1);
  const expected = { plain: 0.15, look: 0.25, search: 0.35, compare: 0.15, count: 0.1 };
  // Standard error at 0.35 of 4000 is 0.0075.
  for (const kind of KINDS) assert.ok(Math.abs((counts.get(kind) ?? 0) / 4000 - expected[kind]) < 0.03, kind);
});

test("no answer of any kind is worth guessing: all are equally frequent", () => {
  const shares = { plain: 6, look: 6, search: 6, compare: 2, count: 5 };
  for (const kind of KINDS) {
    const world = createWorld({ seed: 2, split: "train", weights: { [kind]: 1 } });
    const counts = new Map<string, number>();
    for (let i = 0; i < 1500; i++) {
      const task = world.at(i);
      assert.equal(task.kind, kind);
      counts.set(task.answer, (counts.get(task.answer) ?? 0) + 1);
    }
    assert.equal(counts.size, shares[kind]);
    for (const count of counts.values()) assert.ok(Math.abs(count / 1500 - 1 / shares[kind]) < 0.05, kind);
  }
});

test("fewer places in use leave the others empty and bound the count", () => {
  for (const kind of ["look", "search", "compare", "count"] as const) {
    const world = createWorld({ seed: 3, split: "train", weights: { [kind]: 1 }, places: 2 });
    for (let i = 0; i < 100; i++) {
      const { scene, answer } = world.at(i);
      assert.deepEqual([scene.places[2]?.bead, scene.places[3]?.bead], [undefined, undefined]);
      if (kind === "count") assert.ok(Number(answer) <= 2);
    }
  }
});

test("a box renders to the same pixels as in the whole picture", () => {
  const task = createWorld({ seed: 4, split: "train", weights: { look: 1 } }).at(0);
  const whole = picture(task);
  for (const box of Object.values(PLACE_BOXES)) {
    const crop = renderScene(task.scene, box);
    for (let y = 0; y < 32; y++) {
      const at = ((box[1] + y) * 1280 + box[0]) * 3;
      assert.deepEqual(crop.data.subarray(y * 96, y * 96 + 96), whole.subarray(at, at + 96));
    }
  }
});

test("what can reach Python is bare pixels, and the scene is not copied or serialised with the task", () => {
  const task = createWorld({ seed: 5, split: "test" }).at(0);
  assert.deepEqual(Object.keys(task.images[0] ?? {}), ["width", "height", "data"]);
  assert.equal(task.images[0]?.data.buffer.byteLength, 1280 * 960 * 3);
  assert.deepEqual(Object.keys({ ...task }), ["id", "kind", "question", "answer", "images"]);
});

test("options out of range are refused by name", () => {
  const refused = (options: object, message: RegExp): void =>
    assert.throws(
      () => createWorld({ seed: 1, split: "train", ...options }),
      (error) => error instanceof ConfigError && message.test(error.message),
    );
  refused({ weights: { look: -1 } }, /world\.weights .*"look":-1/);
  refused({ weights: {} }, /at least one above 0/);
  refused({ places: 5 }, /world\.places .* got 5/);
  refused({ contrast: 0 }, /world\.contrast .* got 0/);
  assert.throws(() => createWorld({ seed: 1, split: "train" }).at(-1), RangeError);
});
