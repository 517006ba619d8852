import assert from "node:assert/strict";
import { test } from "node:test";
import { TurnStream, type TurnPart } from "./turnStream.ts";

const marks = {
  codeOpen: "<code>",
  codeClose: "</code>",
  fence: "```python",
  answerOpen: "<answer>",
  answerClose: "</answer>",
};

/** Prose joined where it touches, a line of code after "| ". */
function shown(parts: readonly TurnPart[]): string[] {
  const out: string[] = [];
  let prose = false;
  for (const part of parts) {
    if (part.type === "code") out.push(`| ${part.line}`);
    else if (prose) out[out.length - 1] += part.text;
    else out.push(part.text);
    prose = part.type === "prose";
  }
  return out;
}

function stream(pieces: readonly string[]): string[] {
  const turn = new TurnStream(marks);
  return shown([...pieces.flatMap((piece) => turn.feed(piece)), ...turn.end()]);
}

const cases: readonly (readonly [name: string, text: string, parts: readonly string[]])[] = [
  [
    "a fenced program: marks, fences and empty lines at its ends are left out, its indentation is kept",
    "Look closer.\n<code>\n```python\n\nfor i in x:\n    print(i)\n\n\nshow()\n\n```\n</code>",
    ["Look closer.\n", "| for i in x:", "|     print(i)", "| ", "| ", "| show()"],
  ],
  ["a program on the marks' own line", "<code>show(1)</code><|im_end|>", ["| show(1)"]],
  ["an answer that is only its box is nothing to tell", "So:<answer>\\boxed{\\frac{1}{2}}</answer>", ["So:"]],
  ["an answer in a sentence", "<answer>It is \\boxed{red}.</answer>", ["It is \\boxed{red}."]],
  ["an answer without a box", "<answer>red</answer>", ["red"]],
  ["neither", "I do not know < 3 <", ["I do not know < 3 <"]],
  ["a program that was cut", "a<code>\n```python\nx = 1\ny = 2", ["a", "| x = 1", "| y = 2"]],
  ["an answer that was cut", "a<answer>\\boxed{re", ["a\\boxed{re"]],
  [
    "marks inside a program are its text",
    '<code>\nprint("<answer>")\n</code>',
    ["| print(\"<answer>\")"], // prettier-ignore
  ],
  ["an end-of-turn token in the middle", "a<|im_end|>b", ["ab"]],
];

for (const [name, text, parts] of cases)
  test(`${name}: the same, however the text is cut`, () => {
    assert.deepEqual(stream([text]), parts, "in one piece");
    assert.deepEqual(stream([...text]), parts, "character by character");
    for (let at = 1; at < text.length; at++)
      assert.deepEqual(stream([text.slice(0, at), text.slice(at)]), parts, `cut at ${at}`);
  });

test("text is told as soon as it can be no mark, code as soon as its line has ended", () => {
  const turn = new TurnStream(marks);
  assert.deepEqual(turn.feed("ab <an"), [{ type: "prose", text: "ab " }]);
  assert.deepEqual(turn.feed("d "), [{ type: "prose", text: "<and " }]);
  assert.deepEqual(turn.feed("<code>x = "), []);
  assert.deepEqual(turn.feed("1\ny"), [{ type: "code", line: "x = 1" }]);
});
