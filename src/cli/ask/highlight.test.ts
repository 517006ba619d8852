import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { highlightLine, type HighlightState, type Span } from "./highlight.ts";

const python = fileURLToPath(new URL("../../../.venv/bin/python", import.meta.url));

function highlight(source: string): Span[][] {
  let state: HighlightState;
  return source.split("\n").map((line) => {
    const result = highlightLine(line, state);
    state = result.state;
    assert.equal(result.spans.map(({ text }) => text).join(""), line, "nothing is added or lost");
    return [...result.spans];
  });
}

test("a program, span by span", () => {
  const spans = (line: string) =>
    highlight(line)[0]?.flatMap(({ style, text }) => (text.trim() === "" ? [] : [`${style}:${text}`]));
  assert.deepEqual(spans("def look(x=1.5e-3): # why"), [
    ...["keyword:def", "definition:look", "plain:(", "plain:x", "plain:=", "number:1.5e-3"],
    ...["plain:)", "plain::", "comment:# why"],
  ]);
  assert.deepEqual(spans("print(rb'a\\'#', a.print)"), [
    ...["builtin:print", "plain:(", "string:rb'a\\'#'", "plain:,", "plain:a", "plain:.", "plain:print"],
    "plain:)",
  ]);
  assert.deepEqual(spans("  @wraps(f)"), ["decorator:@wraps", "plain:(", "plain:f", "plain:)"]);
  assert.deepEqual(spans("a @ b"), ["plain:a", "plain:@", "plain:b"]);
});

test("strings go over lines only in triple quotes, or after a backslash", () => {
  const styles = (source: string) => highlight(source).map((line) => line.map(({ style }) => style));
  assert.deepEqual(styles('x"""a\nb\nc"""'), [["plain", "string"], ["string"], ["string"]]);
  assert.deepEqual(styles("'a\\\nb'"), [["string"], ["string"]]);
  assert.deepEqual(styles("'a\nb"), [["string"], ["plain"]]);
  assert.deepEqual(styles("'a\\\nb\nc"), [["string"], ["string"], ["plain"]]);
});

// Python's own tokenizer says where strings, comments and numbers are. Before 3.12 an f-string is one string there, as here;
// later ones are put together again.
const ORACLE = `
import io, json, sys, tokenize as t
found, opened = [], None
for token in t.generate_tokens(io.StringIO(sys.stdin.read()).readline):
    name = t.tok_name[token.type]
    if name.endswith("STRING_START"): opened = (opened or 0, token.start) if opened is None else (opened[0] + 1, opened[1])
    elif name.endswith("STRING_END"):
        if opened[0] == 0: found.append(["string", *opened[1], *token.end]); opened = None
        else: opened = (opened[0] - 1, opened[1])
    elif opened is None and name in ("STRING", "COMMENT", "NUMBER"): found.append([name.lower(), *token.start, *token.end])
print(json.dumps(found))
`;

const PROGRAM = `import numpy as np  # the usual
from PIL import Image
"""Doc "string" with 'quotes',
# no comment, and a number 12
"""
x, y = 0x_ff, 1_000.5e-3j + .5 - 1. * 7j if True else 0b01 | 0o17
s = 'it''s' + "#" + r"\\d+\\"" + b'\\x00' + f"{x} of {y:>{x}}" + u"ü"
größe = x1 + 1if x else 2
@staticmethod
def crop(box: tuple[int, int], *, scale=2.0) -> "Image":
    '''triple
    in single ''' # after
    return image_clue_0.crop(box).resize((int(84*scale), -1), Image.LANCZOS)
t = 'joined \\
line' ; a = x[1:2, ...]
class A: pass
`;

test("strings, comments and numbers are where Python's own tokenizer finds them", () => {
  const { stdout, stderr, status } = spawnSync(python, ["-c", ORACLE], { input: PROGRAM, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  const tokens = JSON.parse(stdout) as [string, number, number, number, number][];
  const lines = PROGRAM.split("\n");
  const expected = lines.map((line) => [...line].map(() => "."));
  for (const [style, startLine, start, endLine, end] of tokens)
    for (let row = startLine; row <= endLine; row++) {
      const columns = expected[row - 1] as string[];
      const to = row === endLine ? end : columns.length;
      columns.fill(style[0] as string, row === startLine ? start : 0, to);
    }
  const found = highlight(PROGRAM).map((spans) =>
    spans.flatMap(({ style, text }) =>
      [...text].map(() => (["string", "comment", "number"].includes(style) ? (style[0] as string) : ".")),
    ),
  );
  const draw = (rows: readonly (readonly string[])[]): string =>
    rows.map((row, i) => `${lines[i]}\n${row.join("")}`).join("\n");
  assert.equal(draw(found), draw(expected));
});
