// Every text is also given to JSON.parse, which knows JSON by itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import { randomStream } from "../../core/random.ts";
import { FileBytes } from "./fileBytes.ts";
import { JsonScanner } from "./jsonScanner.ts";
import { testFolder, writeTo } from "./testFiles.ts";

const folder = testFolder();
const scannerOf = (text: string | Uint8Array): JsonScanner =>
  new JsonScanner(FileBytes.open(writeTo(folder, "a.json", text)));

/** Whether the text is one value and white space around it. */
function accepts(text: string): boolean {
  const scanner = scannerOf(text);
  return scanner.valueEnd() >= 0 && scanner.skipSpace() === -1;
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const VALUES = [
  "0", "-0", "10", "-1.5e+10", "1E5", "0.0", "true", "false", "null", '""', '"é\\u00e9\\n\\"\\\\\\/"', "[]", "{}", "[[]]",
  ' \t\r\n[ 1 , { "a" : [ ] , "b" : { } } , "x" ] ', '{"a":{"b":[1,2,{"c":null}]},"":0}',
]; // prettier-ignore
const BROKEN = [
  "", " ", "01", "-", "+1", "1.", ".5", "1e", "1e+", "tru", "True", "nul", "NaN", "Infinity", "'a'", '"a', '"\\x"', '"\\u12g4"',
  '"a\nb"', '"\t"', "[", "]", "{", "}", "[1", "[1,]", "[,1]", "[1 2]", "[1}", '{"a"}', '{"a":}', '{"a":1,}', '{"a":1 "b":2}', "{a:1}", '{1:1}',
  '{"a":1]', "1 2", "[] []", '{"a":1}}', "//", "undefined", '"\u0000"', "\u00a0[]", "[1,\u2028 2]",
]; // prettier-ignore
for (const text of VALUES)
  test(`value ${JSON.stringify(text)}`, () => assert.ok(parses(text) && accepts(text)));
for (const text of BROKEN)
  test(`no value ${JSON.stringify(text)}`, () => assert.ok(!parses(text) && !accepts(text)));

test("3,000 texts with bytes taken out, put in or changed: as JSON.parse decides", () => {
  const random = randomStream("scanner");
  const text = JSON.stringify({
    prompt: [{ role: "user", content: 'a "b" \\ \n é 視' }],
    numbers: [0, -1.5, 2e30, true, null, {}],
    x: { y: [[], ""] },
  });
  const bytes = Buffer.from(text);
  let valid = 0;
  for (let i = 0; i < 3000; i++) {
    const at = random.below(bytes.length);
    const put = random.pick([
      '"',
      "\\",
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      "0",
      "a",
      " ",
      "\n",
      "u",
      "-",
      ".",
      "e",
    ]);
    const cut = random.below(3) === 0 ? 0 : 1;
    const mutant = Buffer.concat([
      bytes.subarray(0, at),
      Buffer.from(random.below(4) === 0 ? "" : put),
      bytes.subarray(at + cut),
    ]).toString("utf8");
    if (parses(mutant)) valid++;
    assert.equal(accepts(mutant), parses(mutant), mutant);
  }
  assert.ok(valid > 300 && valid < 2700, `${valid} of 3000 were valid: both kinds are tried`);
});

const damaged: readonly (readonly [text: string, offset: number, reason: string])[] = [
  ['{"a": 1 "b": 2}', 8, "has '\"' where ',' or '}' must stand"],
  [
    '{"a": "x\ny"}',
    8,
    "has a line break inside a string; write it as an escape, or close the string before it",
  ],
  ['{"a": NaN}', 6, "has 'N' where a value must stand"],
  ['{"a": nul}', 9, "has '}' where the rest of null must stand"],
  ['{"a": "\\q"}', 8, "has 'q' where one of \"\\/bfnrtu after a backslash must stand"],
  ['{"a": "\\u00g0"}', 11, "has 'g' where a hexadecimal digit of \\u must stand"],
  ['{"a": [1, 2', 11, "ends where ',' or ']' must stand"],
  ['{"a": "bcd', 10, "ends inside a string"],
  ["{'a': 1}", 1, "has ''' where a key in double quotes must stand"],
  ["[1, \u00e9]", 4, "has byte 0xc3 where a value must stand"],
];
for (const [text, offset, reason] of damaged)
  test(`damage of ${JSON.stringify(text)}`, () => {
    const scanner = scannerOf(text);
    assert.equal(scanner.valueEnd(), -1);
    assert.deepEqual(scanner.damage, { offset, reason });
  });

test("values longer than a block, and places behind it", () => {
  const long = "x".repeat(3_000_000);
  const text = `  {"a": "${long}\\n", "b": [${"1, ".repeat(400_000)}2]} "next"`;
  const scanner = scannerOf(text);
  assert.equal(scanner.valueEnd(), text.indexOf("]}") + 2);
  assert.equal(scanner.find(0x6e), text.indexOf("next"));
  assert.equal(scanner.valueEnd(), text.length);
  scanner.at = 0; // back, out of the block
  assert.equal(scanner.valueEnd(), text.indexOf("]}") + 2);
  scanner.at = 0;
  scanner.endAt(2_000_000);
  assert.equal(scanner.valueEnd(), -1);
  assert.deepEqual(scanner.damage, { offset: 2_000_000, reason: "ends inside a string" });
  assert.equal(scanner.find(0x5d), 2_000_000);
});

test("256 levels are read, one more is damage: no file can overflow the stack", () => {
  assert.ok(accepts("[".repeat(256) + "]".repeat(256)));
  const scanner = scannerOf("[".repeat(100_000));
  assert.equal(scanner.valueEnd(), -1);
  assert.deepEqual(scanner.damage, { offset: 256, reason: "nested deeper than 256 levels" });
});
