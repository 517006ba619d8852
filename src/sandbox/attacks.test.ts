// The attack suite at the default isolation: nothing that model-written code does reaches anything but its own session.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ATTACKS } from "./attacks/all.ts";
import { CATEGORIES } from "./attacks/attack.ts";
import { defineAttackSuite } from "./attacks/harness.ts";

test("every attack has a name of its own, and every category has attacks", () => {
  const names = ATTACKS.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(CATEGORIES.filter((wanted) => !ATTACKS.some(({ category }) => category === wanted)), []); // prettier-ignore
});

defineAttackSuite("attacks at the default isolation");
