import assert from "node:assert/strict";
import { test } from "node:test";
import { DataError } from "../../core/errors.ts";
import { dialogueRow, type Dialogue, MESSAGES_LAYOUT, parseDialogue } from "./shareGpt.ts";

const DIALOGUE: Dialogue = {
  system: "Look.",
  messages: [
    { role: "user", text: "<image>What?" },
    { role: "assistant", text: "<code>\nplt.show()\n</code>" },
    { role: "user", text: "<tool_response><image></tool_response>" },
    { role: "assistant", text: "<answer>\\boxed{red}</answer>" },
  ],
  images: ["images/a.png", "images/b.png"],
};

test("what is written is read back, and is spelt as LLaMA-Factory's multi-modal examples are", () => {
  const row = dialogueRow("t/0", DIALOGUE);
  assert.deepEqual(row, {
    id: "t/0",
    messages: [
      { role: "system", content: "Look." },
      { role: "user", content: "<image>What?" },
      { role: "assistant", content: "<code>\nplt.show()\n</code>" },
      { role: "user", content: "<tool_response><image></tool_response>" },
      { role: "assistant", content: "<answer>\\boxed{red}</answer>" },
    ],
    images: ["images/a.png", "images/b.png"],
  });
  assert.deepEqual(parseDialogue(row, "row 1"), DIALOGUE);
  const bare = { ...DIALOGUE, system: "" };
  assert.deepEqual(parseDialogue(dialogueRow("x", bare), "row 1"), bare);
});

test("the other spelling, with a system column and a single image", () => {
  const row = {
    conversations: [
      { from: "human", value: "<image>?" },
      { from: "gpt", value: "a" },
      { from: "observation", value: "4" },
      { from: "gpt", value: "b" },
    ],
    system: "S",
    image: "x.jpg",
  };
  assert.deepEqual(parseDialogue(row, "row 1"), {
    system: "S",
    messages: [
      { role: "user", text: "<image>?" },
      { role: "assistant", text: "a" },
      { role: "user", text: "<tool_response>\n4\n</tool_response>" },
      { role: "assistant", text: "b" },
    ],
    images: ["x.jpg"],
  });
});

test("mixed spellings: the list's name and the tags are found out apart", () => {
  const row = {
    conversations: [
      { role: "user", content: "q" },
      { role: "assistant", content: "a" },
    ],
  };
  assert.deepEqual(parseDialogue(row, "row 1"), {
    system: "",
    messages: [
      { role: "user", text: "q" },
      { role: "assistant", text: "a" },
    ],
    images: [],
  });
});

const q = { role: "user", content: "q" };
const a = { role: "assistant", content: "a" };
for (const [what, row, message] of [
  ["no object", 7, /^row 3: must be an object, received 7$/],
  [
    "no messages",
    { text: "x" },
    /^row 3: must hold a list "messages" or "conversations", received the keys text;/,
  ],
  [
    "roles out of turn",
    { messages: [q, q] },
    /message 2 after the system message must be the assistant's, received the user's/,
  ],
  ["assistant first", { messages: [a, q] }, /message 1 after the system message must be the user's/],
  ["no answer", { messages: [q] }, /must end with a message of the assistant, received 1 /],
  [
    "unknown role",
    { messages: [q, { role: "bot", content: "a" }] },
    /messages\[1\]\.role: must be one of user, assistant, system, tool, received "bot"$/,
  ],
  [
    "no text",
    { messages: [q, { role: "assistant", content: null }] },
    /messages\[1\]\.content: must be a text, received null$/,
  ],
  ["function call", { messages: [q, { role: "function_call", content: "{}" }] }, /function calls/],
  [
    "too few images",
    { messages: [{ role: "user", content: "<image><image>" }, a], images: ["x"] },
    /received 2 marks and 1 images$/,
  ],
  ["too many images", { messages: [q, a], images: ["x"] }, /received 0 marks and 1 images$/],
  ["no path", { messages: [q, a], images: [3] }, /images\[0\]: must be the path of an image, received 3$/],
  [
    "image in the system message",
    { messages: [{ role: "system", content: "<image>" }, q, a] },
    /the system message must hold no <image>/,
  ],
  [
    "image in an answer",
    { messages: [q, { role: "assistant", content: "See <image>" }], images: ["x"] },
    /^row 3: messages\[1\]\.content: must hold no <image>, being the assistant's: .*, received "See <image>"$/,
  ],
  [
    "a video's mark",
    { messages: [{ role: "user", content: "<video>q" }, a] },
    /^row 3: messages\[0\]\.content: must hold no <video>, .*, received "<video>q"; /,
  ],
  [
    "a sound's mark in the system column",
    {
      conversations: [
        { from: "human", value: "q" },
        { from: "gpt", value: "a" },
      ],
      system: "<audio>",
    },
    /^row 3: system: must hold no <audio>/,
  ],
  [
    "videos",
    { messages: [q, a], videos: ["v.mp4"] },
    /^row 3: videos: must be empty, .*, received \["v\.mp4"\]$/,
  ],
  ["one video", { messages: [q, a], video: "v.mp4" }, /^row 3: video: must be empty, .*, received "v\.mp4"$/],
  ["sounds", { messages: [q, a], audios: ["s.wav"] }, /^row 3: audios: must be empty/],
  ["tools", { messages: [q, a], tools: '[{"name": "f"}]' }, /^row 3: tools: must be empty/],
] as const)
  test(`refused: ${what}`, () =>
    assert.throws(
      () => parseDialogue(row, "row 3"),
      (error) =>
        error instanceof DataError && message.test(error.message) && error.message.startsWith("row 3"),
    ));

test("columns of videos, sounds and tools may be there when they are empty, and go by the layout's names", () => {
  const row = { messages: [q, a], videos: [], audios: null, tools: "[]" };
  assert.equal(parseDialogue(row, "row 3").messages.length, 2);
  const clips = { ...MESSAGES_LAYOUT, videos: "clips" };
  assert.throws(
    () => parseDialogue({ messages: [q, a], clips: ["v.mp4"] }, "row 3", clips),
    /^DataError: row 3: clips: must be empty/,
  );
});
