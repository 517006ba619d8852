// docs/metrics.md against what the code writes: a metric without its row, a row without its metric, and another unit fail.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { endReasonTypes } from "../../learning/filters.ts";
import { metricInfo } from "../../learning/metrics.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const document = read("docs/metrics.md");

interface Row {
  readonly name: string;
  readonly unit: string;
  readonly meaning: string;
}

/** Rows of the tables under headings that begin so. */
function rowsUnder(heading: string): Row[] {
  const sections = document.split(/^## /m).filter((section) => section.startsWith(heading));
  return sections.flatMap((section) =>
    [...section.matchAll(/^\| `([^`]+)`\s*\| (\S+)\s*\| (.+?)\s*\|$/gm)].map(
      ([, name = "", unit = "", meaning = ""]) => ({ name, unit, meaning }),
    ),
  );
}

const rl = rowsUnder("RL");
const supervised = rowsUnder("Pretraining and SFT");
/** "groups/dropped/REASON" stands for all of its names. */
const isDocumented = (name: string, rows: readonly Row[]): boolean =>
  rows.some((row) =>
    row.name.endsWith("REASON") ? name.startsWith(row.name.slice(0, -"REASON".length)) : row.name === name,
  );
/** Keys such as "train/loss": of an object in a source file. */
const keysIn = (source: string): string[] =>
  [...source.matchAll(/"([a-z_]+\/[a-z_/]*)":/g)].map(([, name = ""]) => name);

test("every metric that the RL loop may write has a row, and its unit is the code's", () => {
  // The types of the loop allow no name that this table does not hold.
  const names = keysIn(read("src/learning/metrics.ts"));
  assert.ok(names.length > 40, `${names.length} names found`);
  for (const name of names) {
    const example = name.endsWith("/") ? `${name}answered` : name;
    assert.ok(isDocumented(example, rl), `docs/metrics.md has no row for ${name}`);
  }
  for (const reason of endReasonTypes)
    assert.ok(document.includes(`\`${reason}\``), `no word on end/${reason}`);
});

test("every row of the RL tables is a metric of the code, with its unit and a meaning", () => {
  assert.ok(rl.length > 40, `${rl.length} rows found`);
  for (const { name, unit, meaning } of rl) {
    const info = metricInfo(name.replace("REASON", "answered"));
    assert.ok(info !== undefined, `${name} stands in docs/metrics.md and is never written`);
    assert.equal(unit, info.unit, `unit of ${name}`);
    assert.ok(meaning.length > 10, `meaning of ${name}`);
  }
});

test("pretraining and SFT write what their table holds, no more and no less", () => {
  const written = keysIn(read("src/cli/stages/supervised.ts"));
  assert.deepEqual([...new Set(written)].sort(), supervised.map(({ name }) => name).sort());
});

test("whatever goes into metrics.jsonl goes to the trackers too", () => {
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !/\.(test|parity)\.ts$|testRun\.ts$|^runs/.test(path))
    .map((path) => ({ path, text: read(join("src", path)) }));
  const writers = sources.filter(({ text }) => text.includes(".appendMetrics("));
  assert.ok(writers.length >= 2, "the RL stage, and that of pretraining and SFT");
  for (const { path, text } of writers) assert.match(text, /trackers\.metrics\(/, path);
});

test("what trackers get beside metrics stands in docs/trackers.md", () => {
  const trackers = read("docs/trackers.md");
  const names = keysIn(read("src/runs/trackers/rlMedia.ts"));
  assert.equal(names.length, 5);
  for (const name of [...names, "trajectory/text", "trajectory/image_1"])
    assert.ok(trackers.includes(`\`${name}\``), `docs/trackers.md has no row for ${name}`);
});
