import assert from "node:assert/strict";
import { test } from "node:test";
import { cleanQuestion } from "./mediaMarks.ts";
import { EmbeddedMedia } from "./rowFile.ts";
import { readTaskRow } from "./taskRow.ts";

/** As the reference's README shows it. */
const plain = {
  id: "0",
  question: "What is the material of the glove?\n(A) rubber\n(B) cotton",
  answer: "A",
  ability: "visual_search",
  data_source: "vstar",
  image_path: "vstar_bench/direct_attributes/sa_4690.jpg",
};
/** As the reference prepares it. */
const prepared = {
  prompt: [{ content: "You are an agent.\n*user question:*\nWhere is it?\nRemember ...", role: "user" }],
  data_source: "vsi",
  ability: "spatial_reasoning",
  env_name: "pyvision_gym_wo_video_hint",
  reward_model: { ground_truth: "B", style: "model" },
  extra_info: { answer: "B", index: 7, question: "Where is it?", split: "train" },
  mm_hint: { hint_path: "videos/7.mp4", hint_type: "video" },
};

/** What is wrong with it, as "reason: text". */
const wrong = (raw: unknown): string[] => {
  const { row, problems } = readTaskRow(raw);
  assert.equal(row === undefined, problems.length > 0, "a row with problems is none");
  return problems.map(({ reason, text }) => `${reason}: ${text}`);
};

test("the plain layout", () => {
  assert.deepEqual(readTaskRow(plain), {
    row: {
      layout: "plain",
      id: "0",
      question: plain.question,
      answer: "A",
      dataSource: "vstar",
      ability: "visual_search",
      images: ["vstar_bench/direct_attributes/sa_4690.jpg"],
      videos: [],
      imageMarks: [],
    },
    problems: [],
  });
  const video = { ...plain, image_path: undefined, video_path: "a.mp4", answer: 4, id: 12 };
  const { row } = readTaskRow(video);
  assert.deepEqual([row?.videos, row?.images, row?.answer, row?.id], [["a.mp4"], [], "4", "12"]);
});

test("the prepared layout: question and index of extra_info, the answer that is graded, not the reference's prompt", () => {
  const other = { ...prepared, extra_info: { ...prepared.extra_info, answer: "C" } };
  const { row } = readTaskRow(other);
  assert.deepEqual(row, {
    layout: "prepared",
    id: "7",
    question: "Where is it?",
    answer: "B",
    dataSource: "vsi",
    ability: "spatial_reasoning",
    images: [],
    videos: ["videos/7.mp4"],
    imageMarks: [],
  });
  const image = { ...prepared, mm_hint: { hint_path: "a.png", hint_type: "image" } };
  assert.deepEqual(readTaskRow(image).row?.images, ["a.png"]);
});

test("verl's layout: media in columns of their own, the prompt as the question when there is no other", () => {
  const bytes = Uint8Array.of(1, 2);
  const images = [{ bytes, path: null }, { bytes: null, path: "b.png" }, { bytes: "AQI=" }];
  const raw = {
    prompt: [
      { role: "system", content: "S" },
      {
        role: "user",
        content: [{ type: "image" }, { type: "image" }, { type: "image" }, { type: "text", text: "Why?" }],
      },
    ],
    images,
    reward_model: { ground_truth: 3n },
    extra_info: { index: 5n },
  };
  const { row, problems } = readTaskRow(raw);
  assert.deepEqual(problems, []);
  assert.deepEqual(
    [row?.images, row?.question, row?.answer, row?.id],
    [[bytes, "b.png", "data:;base64,AQI="], "Why?", "3", "5"],
  );
  assert.deepEqual(row?.imageMarks, [3]);
  const inColumn = new EmbeddedMedia(() => images);
  assert.deepEqual(readTaskRow({ ...raw, images: inColumn }).row?.images, [inColumn]);
});

test("a picture may be shown twice; what two columns name is one, and a hint beside columns adds none", () => {
  const images = (raw: object): unknown => readTaskRow({ ...plain, question: "Same?", ...raw }).row?.images;
  const twice = { image_path: ["a.jpg", "a.jpg"], question: "Is <image> the same as <image>?" };
  assert.deepEqual(images(twice), ["a.jpg", "a.jpg"]);
  assert.deepEqual(images({ image_path: "a.jpg", images: ["a.jpg", "b.jpg"] }), ["a.jpg", "b.jpg"]);
  const bytes = Uint8Array.of(1, 2);
  const verl = {
    ...prepared,
    prompt: [{ role: "user", content: "<image>Where is it?" }],
    images: [{ bytes, path: "a.jpg" }],
    mm_hint: { hint_path: "data/a.jpg", hint_type: "image" },
  };
  assert.deepEqual(readTaskRow(verl).problems, []);
  assert.deepEqual(readTaskRow(verl).row?.images, [bytes]);
});

for (const [name, raw, expected] of [
  ["no object", [1], "field: must be an object with the fields of a row, got [1]"],
  [
    "no question",
    { ...plain, question: " <image>\n" },
    'noQuestion: question must be the question\'s text, got " <image>\\n"',
  ],
  ["no answer", { ...plain, answer: "  " }, 'emptyAnswer: answer must be the right answer, got "  "'],
  ["a null answer", { ...plain, answer: null }, "emptyAnswer: answer must be the right answer, got nothing"],
  [
    "no ground truth",
    { ...prepared, reward_model: {} },
    "emptyAnswer: reward_model.ground_truth must be the right answer, got nothing",
  ],
  ["no media", { ...plain, image_path: undefined }, "noMedia: image_path or video_path is missing"],
  ["an empty list of media", { ...plain, image_path: [] }, "noMedia: image_path or video_path is missing"],
  ["no hint", { ...prepared, mm_hint: null }, "noMedia: mm_hint.hint_path is missing"],
  [
    "two kinds of media",
    { ...plain, video_path: "a.mp4" },
    "field: has 1 images and 1 videos; give it one kind of media",
  ],
  [
    "an unknown hint",
    { ...prepared, mm_hint: { hint_path: "a", hint_type: "audio" } },
    'field: mm_hint.hint_type must be "image" or "video", got "audio"',
  ],
  [
    "media that are none",
    { ...plain, image_path: [5] },
    "field: image_path must be a path, a data URI or bytes, or a list of them, got 5",
  ],
  [
    "an answer that is a list",
    { ...plain, answer: ["A"] },
    'field: answer must be text or a number, got ["A"]',
  ],
  ["a hint that is text", { ...prepared, mm_hint: "a.mp4" }, 'field: mm_hint must be a record, got "a.mp4"'],
  [
    "a prompt of numbers",
    { ...prepared, prompt: [1] },
    "field: prompt must be a list of messages {role, content}, got [1]",
  ],
  [
    "too many marks",
    { ...plain, question: "<image><image>What?" },
    "marks: has 2 <image> marks in a text for 1 images",
  ],
  [
    "too few marks",
    { ...plain, image_path: ["a", "b"], question: "<image>What?" },
    "marks: has 1 <image> marks in a text for 2 images",
  ],
  [
    "a video mark",
    { ...plain, question: "<video>What?" },
    "marks: has 1 <video> marks in a text for 0 videos",
  ],
  [
    "an image that the prompt promises",
    { ...prepared, env_name: "pyvision_gym_w_image_hint", mm_hint: { hint_path: "a", hint_type: "image" } },
    'marks: prompt has no <image>, which env_name "pyvision_gym_w_image_hint" promises',
  ],
  [
    "a video inside",
    { ...plain, image_path: undefined, video: { bytes: Uint8Array.of(1) } },
    "field: video must be the path of a file (videos inside the data file cannot be opened), got 1 bytes",
  ],
] as const)
  // prettier-ignore
  test(`broken: ${name}`, () => {
    const problems = wrong(raw);
    assert.ok(problems.includes(expected), problems.join("\n"));
  });

test("every problem of a row is told, not the first alone", () => {
  assert.deepEqual(wrong({ question: "", answer: "", image_path: "a" }), [
    'noQuestion: question must be the question\'s text, got ""',
    'emptyAnswer: answer must be the right answer, got ""',
  ]);
});

test("keys like those of objects themselves do nothing", () => {
  const raw = JSON.parse(
    '{"__proto__": {"answer": "x"}, "constructor": 1, "question": "Q", "image_path": "a"}',
  ) as unknown;
  assert.deepEqual(wrong(raw), ["emptyAnswer: answer must be the right answer, got nothing"]);
});

test("marks at the ends of a question go, those inside become the names that Python has", () => {
  for (const [text, expected] of [
    ["<image>\nWhat is it? ", "What is it?"],
    ["What is it?\n<image> <image>", "What is it?"],
    ["<image><image>Compare.", "Compare."],
    ["Compare <image> with <image>, please", "Compare image_clue_0 with image_clue_1, please"],
    ["<image>Is it in <image>?", "Is it in image_clue_1?"],
    ["In <video> or <video>: when?", "In video_clue_0 or video_clue_1: when?"],
    ["An <img> or < image> stays", "An <img> or < image> stays"],
  ] as const)
    assert.equal(cleanQuestion(text), expected);
});
