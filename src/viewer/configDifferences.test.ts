import assert from "node:assert/strict";
import { test } from "node:test";
import { configDifferences, flatConfig } from "./configDifferences.ts";

test("a config is flattened to paths; lists stay whole, empty sections go", () => {
  assert.deepEqual(flatConfig({ a: { b: { c: 0.1 } }, list: [1, "x"], none: null, empty: {}, text: "t" }), {
    "a.b.c": "0.1",
    list: '[1,"x"]',
    none: "null",
    text: "t",
  });
  assert.deepEqual(flatConfig("no sections"), {});
});

test("only the keys that differ are named, a missing one too", () => {
  const differences = configDifferences([
    { same: "1", differs: "a", gone: "x" },
    { same: "1", differs: "b" },
    { same: "1", differs: "a" },
  ]);
  assert.deepEqual(differences, [
    { key: "differs", values: ["a", "b", "a"] },
    { key: "gone", values: ["x", undefined, undefined] },
  ]);
  assert.deepEqual(configDifferences([{ only: "1" }]), []);
});
