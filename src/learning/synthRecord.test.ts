import assert from "node:assert/strict";
import { test } from "node:test";
import type { Task } from "../core/task.ts";
import type { ScoredTrajectory, ToolOutcome, Turn } from "../core/trajectory.ts";
import { createCodec } from "../models/qwen2_5_vl/codec.ts";
import { hashImage, smallTokenizer } from "../models/qwen2_5_vl/testFixtures.ts";
import { decided, questionKeyOf, recordOf } from "./synthRecord.ts";
import { trajectory } from "./testSupport.ts";

const codec = createCodec(smallTokenizer(), { minPixels: 784, maxPixels: 12_544 });
const task: Task = {
  id: "t",
  kind: "k",
  question: "Which cat?",
  answer: "red",
  images: [hashImage(28, 28, 1)],
};
const origin = { task, position: 3, attempt: 1, questionKey: "q" };

function turn(text: string, outcome?: ToolOutcome["type"]): Turn {
  const base = { text, tokenCount: 1, stop: "stop" } as const;
  if (outcome === undefined) return { ...base, action: { type: "answer", answer: "red" } };
  const tool = {
    outcome: { type: outcome } as ToolOutcome,
    alive: true,
    stdout: "",
    figures: [],
    elapsedMs: 1,
  };
  return { ...base, action: { type: "code", code: "1" }, tool };
}

/** Two pictures in the question and a turn of three tokens. */
function played(sketch: Parameters<typeof trajectory>[0]): ScoredTrajectory {
  const image = (width: number) =>
    ({ type: "image", source: "prompt", image: codec.viewImage(hashImage(width, 28, width)) }) as const;
  const text = (words: string) =>
    ({ type: "text", source: "prompt", tokens: codec.encodeTemplate(words) }) as const;
  const tokens = codec.encodeText("red");
  return trajectory({
    segments: [
      text("<|im_start|>user\n<|vision_start|>"),
      image(28),
      text("<|vision_end|><|vision_start|>"),
      image(84),
      text("<|vision_end|>?<|im_end|>\n<|im_start|>assistant\n"),
      { type: "sampled", tokens, logprobs: tokens.map(() => 0) },
    ],
    ...sketch,
  });
}

test("the facts of an episode: calls that ran and failed, the last one, pictures, and the dialogue with its paths", () => {
  const turns = [turn("a", "ok"), turn("b", "timeout"), turn("c", "ok"), turn("d")];
  const stored: number[] = [];
  const record = recordOf(played({ accuracy: 1, turns }), origin, codec, ({ pixels }) => {
    stored.push(pixels.width);
    return `images/${pixels.width}.png`;
  });
  const {
    questionKey,
    position,
    attempt,
    accuracy,
    calls,
    failedCalls,
    lastCallRan,
    images,
    pixels,
    dialogue,
  } = record;
  assert.deepEqual(
    { questionKey, position, attempt, accuracy, calls, failedCalls, lastCallRan, images, pixels, dialogue },
    {
      questionKey: "q",
      position: 3,
      attempt: 1,
      accuracy: 1,
      calls: 2,
      failedCalls: 1,
      lastCallRan: true,
      images: 2,
      pixels: [784, 2352],
      dialogue: {
        system: "",
        messages: [
          { role: "user", text: "<image><image>?" },
          { role: "assistant", text: "red" },
        ],
        images: ["images/28.png", "images/84.png"],
      },
    },
  );
  assert.deepEqual([record.turns, record.open, stored], [4, undefined, [28, 84]]);
  const failed = recordOf(
    played({ accuracy: 1, turns: [turn("a", "ok"), turn("b", "timeout"), turn("d")] }),
    origin,
    codec,
    () => "x",
  );
  assert.equal(failed.lastCallRan, false);
  const unanswered = recordOf(played({ end: "turnLimit" }), origin, codec, () =>
    assert.fail("no picture is kept"),
  );
  assert.deepEqual(
    [unanswered.end, unanswered.dialogue, unanswered.lastCallRan],
    ["turnLimit", undefined, true],
  );
});

test("words are the same but for spaces; questions too, but for their pictures", () => {
  const wordsOf = (...texts: string[]): string =>
    recordOf(played({ turns: texts.map((text) => turn(text)) }), origin, codec, () => "x").wordsKey;
  assert.equal(wordsOf("a  b\n", "c"), wordsOf("a b", "c"));
  assert.notEqual(wordsOf("a b", "c"), wordsOf("a", "b c"));
  const keyOf = (change: Partial<Task>, bytes = 7): string =>
    questionKeyOf({ ...task, ...change }, () => bytes);
  assert.equal(keyOf({ id: "other", question: " Which\ncat?" }), keyOf({}));
  assert.notEqual(keyOf({ question: "Which dog?" }), keyOf({}));
  assert.notEqual(keyOf({ images: [hashImage(28, 28, 2)] }), keyOf({}));
  const film = { images: [], videos: ["/a/x.mp4"] };
  assert.equal(keyOf({ ...film, videos: ["/b/x.mp4"] }), keyOf(film));
  assert.notEqual(keyOf(film, 8), keyOf(film));
});

test("an answer that nobody could decide says what is open, and is decided later", async () => {
  const open = recordOf({ ...played({ accuracy: undefined }), answer: "Red" }, origin, codec, () => "x");
  assert.deepEqual(open.open, { question: "Which cat?", answer: "Red", truth: "red" });
  const seen: string[] = [];
  const record = await decided(open, ({ question, answer, groundTruth, taskKind }) => {
    seen.push(question, answer ?? "", groundTruth, taskKind);
    return { total: 1, accuracy: 1, toolCall: 0 };
  });
  assert.deepEqual(seen, ["Which cat?", "Red", "red", "k"]);
  assert.deepEqual([record.accuracy, record.open], [1, undefined]);
  const still = await decided(open, () => ({ total: 0, accuracy: undefined, toolCall: 0 }));
  assert.equal(still, open);
});
