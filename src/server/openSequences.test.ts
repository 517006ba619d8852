import assert from "node:assert/strict";
import { test } from "node:test";
import { OpenSequences } from "./openSequences.ts";

function opened(limits = { maxSequences: 10 }) {
  const released: string[] = [];
  return { open: new OpenSequences((id) => released.push(id), limits), released };
}

test("a sequence is handed over once, to what goes on from it", () => {
  const { open, released } = opened();
  open.keep("k", { id: "a", tokens: [1, 2] });
  assert.equal(open.take("other", [1, 2, 3]), undefined);
  assert.equal(open.take("k", [1, 2]), undefined, "nothing new");
  assert.equal(open.take("k", [1, 3, 4]), undefined, "another beginning");
  assert.equal(open.take("k", [1, 2, 3])?.id, "a");
  assert.equal(open.take("k", [1, 2, 3]), undefined);
  assert.deepEqual(released, []);
});

test("several under one key are handed over in the order in which they were kept", () => {
  const { open } = opened();
  for (const id of ["a", "b"]) open.keep("k", { id, tokens: [1] });
  assert.deepEqual([open.take("k", [1, 2])?.id, open.take("k", [1, 2])?.id], ["a", "b"]);
});

test("beyond the limits the ones kept longest are released", () => {
  const { open, released } = opened({ maxSequences: 2 });
  for (const id of ["a", "b", "c"]) open.keep(id, { id, tokens: [1] });
  assert.deepEqual(released, ["a"]);
  const byTokens = opened({ maxSequences: 10, ...{ maxTokens: 5 } });
  byTokens.open.keep("a", { id: "a", tokens: [1, 2] });
  byTokens.open.keep("b", { id: "b", tokens: [1, 2] });
  assert.equal(byTokens.open.take("b", [1, 2, 3])?.id, "b");
  byTokens.open.keep("c", { id: "c", tokens: [1, 2, 3] });
  assert.deepEqual(byTokens.released, [], "what was handed over counts no more");
  byTokens.open.keep("d", { id: "d", tokens: [1] });
  assert.deepEqual(byTokens.released, ["a"]);
});

test("dropped ones are released, cleared ones forgotten", () => {
  const { open, released } = opened();
  for (const id of ["a", "b"]) open.keep("k", { id, tokens: [1] });
  open.keep("l", { id: "c", tokens: [1] });
  open.drop("k");
  assert.deepEqual(released, ["a", "b"]);
  open.clear();
  assert.equal(open.take("l", [1, 2]), undefined);
  assert.deepEqual(released, ["a", "b"]);
});
