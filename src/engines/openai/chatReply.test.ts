import assert from "node:assert/strict";
import { test } from "node:test";
import { readWhole, ReplyReader } from "./chatReply.ts";

const STOPS = ["</code>", "</answer>"];

function read(text: string, choice: object) {
  const { text: said, stop } = readWhole(
    { choices: [{ message: { content: text }, ...choice }] },
    "m",
    STOPS,
  );
  return [said, stop];
}

test("a stop string that the server cut off is put back, where it tells which or the text shows it", () => {
  const cases: readonly (readonly [text: string, choice: object, expected: string])[] = [
    ["<code>x", { finish_reason: "stop" }, "<code>x</code>"],
    ["So <answer>\\boxed{4}", { finish_reason: "stop" }, "So <answer>\\boxed{4}</answer>"],
    ["I owe an <answer>. <code>x", { finish_reason: "stop" }, "I owe an <answer>. <code>x</code>"],
    ["plain words", { finish_reason: "stop" }, "plain words"],
    // vLLM's and SGLang's own fields end all doubt: null is the end of the turn
    ["<code>x", { finish_reason: "stop", stop_reason: null }, "<code>x"],
    ["<code>x", { finish_reason: "stop", matched_stop: 151645 }, "<code>x"],
    ["x", { finish_reason: "stop", stop_reason: "</answer>" }, "x</answer>"],
    ["x", { finish_reason: "stop", matched_stop: "</code>" }, "x</code>"],
  ];
  for (const [text, choice, expected] of cases) assert.deepEqual(read(text, choice), [expected, "stop"]);
});

test("what stands behind the stop string that ends first is dropped, even of a reply that ran into its limit", () => {
  assert.deepEqual(read("a</answer>b</code>c", { finish_reason: "stop" }), ["a</answer>", "stop"]);
  assert.deepEqual(read("a</code>\n\nmore", { finish_reason: "length" }), ["a</code>", "stop"]);
  assert.deepEqual(read("<code>a", { finish_reason: "length" }), ["<code>a", "length"]);
});

test("a reply that a filter cut is cut, one that the server gave up is none; behind a stop string neither matters", () => {
  assert.deepEqual(read("<code>a", { finish_reason: "content_filter" }), ["<code>a", "length"]);
  for (const finish_reason of ["abort", "error"])
    assert.throws(() => read("<code>a", { finish_reason }), /the server gave the reply up \((abort|error)\)/);
  assert.deepEqual(read("<code>a</code>", { finish_reason: "abort" }), ["<code>a</code>", "stop"]);
});

test("a refusal is the reply's text; counts that are none are left out", () => {
  const reply = readWhole(
    {
      choices: [{ message: { content: null, refusal: "I cannot." }, finish_reason: "stop" }],
      usage: { prompt_tokens: "many", completion_tokens: 2 },
      prompt_token_ids: [1],
    },
    "m",
    STOPS,
  );
  assert.deepEqual(reply, {
    text: "I cannot.",
    stop: "stop",
    usage: undefined,
    tokens: undefined,
    model: "m",
  });
});

test("a server that takes no heed of stop strings is left after a thousand characters", () => {
  const reader = new ReplyReader("m", STOPS);
  const say = (text: string): boolean => reader.take({ choices: [{ delta: { content: text } }] });
  assert.equal(say("x</code>"), true);
  assert.equal(say("y".repeat(999)), true);
  assert.equal(say("y"), false);
  assert.deepEqual([reader.reply().text, reader.reply().stop], ["x</code>", "stop"]);
});

test("a stream may say its stop reason in another piece than its text", () => {
  const told: string[] = [];
  const reader = new ReplyReader("m", STOPS, (text) => told.push(text));
  reader.take({ choices: [{ delta: { role: "assistant", content: "" } }] });
  reader.take({ choices: [{ delta: { content: "<code>x" }, finish_reason: null, stop_reason: null }] });
  reader.take({ choices: [{ delta: {}, finish_reason: "stop", stop_reason: "</code>" }] });
  assert.equal(reader.reply().text, "<code>x</code>");
  assert.deepEqual(told, ["<code>x", "</code>"]);
});
