import assert from "node:assert/strict";
import { test } from "node:test";
import { formatBytes, formatCount, formatDuration } from "./format.ts";
import { sparkline, sparklineTable } from "./sparkline.ts";
import { markdownTable, renderTable } from "./table.ts";

test("durations", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0 ms"],
    [949, "949 ms"],
    [950, "0.9 s"],
    [4200, "4.2 s"],
    [9960, "10 s"],
    [59_600, "1 min 00 s"],
    [185_000, "3 min 05 s"],
    [3_599_999, "1 h 00 min"],
    [7_620_000, "2 h 07 min"],
    [NaN, "?"],
  ];
  for (const [ms, text] of cases) assert.equal(formatDuration(ms), text);
});

test("counts and bytes", () => {
  assert.deepEqual([0, 12, 0.25, 3.14159, 41.66, 123.4, 1e9, NaN].map(formatCount), [
    "0",
    "12",
    "0.25",
    "3.14",
    "41.7",
    "123",
    "1000000000",
    "?",
  ]);
  assert.deepEqual([512, 999_999, 3_400_000, 25.3e9].map(formatBytes), [
    "512 B",
    "1 MB",
    "3.4 MB",
    "25.3 GB",
  ]);
});

test("a table lines up words to the left and numbers to the right", () => {
  assert.equal(
    renderTable(
      ["kind", { title: "accuracy", digits: 2 }, "n"],
      [
        ["look", 0.5, 100],
        ["séarch", undefined, 7],
      ],
    ),
    "kind    accuracy    n\n" +
      "──────  ────────  ───\n" +
      "look        0.50  100\n" +
      "séarch         –    7",
  );
  assert.equal(renderTable(["a", "b"], []), "a  b\n─  ─");
  assert.throws(() => renderTable(["a"], [["x", "y"]]), /internal: table row has 2 cells for 1 columns/);
});

test("a sparkline goes from the lowest to the highest block and leaves gaps", () => {
  assert.equal(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8), "▁▂▃▄▅▆▇█");
  assert.equal(sparkline([0, 0, 7, 7], 2), "▁█");
  assert.equal(sparkline([1, NaN, 2], 3), "▁ █");
  assert.equal(sparkline([5, 5], 8), "▅▅");
  assert.equal(sparkline([], 8), "");
  assert.equal(
    sparklineTable([
      { title: "reward", values: [1, 3, 2] },
      { title: "none", values: [NaN] },
    ]),
    "        first  curve  last  min  max\n" +
      "──────  ─────  ─────  ────  ───  ───\n" +
      "reward      1  ▁█▅       2    1    3\n" +
      "none        –            –    –    –",
  );
});

test("a Markdown table lies as Prettier lays it out; a bar in a cell is no column", () => {
  assert.equal(
    markdownTable(
      ["what", "a|b"],
      [
        ["accuracy", "0.5 ± 0.1"],
        ["x", ""],
      ],
    ),
    "| what     |      a\\|b |\n| -------- | --------: |\n| accuracy | 0.5 ± 0.1 |\n| x        |           |\n",
  );
});
