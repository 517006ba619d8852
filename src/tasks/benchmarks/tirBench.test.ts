import assert from "node:assert/strict";
import { test } from "node:test";
import { png, testFolder, writeTo } from "../formats/testFiles.ts";
import { tirBench } from "./tirBench.ts";

const WEBP =
  "UklGRkwAAABXRUJQVlA4TD8AAAAvAkAAEC9AmG209yZ3/jKnQSRAAtX/o1xklUiABKrd/9tcIkG2zeZ0f4I7LYD+Y2K2baMeAhIyJc9sENH/mAQA";

const ROWS = [
  {
    id: 1,
    task: "color",
    prompt: "What share is red?\nA. 13%\nB. 20%",
    answer: "B",
    image_1: "data/color/1.png",
    image_2: null,
    meta_data: null,
  },
  {
    id: 2,
    task: "instrument",
    prompt: "Read it.",
    answer: 0.6,
    image_1: "data/instrument/2.webp",
    image_2: "",
  },
  {
    id: 3,
    task: "spot_difference",
    prompt: "Which differ?",
    answer: "1, 3, 5",
    image_1: "data/spot/3a.png",
    image_2: "data/spot/3b.png",
  },
  {
    id: 4,
    task: "jigsaw",
    prompt: "Put it together.",
    answer: "7,3,1,2,4,9,5,8,6",
    image_1: "data/jigsaw/4.png",
    meta_data: { difficulty: 3 },
  },
  { id: 5, task: "word_search", prompt: "Where?", answer: [17, 1], image_1: "./data/color/1.png" },
  {
    id: 6,
    task: "jigsaw",
    prompt: "Put it together.",
    answer: "1",
    image_1: "data/jigsaw/4.png",
    meta_data: {},
  },
  { id: 7, task: "ocr", prompt: "Read.", answer: "x", image_1: "../../etc/passwd" },
  { id: 8, task: "ocr", prompt: "Read.", answer: "x", image_1: "data/none.png" },
];

/** @param inside folder of the archive's content */
function download(inside: string): string {
  const folder = testFolder();
  writeTo(folder, "TIR-Bench.json", JSON.stringify(ROWS));
  writeTo(folder, `${inside}color/1.png`, png(1, 1, [1, 1, 1]));
  writeTo(folder, `${inside}instrument/2.webp`, Buffer.from(WEBP, "base64"));
  writeTo(folder, `${inside}spot/3a.png`, png(1, 1, [3, 3, 3]));
  writeTo(folder, `${inside}spot/3b.png`, png(1, 1, [4, 4, 4]));
  writeTo(folder, `${inside}jigsaw/4.png`, png(1, 1, [5, 5, 5]));
  return folder;
}

test("items of all kinds, with one picture or two", () => {
  const files = tirBench.open(download("data/"));
  assert.deepEqual([files.count, files.published], [8, 1215]);
  const [color, instrument, spot, jigsaw, words] = [0, 1, 2, 3, 4].map((i) => files.at(i));
  assert.deepEqual(
    { ...color, images: color?.images.map(({ data }) => [...data]) },
    {
      id: "tir-bench-color-1",
      benchmark: "tir-bench",
      kind: "color",
      question: "What share is red?\nA. 13%\nB. 20%",
      answer: "B",
      questionType: "color",
      options: [],
      labels: { task: "color" },
      details: { image1: "data/color/1.png" },
      images: [[1, 1, 1]],
    },
  );
  assert.equal(instrument?.answer, "0.6");
  assert.deepEqual(
    instrument?.images.map(({ width }) => width),
    [3],
  );
  assert.deepEqual(
    spot?.images.map(({ data }) => data[0]),
    [3, 4],
  );
  assert.deepEqual(jigsaw?.details, { image1: "data/jigsaw/4.png", difficulty: 3 });
  assert.equal(words?.answer, "[17, 1]");
  assert.equal(words?.images.length, 1);
  assert.throws(() => files.at(5), /meta_data\.difficulty must be the n of an n×n jigsaw, got nothing/);
  assert.deepEqual(files.at(6).labels, { task: files.at(6).kind });
  assert.throws(() => files.at(6).images, /"\.\.\/\.\.\/etc\/passwd" must be a path below the data's folder/);
});

test("an archive unpacked into a folder of its own name is found too", () => {
  assert.equal(tirBench.open(download("data/data/")).at(2).images.length, 2);
});

test("a folder without the list says what was looked for", () => {
  assert.throws(() => tirBench.open(testFolder()), /holds no TIR-Bench; looked for TIR-Bench\.json, /);
});
