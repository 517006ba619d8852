import assert from "node:assert/strict";
import { test } from "node:test";
import { ReplyText } from "./replyText.ts";

/** Adds the pieces one by one and tells what `take` gave after each. */
function read(
  pieces: readonly (string | readonly number[])[],
  stops: readonly string[],
  includeStop: boolean,
): { taken: string[]; whole: string; stoppedBy: string | undefined } {
  const text = new ReplyText(stops, includeStop);
  const taken: string[] = [];
  for (const piece of pieces) {
    text.add(typeof piece === "string" ? Buffer.from(piece, "utf8") : Uint8Array.from(piece));
    taken.push(text.take(false));
    if (text.stoppedBy !== undefined) break;
  }
  text.end();
  taken.push(text.take(true));
  return { taken, whole: text.whole, stoppedBy: text.stoppedBy };
}

test("without stop strings everything is given at once", () => {
  assert.deepEqual(read(["ab", "c"], [], false), {
    taken: ["ab", "c", ""],
    whole: "abc",
    stoppedBy: undefined,
  });
});

test("a stop string over several tokens is left out, and no piece of it is ever given", () => {
  assert.deepEqual(read(["x <", "/co", "de> y"], ["</code>"], false), {
    taken: ["x ", "", "", ""],
    whole: "x ",
    stoppedBy: "</code>",
  });
});

test("what only looked like its beginning comes late", () => {
  assert.deepEqual(read(["a</", "c", "x"], ["</code>"], false).taken, ["a", "", "</cx", ""]);
  assert.deepEqual(read(["a</"], ["</code>"], false), {
    taken: ["a", "</"],
    whole: "a</",
    stoppedBy: undefined,
  });
});

test("included, it is given as it comes, and what follows it in its token is not", () => {
  assert.deepEqual(read(["x <", "/co", "de>\n"], ["</code>"], true), {
    taken: ["x <", "/co", "de>", ""],
    whole: "x </code>",
    stoppedBy: "</code>",
  });
});

test("of two stop strings the one that is complete first counts; of two that end together the longer", () => {
  assert.deepEqual(read(["abcdef"], ["bcde", "cd"], true), {
    taken: ["abcd", ""],
    whole: "abcd",
    stoppedBy: "cd",
  });
  assert.deepEqual(read(["abcdef"], ["cd", "bcd"], false), {
    taken: ["a", ""],
    whole: "a",
    stoppedBy: "bcd",
  });
});

test("a character cut over two tokens is given when it is whole, and half a one at the end is U+FFFD", () => {
  // "é" is c3 a9.
  assert.deepEqual(read([[0x61, 0xc3], [0xa9]], [], false).taken, ["a", "é", ""]);
  assert.deepEqual(read([[0x61, 0xc3]], [], false), {
    taken: ["a", "\ufffd"],
    whole: "a\ufffd",
    stoppedBy: undefined,
  });
  assert.deepEqual(read([[0xc3], [0xa9, 0x21]], ["é"], true), {
    taken: ["", "é", ""],
    whole: "é",
    stoppedBy: "é",
  });
});

test("a byte order mark is text like any other", () => {
  assert.equal(read([[0xef, 0xbb, 0xbf, 0x61]], [], false).whole, "\ufeffa");
});
