import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { askTerminal, NO_GRAPHICS } from "./askTerminal.ts";
import { QUERIES, USUAL_CELL } from "./graphics.ts";

/** A terminal that sends `pieces` when it is asked; records its modes and what was written. */
function terminal(pieces: readonly string[], isTTY = true) {
  const events = new EventEmitter();
  const log: string[] = [];
  const input = {
    isTTY,
    isRaw: false,
    setRawMode: (raw: boolean) => log.push(raw ? "raw" : "cooked"),
    on: (name: "data", listener: (data: Buffer) => void) => events.on(name, listener),
    off: (name: "data", listener: (data: Buffer) => void) => events.off(name, listener),
    resume: () => log.push("resume"),
    pause: () => log.push("pause"),
  };
  const output = {
    isTTY,
    write: (text: string) => {
      log.push(text);
      for (const piece of pieces) setImmediate(() => events.emit("data", Buffer.from(piece, "latin1")));
    },
  };
  return { input, output, log, listeners: () => events.listenerCount("data") };
}
const env = { TERM: "xterm-256color" };
const HOUR = 3_600_000;

test("asks in raw mode and leaves the terminal as it was; answers may come in pieces", async () => {
  const t = terminal(["\x1b_Gi=31;O", "K\x1b\\\x1b[6;20;10t\x1b[?6", "2;4c"]);
  assert.deepEqual(await askTerminal(t.input, t.output, env, "auto", HOUR), {
    graphics: "kitty",
    cell: { width: 10, height: 20 },
  });
  assert.deepEqual(t.log, ["raw", "resume", QUERIES, "cooked", "pause"]);
  assert.equal(t.listeners(), 0);
});

test("a terminal that is silent is left alone after the time limit", async () => {
  const t = terminal([]);
  assert.deepEqual(await askTerminal(t.input, t.output, env, "auto", 10), NO_GRAPHICS);
  assert.deepEqual(t.log.slice(-2), ["cooked", "pause"]);
});

test("what the terminal says goes before its name, but iTerm2's protocol cannot be asked for", async () => {
  const sixel = "\x1b[?62;4c";
  const ask = (names: Record<string, string>, ...answers: string[]) => {
    const t = terminal(answers);
    return askTerminal(t.input, t.output, { ...env, ...names }, "auto", HOUR);
  };
  assert.equal((await ask({ TERM: "foot" }, "\x1b[?62c")).graphics, "sixel");
  assert.equal((await ask({ TERM: "xterm-kitty" }, sixel)).graphics, "sixel");
  assert.equal((await ask({ TERM_PROGRAM: "WezTerm" }, sixel)).graphics, "iterm2");
  assert.equal((await ask({ TMUX: "1", TERM_PROGRAM: "WezTerm" }, sixel)).graphics, "sixel");
});

test("a pipe is not asked and shows nothing, unless a protocol is asked for", async () => {
  const t = terminal([], false);
  assert.deepEqual(await askTerminal(t.input, t.output, { TERM: "xterm-kitty" }, "auto", HOUR), NO_GRAPHICS);
  assert.deepEqual(await askTerminal(t.input, t.output, env, "sixel", HOUR), {
    graphics: "sixel",
    cell: USUAL_CELL,
  });
  assert.deepEqual(t.log, []);
  const shown = terminal([]);
  assert.deepEqual(await askTerminal(shown.input, shown.output, env, "none", HOUR), NO_GRAPHICS);
  assert.deepEqual(shown.log, []);
});
