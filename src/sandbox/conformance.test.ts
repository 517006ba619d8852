// The local runtime keeps the contract.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CONFORMANCE_OPTIONS, defineConformance } from "./conformance.ts";
import { startPythonRuntime } from "./forkServer.ts";

defineConformance("the local runtime", () => startPythonRuntime(CONFORMANCE_OPTIONS));

test("a gap must name a promise", () => {
  const none = (): never => assert.fail("internal: nothing is to be started");
  assert.throws(
    () => defineConformance("none", none, { "memory is limitless": "why" }),
    /no promise named "memory is limitless"/,
  );
});
