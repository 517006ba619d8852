import assert from "node:assert/strict";
import test from "node:test";
import type { Task, TaskSource } from "../core/task.ts";
import { taskOrder } from "./taskOrder.ts";

const source = (size: number): TaskSource => ({
  name: "test",
  size,
  at: (index): Task => ({ id: `${index}`, kind: "kind", question: "?", answer: "!", images: [] }),
});
const ids = (at: (position: number) => Task, from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => Number(at(from + i).id));

test("every epoch is a permutation of its own", () => {
  const at = taskOrder(source(20), 3);
  const [first, second] = [ids(at, 0, 20), ids(at, 20, 40)];
  const all = Array.from({ length: 20 }, (_, i) => i);
  const sorted = (values: number[]): number[] => [...values].sort((a, b) => a - b);
  assert.deepEqual(sorted(first), all);
  assert.deepEqual(sorted(second), all);
  assert.notDeepEqual(first, second);
  assert.notDeepEqual(first, all);
});

test("a position means the same task however it is reached", () => {
  const walked = ids(taskOrder(source(20), 3), 0, 60);
  const jumping = taskOrder(source(20), 3);
  for (const position of [59, 0, 31, 30, 20]) assert.equal(Number(jumping(position).id), walked[position]);
  assert.notDeepEqual(ids(taskOrder(source(20), 4), 0, 60), walked);
});

test("a generator is read straight through; an empty source is an error", () => {
  assert.deepEqual(ids(taskOrder(source(Infinity), 3), 5, 8), [5, 6, 7]);
  assert.throws(() => taskOrder(source(0), 3), /task source test: size must be positive, received 0/);
});
