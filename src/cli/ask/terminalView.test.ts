import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { test } from "node:test";
import { TerminalView, type TerminalViewOptions } from "./terminalView.ts";
import type { ToolReport, TurnReport } from "./reports.ts";

const marks = {
  codeOpen: "<code>",
  codeClose: "</code>",
  fence: "```python",
  answerOpen: "<answer>",
  answerClose: "</answer>",
};

function view(more: Partial<TerminalViewOptions> = {}) {
  const written: string[] = [];
  const options = { color: false, typed: false, marks, draw: undefined, ...more };
  return {
    view: new TerminalView({ ...options, write: (text) => written.push(text) }),
    shown: () => written.join(""),
    pieces: written,
  };
}

const turn = (text: string, more: Partial<TurnReport> = {}): TurnReport => ({
  ...{ type: "turn", question: 1, turn: 1, text, stop: "stop", seconds: 0.25 },
  ...{ action: { type: "none", reason: "" }, tokens: { sampled: 7, context: 40, visual: 12 } },
  ...more,
});
const tool = (more: Partial<ToolReport>): ToolReport => ({
  ...{ type: "tool", question: 1, turn: 1, outcome: { type: "ok" }, alive: true, stdout: "" },
  ...{ figures: [], observed: true, seconds: 0.066 },
  ...more,
});

test("a conversation as plain text", () => {
  const { view: v, shown } = view();
  const media = { images: [{ path: "a.png", width: 20, height: 10 }], videos: [{ path: "b.mp4" }] };
  v.question({ type: "question", question: 1, text: "What\nis it?", model: "qwen", ...media });
  v.turnStarts(1);
  const text =
    "\n  Look closer:\n- here\n\n  - there\n\n<code>\n```python\nfor i in x:\n    show(i)\n```\n</code>";
  for (const char of text) v.text(char);
  v.turn(turn(text));
  const figure = { width: 84, height: 85, label: "image_clue_1", tokens: 1, path: "f.png" };
  v.tool(tool({ stdout: "1\n\n 2\n", figures: [figure] }), []);
  v.turnStarts(2);
  v.turn(turn("Red.<answer>\\boxed{red}</answer><|im_end|>", { tokens: { visual: 21 }, requests: 3 }));
  const tokens = { sampled: 9, context: 50, visual: 21 };
  const end = { type: "end", question: 1, end: { type: "answered" }, tokens, seconds: 1.26 } as const;
  v.ended({ ...end, answer: "red", turns: 2, toolCalls: 1 });
  v.question({ type: "question", question: 2, text: "And?", model: "qwen" });
  v.ended({ ...end, end: { type: "turnLimit" }, turns: 1, toolCalls: 0 });
  assert.equal(
    shown(),
    `a.png, 20 x 10 px
b.mp4
qwen
What
is it?

turn 1
  Look closer:
  - here

    - there
  | for i in x:
  |     show(i)
  (7 tokens sampled, 40 in the context, 12 visual, 0.3 s)
  => ok, 0.07 s, 1 figure
  > 1
  > 
  >  2
  image_clue_1: 84 x 85 px, 1 visual token, f.png

turn 2
  Red.
  (21 visual, 0.3 s, 3 requests)

answer: red
2 turns, 1 tool call, 9 tokens sampled, 50 in the context, 21 visual, 1.3 s

And?

no answer: its turns are used up; --set agent.maxTurns allows more
1 turn, 0 tool calls, 9 tokens sampled, 50 in the context, 21 visual, 1.3 s
`,
  );
});

test("prose is written as it comes", () => {
  const { view: v, pieces } = view();
  v.turnStarts(1);
  const before = pieces.length;
  v.text("Loo");
  v.text("k at ");
  v.text("it.");
  assert.deepEqual(pieces.slice(before), ["  Loo", "k at ", "it."]);
});

test("the end of a turn that did not come in pieces is shown; so is all of one that was asked for again", () => {
  const late = view();
  late.view.turnStarts(1);
  late.view.text("Look.<co");
  late.view.turn(turn("Look.<code>a</code>"));
  assert.match(late.shown(), /\nturn 1\n {2}Look\.\n {2}\| a\n {2}\(7 tokens/);

  const again = view();
  again.view.turnStarts(1);
  for (const piece of ["Look h", "Look", " there."]) again.view.text(piece);
  again.view.turn(turn("Look there."));
  assert.match(
    again.shown(),
    /\n {2}Look hLook there\.\n {2}the reply was asked for again; this is the turn:\n {2}Look there\.\n {2}\(/,
  );
});

test("nothing that a model or a program writes reaches the terminal as a control sequence", () => {
  const { view: v, shown } = view({ color: false });
  const evil = "\x1b]0;owned\x07a\x1b[2Jb\u009b31mc\rd\x7f";
  v.question({ type: "question", question: 1, text: evil, model: evil, images: [{ path: evil }] });
  v.turnStarts(1);
  for (const char of `${evil}<code>${evil}</code>`) v.text(char);
  v.turn(turn(`${evil}<code>${evil}</code>`));
  const error = { type: "pythonError", errorType: evil, message: evil, traceback: evil } as const;
  v.tool(tool({ stdout: evil, outcome: error, figures: [{ width: 1, height: 1, path: evil }] }), []);
  const broken = { type: "sandboxFailure", message: evil } as const;
  const end = {
    type: "end",
    question: 1,
    turns: 1,
    toolCalls: 0,
    tokens: { visual: 0 },
    seconds: 0,
  } as const;
  v.ended({ ...end, end: broken });
  v.ended({ ...end, end: broken, answer: evil });
  assert.doesNotMatch(shown(), /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
});

test("in colour: the same text, with the program's tokens told apart", () => {
  const plain = view();
  const coloured = view({ color: true });
  for (const { view: v } of [plain, coloured]) {
    v.turnStarts(1);
    v.turn(turn('Look.<code>x = "a" # b\nprint(x)</code>'));
    v.tool(tool({ outcome: { type: "timeout", limitMs: 1500 }, alive: false }), []);
  }
  assert.equal(stripVTControlCharacters(coloured.shown()), plain.shown());
  assert.ok(coloured.shown().includes('x = \x1b[32m"a"\x1b[0m \x1b[2m# b\x1b[0m\n'));
  assert.ok(coloured.shown().includes("\x1b[36mprint\x1b[0m(x)\n"));
  assert.ok(coloured.shown().includes("\x1b[31m  => timeout after 1.5 s, variables lost, 0.07 s\x1b[0m\n"));
});

test("figures are drawn where the terminal can; typed questions are not repeated", () => {
  const image = { width: 1, height: 1, data: Uint8Array.of(1, 2, 3) };
  const { view: v, shown } = view({ typed: true, draw: ({ data }) => `<${data.join()}>` });
  v.tool(tool({ figures: [{ width: 1, height: 1 }] }), [image]);
  v.question({ type: "question", question: 2, text: "And?", model: "m" });
  assert.equal(shown(), "  => ok, 0.07 s, 1 figure\n  <1,2,3>\n  figure: 1 x 1 px\n");
});

test("of a long output the beginning and the end are shown", () => {
  const { view: v, shown } = view();
  const lines = Array.from({ length: 70 }, (_, i) => `line ${i + 1}`);
  v.tool(tool({ stdout: [...lines, "x".repeat(3000)].join("\n") }), []);
  const told = shown().split("\n");
  // The head, 40 lines, the note, 15 lines, and what is behind the last line end.
  assert.equal(told.length, 1 + 40 + 1 + 15 + 1);
  assert.deepEqual(told.slice(40, 43), ["  > line 40", "  > … (16 lines more)", "  > line 57"]);
  assert.equal(told[56], `  > ${"x".repeat(2000)}… (3000 characters)`);
});
