import assert from "node:assert/strict";
import { test } from "node:test";
import { HttpError } from "../http.ts";
import { checkMetadata } from "./metadata.ts";

/** Values within `depth` lists and objects by turns, the object around them included. */
function nested(depth: number): Record<string, unknown> {
  let value: unknown = 1;
  for (let i = 1; i < depth; i++) value = i % 2 === 0 ? { a: value } : [value];
  return { a: value };
}

const refused = (text: RegExp) => (error: unknown) =>
  error instanceof HttpError && error.status === 400 && text.test(error.message);

test("metadata may be nested and long, within bounds, and is not touched", () => {
  for (const fine of [undefined, {}, { step: 3, tags: ["a", null] }, nested(16), { a: "x".repeat(65_528) }])
    assert.equal(checkMetadata(fine), fine);
  assert.throws(() => checkMetadata(nested(17)), refused(/^user_metadata: must be nested at most 16 deep/));
  assert.throws(() => checkMetadata(nested(50_000)), refused(/at most 16 deep/));
  const long = { a: "x".repeat(65_529) };
  assert.throws(() => checkMetadata(long), refused(/at most 65536 characters of JSON, got 65537$/));
});
