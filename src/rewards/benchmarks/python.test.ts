// All expectations are what CPython 3.11 printed for the same input.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  percent2,
  pyFixed,
  pyFloat,
  pyInt,
  pyIsAlpha,
  pyIsDigit,
  pySplitLines,
  pySplitSpaces,
  pySplitWords,
  pyStrip,
  pyStripEnd,
  roundHalfEven,
} from "./python.ts";

const invalid = undefined;

/** text, float(text), int(text) */
const NUMBERS: readonly (readonly [string, number | undefined, number | undefined])[] = [
  ["1e1", 10, invalid],
  [" 2.5\n", 2.5, invalid],
  ["1_000", 1000, 1000],
  ["1__0", invalid, invalid],
  ["_1", invalid, invalid],
  ["1_", invalid, invalid],
  ["1._5", invalid, invalid],
  [".5", 0.5, invalid],
  ["5.", 5, invalid],
  ["+.5e-3", 0.0005, invalid],
  ["nan", NaN, invalid],
  ["-Infinity", -Infinity, invalid],
  ["INF", Infinity, invalid],
  ["1e999", Infinity, invalid],
  ["", invalid, invalid],
  [".", invalid, invalid],
  ["0x10", invalid, invalid],
  ["1,000", invalid, invalid],
  ["50%", invalid, invalid],
  ["١٢", 12, 12],
  ["１.５", 1.5, invalid],
  ["𝟗𝟘", 90, 90],
  ["\u30003\u00a0", 3, 3],
  ["1 2", invalid, invalid],
  ["\x1c3\x1f", invalid, invalid],
  ["\ufeff3", invalid, invalid],
  ["infin", invalid, invalid],
  ["1e", invalid, invalid],
  ["e5", invalid, invalid],
  ["1e1_0", 1e10, invalid],
  ["-0", -0, 0],
  ["-7", -7, -7],
  ["--1", invalid, invalid],
  ["12.0", 12, invalid],
];

test("float and int read what Python reads", () => {
  for (const [text, float, int] of NUMBERS) {
    assert.ok(Object.is(pyFloat(text), float), `float(${JSON.stringify(text)})`);
    assert.ok(Object.is(pyInt(text), int), `int(${JSON.stringify(text)})`);
  }
  assert.equal(pyInt("9".repeat(4300)), Infinity);
  assert.equal(pyInt("9".repeat(4301)), undefined);
  assert.equal(pyInt("9007199254740993"), 9007199254740992);
});

test("round goes to even on the exact binary value", () => {
  const cases: readonly (readonly [number, number, number])[] = [
    [2.675, 2, 2.67],
    [0.125, 2, 0.12],
    [0.375, 2, 0.38],
    [0.285, 2, 0.28],
    [1.005, 2, 1],
    [2.5, 0, 2],
    [3.5, 0, 4],
    [-2.5, 0, -2],
    [-0.5, 0, -0],
    [1234.5, -2, 1200],
    [1250, -2, 1200],
    [150, -2, 200],
    [1e22, 2, 1e22],
    [5e-324, 3, 0],
    [NaN, 2, NaN],
    [Infinity, 2, Infinity],
  ];
  for (const [x, digits, expected] of cases)
    assert.ok(Object.is(roundHalfEven(x, digits), expected), `round(${String(x)}, ${String(digits)})`);
});

test("formats as Python does", () => {
  const percents = [0.00125, 0.00375, 1 / 3, 1, 0.12345, -0.00001, NaN, 2.00005].map(percent2);
  assert.deepEqual(percents, ["0.12%", "0.38%", "33.33%", "100.00%", "12.35%", "-0.00%", "nan%", "200.00%"]);
  const fixed = [0.25, 0.35, 99.95, 1e21, -0.05, Infinity].map((x) => pyFixed(x, 1));
  assert.deepEqual(fixed, ["0.2", "0.3", "100.0", "1000000000000000000000.0", "-0.1", "inf"]);
  assert.deepEqual([pyFixed(2.5, 0), pyFixed(0.5, 0)], ["2", "0"]);
});

test("digits and letters are those of Unicode", () => {
  const digits = ["²", "12", "١", "①", "-1", "1.0", "", "½", "Ⅷ", "一"];
  assert.deepEqual(digits.filter(pyIsDigit), ["²", "12", "١", "①"]);
  const letters = ["é", "aé漢", "ª", "ʰ", "一", "a1", "a ", "Ⅷ", "a\u0301", ""];
  assert.deepEqual(letters.filter(pyIsAlpha), ["é", "aé漢", "ª", "ʰ", "一"]);
});

test("splits and strips", () => {
  assert.deepEqual(pySplitSpaces(" a  b "), ["", "a", "", "b", ""]);
  assert.deepEqual(pySplitSpaces(""), [""]);
  assert.deepEqual(pySplitWords(" a \x1c b\u3000c\ufeff"), ["a", "b", "c\ufeff"]);
  assert.deepEqual([pySplitWords(""), pySplitWords("  ")], [[], []]);
  assert.deepEqual(pySplitLines("a\r\nb\rc\x0b\x1cd\x85\n"), ["a", "b", "c", "", "d", ""]);
  assert.deepEqual([pySplitLines(""), pySplitLines("a"), pySplitLines("\n")], [[], ["a"], [""]]);
  assert.equal(pyStrip("\x1c\x85 a \u3000"), "a");
  assert.equal(pyStrip("\ufeffa\ufeff"), "\ufeffa\ufeff");
  assert.equal(pyStrip("..a.b.", "."), "a.b");
  assert.equal(pyStrip("𝟗a𝟗", "𝟗"), "a");
  assert.equal(pyStripEnd("A...", "."), "A");
});
