import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { allVectors, CLAIMED, vectorsOf } from "./vectors.ts";

test("the table of counts is the file's", () => {
  const counts = new Map<string, number>();
  for (const { benchmark, questionType, profile } of allVectors()) {
    const key = JSON.stringify([benchmark, questionType, profile]);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const claimed = CLAIMED.map(([benchmark, questionType, profile, rows]) => [
    JSON.stringify([benchmark, questionType, profile]),
    rows,
  ]);
  assert.deepEqual(claimed.sort(), [...counts].sort());
  assert.equal(allVectors().length, 343);
  assert.equal(
    CLAIMED.reduce((sum, [, , , rows]) => sum + rows, 0),
    343,
  );
});

test("asking for rows that are not there is an error", () => {
  assert.equal(vectorsOf("VSI-Bench", { profile: "lmms-eval" }).length, 4);
  assert.throws(() => vectorsOf("VSI-Bench", { profile: "lmms" }), /no rows of \["VSI-Bench",null,"lmms"\]/);
});

/** The calls of `vectorsOf` and `textVectorsOf` in the tests, whose arguments must be literal to be found here. */
const CALL = /[vV]ectorsOf\(\s*"([^"]+)"\s*(?:,\s*\{([^}]*)\})?\s*,?\s*\)/g;

test("every row is replayed by some test", () => {
  const src = fileURLToPath(new URL("../../", import.meta.url));
  const replayed = new Set<unknown>();
  for (const file of readdirSync(src, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".test.ts") || file.endsWith("vectors.test.ts")) continue;
    for (const [, benchmark = "", filter = ""] of readFileSync(`${src}${file}`, "utf8").matchAll(CALL)) {
      const value = (name: string): string | undefined =>
        new RegExp(`\\b${name}:\\s*"([^"]+)"`).exec(filter)?.[1];
      const [questionType, profile] = [value("questionType"), value("profile")];
      const rows = vectorsOf(benchmark, {
        ...(questionType !== undefined && { questionType }),
        ...(profile !== undefined && { profile }),
      });
      for (const row of rows) replayed.add(row);
    }
  }
  const left = allVectors().filter((row) => !replayed.has(row));
  assert.deepEqual(
    [...new Set(left.map((row) => `${row.benchmark}, ${row.questionType}, ${row.profile}`))],
    [],
  );
});
