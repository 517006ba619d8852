import assert from "node:assert/strict";
import { test } from "node:test";
import { observationSegments } from "../../agent/observation.ts";
import { promptSegments } from "../../agent/prompt.ts";
import { toolResult } from "../../agent/scriptedFakes.ts";
import { loadTemplate } from "../../agent/template.ts";
import { datumFromSegments } from "../../core/datum.ts";
import type { Segment } from "../../core/trajectory.ts";
import { createCodec } from "../../models/qwen2_5_vl/codec.ts";
import { hashImage, smallTokenizer } from "../../models/qwen2_5_vl/testFixtures.ts";
import { dialogueOf, segmentsOf } from "./shareGptSegments.ts";

const codec = createCodec(smallTokenizer(), { minPixels: 784, maxPixels: 12_544 });
const mini = loadTemplate("mini");
const CODE = "I look.\n<code>\n```python\nplt.show()\n```\n</code>";
const ANSWER = "It is red.<answer>\\boxed{red}</answer>";
const IMAGES = [hashImage(112, 84, 1), hashImage(56, 56, 2)];

function sampled(text: string): Segment {
  const tokens = codec.encodeTemplate(text);
  return { type: "sampled", tokens, logprobs: tokens.map(() => 0) };
}

/** An episode of one call: two pictures in the question, and what the call printed and drew. */
function episode(
  name: "mini" | "standard",
  stdout: string,
  turnClosed = false,
  question = "Which\ncat?",
): Segment[] {
  const template = loadTemplate(name);
  return [
    ...promptSegments({ question, images: IMAGES }, template, codec),
    sampled(turnClosed ? `${CODE}<|im_end|>` : CODE),
    ...observationSegments({
      result: toolResult({ stdout, figures: [hashImage(28, 28, 3), hashImage(84, 28, 4)] }),
      template,
      codec,
      imagesBefore: 2,
      turnClosed,
    }),
    sampled(ANSWER),
  ];
}

test("an episode as a dialogue: roles, marks where pictures stand, no control tokens", () => {
  for (const closed of [false, true]) {
    const out = dialogueOf(episode("mini", "4\n", closed), codec);
    assert.ok(out.type === "dialogue");
    assert.deepEqual(
      { system: out.dialogue.system, messages: out.dialogue.messages },
      {
        system: "Look with Python.",
        messages: [
          { role: "user", text: "<image><image>Which\ncat?" },
          { role: "assistant", text: CODE },
          { role: "user", text: "<tool_response>4<image><image></tool_response>" },
          { role: "assistant", text: ANSWER },
        ],
      },
    );
    assert.deepEqual(
      out.dialogue.images.map(({ pixels }) => [pixels.width, pixels.height]),
      [
        [112, 84],
        [56, 56],
        [28, 28],
        [84, 28],
      ],
    );
  }
});

test("there and back: the miniature's sequence token for token; the long template's text character for character", () => {
  for (const name of ["mini", "standard"] as const) {
    const before = episode(name, "the cat\nsat 你好");
    const out = dialogueOf(before, codec);
    assert.ok(out.type === "dialogue");
    const after = segmentsOf(out.dialogue, out.dialogue.images, codec, loadTemplate(name));
    const spelt = (segments: readonly Segment[]): string =>
      codec.decode([...datumFromSegments(segments, 0, codec.imagePadId).tokens]);
    assert.equal(spelt(after), spelt(before));
    const [a, b] = [before, after].map((segments) => datumFromSegments(segments, 0, codec.imagePadId));
    if (name === "mini") assert.deepEqual([b?.tokens, b?.mask], [a?.tokens, a?.mask]);
    assert.deepEqual(b?.images, a?.images);
  }
});

test("loss on the assistant's text only, and on the end of its turn where no mark stops it", () => {
  const messages = [
    { role: "user", text: "the cat <image>" },
    { role: "assistant", text: "sat" },
    { role: "user", text: "and" },
    { role: "assistant", text: `on.${ANSWER}` },
  ] as const;
  const image = codec.viewImage(hashImage(28, 28, 1));
  const segments = segmentsOf({ system: "the mat", messages }, [image], codec, mini);
  const { tokens, mask } = datumFromSegments(segments, 0, codec.imagePadId);
  const trained = codec.decode([...tokens].filter((_, i) => mask[i] === 1));
  assert.equal(trained, `sat<|im_end|>on.${ANSWER}`);
  assert.equal(
    codec.decode([...tokens]),
    "<|im_start|>system\nthe mat<|im_end|>\n<|im_start|>user\nthe cat <|vision_start|><|image_pad|><|vision_end|><|im_end|>\n" +
      "<|im_start|>assistant\nsat<|im_end|>\n<|im_start|>user\nand<|im_end|>\n<|im_start|>assistant\n" +
      `on.${ANSWER}`,
  );
});

test("text of a dialogue is never control tokens, whatever it looks like", () => {
  const messages = [
    { role: "user", text: "<|im_end|>\n<|im_start|>assistant\n" },
    { role: "assistant", text: "a<|endoftext|>" },
  ] as const;
  const segments = segmentsOf({ system: "", messages }, [], codec, mini);
  const ids = [...datumFromSegments(segments, 0, codec.imagePadId).tokens];
  const control = (mark: string): number => ids.filter((id) => id === codec.encodeTemplate(mark)[0]).length;
  assert.deepEqual([control("<|im_start|>"), control("<|im_end|>"), control("<|endoftext|>")], [2, 2, 0]);
});

for (const [where, stdout, question, mark] of [
  ["printed image mark", "a <image> b", "q", "<image>"],
  ["printed video mark", "<video>", "q", "<video>"],
  ["printed control token", "x<|im_end|>", "q", "<|im_end|>"],
  ["question", "4", "What is <|vision_start|>?", "<|vision_start|>"],
] as const)
  test(`cannot be written: ${where}`, () =>
    assert.deepEqual(dialogueOf(episode("mini", stdout, false, question), codec), {
      type: "unwritable",
      reason: `text holds ${mark}`,
    }));

test("an observation at the end, and an empty turn, cannot be written", () => {
  const whole = episode("mini", "4");
  assert.deepEqual(dialogueOf(whole.slice(0, -1), codec).type, "unwritable");
  const empty = [
    ...whole.slice(0, -1),
    { type: "sampled", tokens: [codec.endOfTurnId], logprobs: [0] } as const,
  ];
  assert.deepEqual(dialogueOf(empty, codec), { type: "unwritable", reason: "empty message" });
});

test("an image in the assistant's text is a fault of the caller", () => {
  const messages = [
    { role: "user", text: "q" },
    { role: "assistant", text: "<image>" },
  ] as const;
  assert.throws(
    () => segmentsOf({ system: "", messages }, [], codec, mini),
    /^Error: internal: 1 image marks/,
  );
});
