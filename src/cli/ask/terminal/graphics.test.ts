import assert from "node:assert/strict";
import { test } from "node:test";
import { graphicsOfEnvironment, isWorthAsking, readAnswers } from "./graphics.ts";

test("terminals by the names they leave in the environment", () => {
  const cases = [
    [{ TERM: "xterm-kitty" }, "kitty"],
    [{ TERM: "xterm-256color", KITTY_WINDOW_ID: "1" }, "kitty"],
    [{ TERM: "xterm-ghostty", TERM_PROGRAM: "ghostty" }, "kitty"],
    [{ TERM: "xterm-256color", TERM_PROGRAM: "iTerm.app" }, "iterm2"],
    [{ TERM: "xterm-256color", LC_TERMINAL: "iTerm2" }, "iterm2"],
    [{ TERM: "xterm-256color", TERM_PROGRAM: "WezTerm" }, "iterm2"],
    [{ TERM: "foot" }, "sixel"],
    [{ TERM: "mlterm-256color" }, "sixel"],
    [{ TERM: "xterm-256color" }, undefined],
    [{ TERM: "xterm-256color", TERM_PROGRAM: "Apple_Terminal" }, undefined],
    [{}, undefined],
  ] as const;
  assert.deepEqual(
    cases.map(([env]) => graphicsOfEnvironment(env)),
    cases.map(([, graphics]) => graphics),
  );
});

test("inside a multiplexer the terminal around it says nothing", () => {
  for (const inside of [{ TMUX: "/tmp/tmux-0/default,1,0" }, { STY: "1.pts" }, { TERM: "tmux-256color" }])
    assert.equal(graphicsOfEnvironment({ TERM: "xterm-kitty", KITTY_WINDOW_ID: "1", ...inside }), undefined);
});

test("only a terminal that keeps the question to itself is asked", () => {
  assert.ok(isWorthAsking({ TERM: "xterm-256color" }));
  for (const env of [
    {},
    { TERM: "dumb" },
    { TERM: "linux" },
    { TERM: "xterm", TERM_PROGRAM: "Apple_Terminal" },
  ])
    assert.ok(!isWorthAsking(env));
});

test("answers of terminals, as they send them", () => {
  // kitty: query answered, cell of 18 x 9 pixels, VT220 class without sixel
  assert.deepEqual(readAnswers("\x1b_Gi=31;OK\x1b\\\x1b[6;18;9t\x1b[?62;c"), {
    graphics: "kitty",
    cell: { width: 9, height: 18 },
    complete: true,
  });
  // foot: no answer to the query, attribute 4
  assert.deepEqual(readAnswers("\x1b[6;20;10t\x1b[?62;4;22;28;29c"), {
    graphics: "sixel",
    cell: { width: 10, height: 20 },
    complete: true,
  });
  // xterm without graphics; 64 holds a 4 and is no 4
  assert.deepEqual(readAnswers("\x1b[?64;1;2;6;9;15;16;17;18;21;22;28c"), {
    graphics: undefined,
    cell: undefined,
    complete: true,
  });
  // class 4 (the first number) is not attribute 4
  assert.equal(readAnswers("\x1b[?4;6c").graphics, undefined);
  // Kitty's protocol, refused
  assert.equal(readAnswers("\x1b_Gi=31;ENOTSUPPORTED:no\x1b\\\x1b[?62;c").graphics, undefined);
  // keys pressed meanwhile, and an answer that is still under way
  assert.deepEqual(readAnswers("abc\x1b[A\x1b_Gi=31;OK\x1b\\\x1b[?6"), {
    graphics: "kitty",
    cell: undefined,
    complete: false,
  });
});
