import assert from "node:assert/strict";
import { test } from "node:test";
import { randomStream } from "../core/random.ts";
import { assertLinear } from "../core/testGrowth.ts";
import { extractBoxed, parseTurn } from "./parser.ts";
import type { ProtocolMarks } from "./parser.ts";

const marks: ProtocolMarks = {
  codeOpen: "<code>",
  codeClose: "</code>",
  fence: "```python",
  answerOpen: "<answer>",
  answerClose: "</answer>",
  boxed: "required",
};
const read = (text: string): unknown => {
  const action = parseTurn(text, marks);
  return action.type === "code"
    ? { code: action.code }
    : action.type === "answer"
      ? { answer: action.answer }
      : action.reason;
};

const cases: readonly (readonly [name: string, text: string, expected: unknown])[] = [
  ["the protocol", "see <code>\n```python\nx = 1\nprint(x)\n```\n</code>", { code: "x = 1\nprint(x)" }],
  ["an answer", "so <answer>\\boxed{red}</answer>", { answer: "red" }],
  ["code without a fence", "<code>\nprint(1)\n</code>", { code: "print(1)" }],
  ["a space after the mark", "<code> print(1)\nx </code>", { code: "print(1)\nx" }],
  ["code on one line", "<code>print(1)</code>", { code: "print(1)" }],
  ["a fence without its end", "<code>```python\nprint(1)\n</code>", { code: "print(1)" }],
  ["a fence of another language word", "<code>\n```py3\nprint(1)\n```</code>", { code: "print(1)" }],
  ["a fence without a language", "<code>\n```\nprint(1)\n```</code>", { code: "print(1)" }],
  ["a fence on one line", "<code>```python print(1)```</code>", { code: "print(1)" }],
  ["a bare fence on one line", "<code>```print(1)```</code>", { code: "print(1)" }],
  ["a closing fence behind code", "<code>```python\nprint(1)```</code>", { code: "print(1)" }],
  ["four backticks", "<code>````python\nprint(1)\n````</code>", { code: "print(1)" }],
  ["prose around the fence", "<code>First:\n```python\na\n```\nthen more</code>", { code: "a" }],
  ["two fences: the first", "<code>\n```python\na\n```\n```python\nb\n```\n</code>", { code: "a" }],
  [
    "backticks within a line of code",
    "<code>\n```python\nprint('```')\nb\n```\n</code>",
    { code: "print('```')\nb" },
  ],
  ["indentation is kept", "<code>\n```python\n\n  a\n  b\n\n```\n</code>", { code: "  a\n  b" }],
  ["Windows line ends", "<code>\r\n```python\r\na\r\n```\r\n</code>", { code: "a" }],
  ["the mark mentioned in prose", "I use <code> tags: <code>```python\na\n```</code>", { code: "a" }],
  ["two blocks: the first", "<code>a</code><code>b</code>", { code: "a" }],
  ["code before an answer", "<code>a</code><answer>\\boxed{1}</answer>", { code: "a" }],
  ["an answer before code", "<answer>\\boxed{1}</answer><code>a</code>", { answer: "1" }],
  [
    "an answer inside a Python string",
    "<code>print('<answer>\\boxed{1}</answer>')</code>",
    { code: "print('<answer>\\boxed{1}</answer>')" },
  ],
  ["the same, stopped at its end", "<code>print('<answer>\\boxed{1}</answer>", "code block never closed"],
  ["code inside an answer", "<answer><code>a</code>\\boxed{1}</answer>", { answer: "1" }],
  ["an answer mark in prose before code", "I will <answer> later <code>a</code>", { code: "a" }],
  ["empty code", "<code></code>", "empty code"],
  ["an empty fence", "<code>\n```python\n```\n</code>", "empty code"],
  ["only a fence", "<code>```python</code>", "empty code"],
  ["an empty block before a full one", "<code> </code><code>a</code>", "empty code"],
  ["code never closed", "<code>\n```python\nprint(1)\n```", "code block never closed"],
  ["an answer never closed", "<answer>\\boxed{1}", "answer never closed"],
  ["an answer without a box", "<answer>4</answer>", "answer without \\boxed{}"],
  ["a box that never closes", "<answer>\\boxed{4</answer>", "answer without \\boxed{}"],
  ["a box outside the answer", "\\boxed{4}<answer>4</answer>", "answer without \\boxed{}"],
  ["an empty box", "<answer>\\boxed{ }</answer>", "empty answer"],
  ["a fence without the mark", "```python\nprint(1)\n```", "neither code nor answer"],
  ["closing marks only", "</code></answer>", "neither code nor answer"],
  ["nothing", " \n", "empty turn"],
];
for (const [name, text, expected] of cases) test(name, () => assert.deepEqual(read(text), expected));

test("boxed: optional takes the whole answer, but prefers a box", () => {
  const optional = { ...marks, boxed: "optional" } as const;
  assert.deepEqual(parseTurn("<answer> 4 </answer>", optional), { type: "answer", answer: "4" });
  assert.deepEqual(parseTurn("<answer>it is \\boxed{4}</answer>", optional), { type: "answer", answer: "4" });
});

test("boxes: balanced braces, escapes, the first complete one", () => {
  assert.equal(extractBoxed("\\boxed{\\frac{1}{2}}"), "\\frac{1}{2}");
  assert.equal(extractBoxed("\\boxed{a{b{c}}d} }"), "a{b{c}}d");
  assert.equal(extractBoxed("\\boxed{\\{}"), "\\{");
  assert.equal(extractBoxed("\\boxed{1} or \\boxed{2}"), "1");
  assert.equal(extractBoxed("\\boxed{ \\boxed{2}"), "2");
  assert.equal(extractBoxed("\\boxed{a \\boxed{b} c}"), "a \\boxed{b} c");
  assert.equal(extractBoxed("{} } \\boxed{x}"), "x");
  assert.equal(extractBoxed("\\boxed 4"), undefined);
});

test("boxes of mathematics: commands, sets and environments with braces of their own", () => {
  for (const inside of [
    "\\frac{\\sqrt{3}}{2^{n}}",
    "\\left\\{ 1, 2 \\right\\}",
    "\\{\\}",
    "[1, 2)",
    "\\begin{pmatrix}1\\\\2\\end{pmatrix}",
    "\\text{B. the {red} one}",
    "{{{x}}}",
    "a\\\\", // a line break right before the closing brace
  ]) {
    assert.equal(extractBoxed(`so \\boxed{${inside}}.`), inside);
    assert.deepEqual(read(`<answer>\n\\boxed{${inside}}\n</answer>`), { answer: inside });
  }
  assert.deepEqual(read("<answer>\\boxed{\\boxed{A}}</answer>"), { answer: "\\boxed{A}" });
  assert.deepEqual(read("<answer>\\boxed{A\nB}</answer>"), { answer: "A\nB" });
});

test("law: any text gives an action that stands in the text, and never throws", () => {
  const parts = [
    "\\boxed{x}</answer>",
    "<code>",
    "</code>",
    "<answer>",
    "</answer>",
    "```python\n",
    "```",
    "\\boxed{",
    "{",
    "}",
    "\\",
    "\n",
    " ",
    "x",
    "<|im_end|>",
    "é\u0000🙂",
  ];
  const seen = new Set<string>();
  for (let seed = 0; seed < 5000; seed++) {
    const random = randomStream("parser", seed);
    const text = Array.from({ length: random.below(14) }, () => random.pick(parts)).join("");
    const action = parseTurn(text, marks);
    seen.add(action.type);
    if (action.type === "none") continue;
    const value = action.type === "code" ? action.code : action.answer;
    assert.ok(value.trim() !== "" && text.includes(value), JSON.stringify(text));
    const [open, close] = action.type === "code" ? ["<code>", "</code>"] : ["<answer>", "</answer>"];
    const at = text.indexOf(value, text.indexOf(open) + open.length);
    assert.ok(at >= 0 && text.includes(close, at), JSON.stringify(text));
  }
  assert.deepEqual([...seen].sort(), ["answer", "code", "none"]);
});

test("hostile megabytes are read in linear time", () => {
  const inCode = [
    "```",
    "``` ",
    "a```",
    "```python ",
    "\n```x",
    " ",
    "\n",
    " \n",
    "<code>",
    "<answer>",
    "`",
    "```a```",
  ];
  const inAnswer = ["\\boxed{", "{", "}", "\\", "\\boxed{}", "{}", "\\{", "<answer>"];
  const bare = [...inCode, ...inAnswer, "<answer><code>"];
  const texts: readonly (readonly [before: string, part: string, after: string])[] = [
    ...inCode.map((part) => ["<code>", part, "</code>"] as const),
    ...inCode.map((part) => ["<code>\n```python\n", part, "</code>"] as const),
    ...inAnswer.map((part) => ["<answer>", part, "</answer>"] as const),
    ...bare.map((part) => ["", part, ""] as const),
  ];
  for (const [before, part, after] of texts)
    assertLinear(
      before + part,
      1e6,
      (length) => void parseTurn(before + part.repeat(Math.ceil(length / part.length)) + after, marks),
    );
});
