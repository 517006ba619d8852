import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { allPaths, namesAt, nearestName } from "./schemaNames.ts";

const schema = z.strictObject({
  seed: z.int().default(0),
  inner: z.strictObject({ alpha: z.number().exactOptional(), beta: z.number() }).prefault({ beta: 1 }),
  shape: z.discriminatedUnion("type", [
    z.strictObject({ type: z.literal("circle"), radius: z.number() }),
    z.strictObject({ type: z.literal("box"), width: z.number() }),
  ]),
});

test("names are found through defaults and in every member of a union", () => {
  assert.deepEqual(namesAt(schema, []), ["seed", "inner", "shape"]);
  assert.deepEqual(namesAt(schema, ["inner"]), ["alpha", "beta"]);
  assert.deepEqual(namesAt(schema, ["shape"]), ["type", "radius", "width"]);
  assert.deepEqual(namesAt(schema, ["seed"]), []);
  assert.deepEqual(namesAt(schema, ["nothing", "here"]), []);
  assert.deepEqual(allPaths(schema), [
    "seed",
    "inner",
    "inner.alpha",
    "inner.beta",
    "shape",
    "shape.type",
    "shape.radius",
    "shape.width",
  ]);
});

test("the nearest name has the fewest edits, ignores case, and must be near", () => {
  assert.equal(nearestName("LEARNINGRATE", ["learningRate", "steps"]), "learningRate");
  assert.equal(nearestName("stesp", ["steps", "step"]), "step"); // 1 edit against 2
  assert.equal(nearestName("zzzz", ["steps", "seed"]), undefined);
  assert.equal(nearestName("x", []), undefined);
});
