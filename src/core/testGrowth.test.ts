import assert from "node:assert/strict";
import { test } from "node:test";
import { assertLinear } from "./testGrowth.ts";

/** Keeps the processor busy. */
function burn(ms: number): void {
  const { user, system } = process.cpuUsage();
  for (let spent = 0; spent < ms * 1000;) {
    const now = process.cpuUsage();
    spent = now.user - user + now.system - system;
  }
}

test("work that grows with its size passes, and with the square of it does not", () => {
  assertLinear("steady", 300, burn);
  assert.throws(
    () => assertLinear("steep", 300, (size) => burn(size ** 2 / 300)),
    /^AssertionError.*: steep: \d\.\d\d s of/,
  );
});
