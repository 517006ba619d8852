import assert from "node:assert/strict";
import { test } from "node:test";
import { sleepUnlessAborted } from "./sleep.ts";

test("a sleep ends by itself, by its signal, or does not begin", async () => {
  await sleepUnlessAborted(1);
  const stopper = new AbortController();
  const long = sleepUnlessAborted(1_000_000, stopper.signal);
  const reason = new Error("enough");
  stopper.abort(reason);
  await assert.rejects(long, (error) => error === reason);
  await assert.rejects(sleepUnlessAborted(1_000_000, stopper.signal), (error) => error === reason);
});
