import assert from "node:assert/strict";
import { test } from "node:test";
import { Conversations, followedBy, NOTHING_SAID } from "./conversations.ts";

const reply = { tokens: [7, 8], logprobs: [-1, -2] };

test("the digest tells order, roles and the cut of parts apart", () => {
  const asked = followedBy(NOTHING_SAID, "user", ["text a", "text b"]);
  assert.equal(followedBy(NOTHING_SAID, "user", ["text a", "text b"]), asked);
  const others = [
    followedBy(NOTHING_SAID, "user", ["text ab"]),
    followedBy(NOTHING_SAID, "system", ["text a", "text b"]),
    followedBy(asked, "user", ["text a", "text b"]),
    followedBy(NOTHING_SAID, "user", ["text b", "text a"]),
  ];
  assert.equal(new Set([asked, ...others]).size, 5);
});

test("a sequence is handed over once, and only to what begins with it and goes on", () => {
  const released: string[] = [];
  const conversations = new Conversations((id) => released.push(id), 4);
  conversations.remember("c", reply, { id: "s", tokens: [1, 7, 8] });
  assert.deepEqual(conversations.find("c"), reply);
  assert.equal(conversations.take("other", [1, 7, 8, 9]), undefined);
  assert.equal(conversations.take("c", [1, 7, 9, 9]), undefined, "other tokens");
  assert.equal(conversations.take("c", [1, 7, 8]), undefined, "nothing new");
  assert.deepEqual(conversations.take("c", [1, 7, 8, 9]), { id: "s", tokens: [1, 7, 8] });
  assert.equal(conversations.take("c", [1, 7, 8, 9]), undefined, "in use");
  assert.deepEqual(conversations.find("c")?.tokens, [7, 8], "the reply is still known");
  assert.deepEqual(released, []);
});

test("beyond the most that are held the oldest is released; its reply stays known", () => {
  const released: string[] = [];
  const conversations = new Conversations((id) => released.push(id), 2);
  for (const name of ["a", "b", "c"]) conversations.remember(name, reply, { id: name, tokens: [1] });
  assert.deepEqual(released, ["a"]);
  assert.equal(conversations.take("a", [1, 2]), undefined);
  assert.deepEqual(conversations.find("a")?.tokens, [7, 8]);
  assert.equal(conversations.take("b", [1, 2])?.id, "b");
  conversations.remember("d", reply, { id: "d", tokens: [1] });
  assert.deepEqual(released, ["a"], "b was handed over: c and d are two");
});

test("the same reply given again replaces the first and releases its sequence", () => {
  const released: string[] = [];
  const conversations = new Conversations((id) => released.push(id), 2);
  conversations.remember("a", reply, { id: "first", tokens: [1, 7, 8] });
  conversations.remember("a", { tokens: [9], logprobs: [-3] }, { id: "second", tokens: [1, 9] });
  assert.deepEqual(released, ["first"]);
  assert.deepEqual(conversations.find("a")?.tokens, [9]);
});
