import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { testFolder, writeTo } from "../formats/testFiles.ts";
import { lookForMedia } from "./row.ts";
import { vsiBench } from "./vsiBench.ts";

const COUNT = {
  id: 0,
  dataset: "arkitscenes",
  scene_name: "41069025",
  question_type: "object_counting",
  question: "How many table(s) are in this room?",
  ground_truth: "4",
  options: null,
};
const CHOICE = {
  id: 1,
  dataset: "scannet",
  scene_name: "scene0011_00",
  question_type: "object_rel_direction_hard",
  question: "Where is the tv?",
  ground_truth: "B",
  options: ["A. front-left", "B. back-right", "C. back-left", "D. front-right"],
};

function download(rows: readonly object[], videos = ""): string {
  const folder = testFolder();
  writeTo(folder, "test.jsonl", rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  for (const name of ["arkitscenes/41069025", "scannet/scene0011_00", "scannetpp/0a5c013435"])
    writeTo(folder, `${videos}${name}.mp4`, "film");
  return folder;
}

test("JSON Lines: numbers and choices, each with the path of its video", () => {
  const folder = download([COUNT, CHOICE]);
  const files = vsiBench.open(folder);
  assert.deepEqual([files.split, files.count, files.published], ["full", 2, 5130]);
  const [count, choice] = [files.at(0), files.at(1)];
  assert.deepEqual(
    { ...count },
    {
      id: "vsi-bench-0",
      benchmark: "vsi-bench",
      kind: "object_counting",
      question: "How many table(s) are in this room?\nAnswer with a single number.",
      answer: "4",
      questionType: "object_counting",
      options: [],
      labels: { type: "object_counting", scene: "41069025", dataset: "arkitscenes" },
      details: {},
      videos: [join(folder, "arkitscenes/41069025.mp4")],
      images: [],
    },
  );
  assert.deepEqual(choice.options[1], { letter: "B", text: "back-right" });
  assert.equal(
    choice.question,
    "Where is the tv?\nOptions:\nA. front-left\nB. back-right\nC. back-left\nD. front-right\nAnswer with the letter of the right option.",
  );
  assert.equal(choice.answer, "B");
});

test("parquet, whose column names the subsets", () => {
  const folder = download([COUNT], "videos/");
  const path = join(folder, "test-00000-of-00001.parquet");
  copyFileSync(fileURLToPath(new URL("fixtures/vsi.parquet", import.meta.url)), path);
  const idsOf = (split?: string): string[] => {
    const files = vsiBench.open(path, split);
    return Array.from({ length: files.count }, (_, i) => files.at(i).id);
  };
  assert.deepEqual(idsOf(), ["vsi-bench-0", "vsi-bench-2"]);
  assert.deepEqual(idsOf("debiased"), ["vsi-bench-1"]);
  assert.throws(() => idsOf("pruned"), /vsi-bench: its data files hold no items/);
  assert.throws(() => idsOf("test"), /vsi-bench: split must be full or debiased or pruned, got "test"/);
});

test("a file of a subset's own is taken for it, and its count is all there is", () => {
  const folder = download([COUNT, CHOICE]);
  writeTo(folder, "test_pruned.jsonl", JSON.stringify(CHOICE));
  const pruned = vsiBench.open(folder, "pruned");
  assert.deepEqual([pruned.split, pruned.count, pruned.published], ["pruned", 1, 1]);
  assert.equal(vsiBench.open(folder).count, 2);
});

test("rows that contradict themselves, and videos that are not there, are told of", () => {
  const files = vsiBench.open(
    download([
      { ...COUNT, options: ["A. 3"] },
      { ...CHOICE, options: null },
      { ...CHOICE, options: ["A. x", "C. y"] },
      { ...CHOICE, ground_truth: "E" },
      { ...COUNT, scene_name: "1" },
      { ...COUNT, question_type: "object_count" },
      { ...COUNT, id: 6, scene_name: "../../../x" },
    ]),
  );
  for (const [row, message] of [
    [0, /row 0 at byte 0: options must be null for object_counting, which asks for a number/],
    [1, /options must be a list like \["A\. chair", "B\. table"\] for object_rel_direction_hard/],
    [2, /options must be A\. …, B\. …, in order, got \["A\. x","C\. y"\]/],
    [3, /ground_truth must be the letter of an option, got "E"/],
    [5, /question_type must be object_rel_direction_easy or .*, got "object_count"/],
  ] as const)
    assert.throws(() => files.at(row), message);
  const missing = files.at(4);
  assert.deepEqual(
    [missing.id, missing.answer, missing.questionType, missing.labels],
    ["vsi-bench-0", "4", "object_counting", { type: "object_counting", scene: "1", dataset: "arkitscenes" }],
  );
  assert.throws(
    () => missing.videos,
    /there is no file arkitscenes\/1\.mp4 \(looked for .*\); is an archive not unpacked\?/,
  );
  assert.throws(() => lookForMedia(missing), /there is no file arkitscenes\/1\.mp4/);
  const there = vsiBench.open(download([COUNT])).at(0);
  lookForMedia(there);
  assert.throws(() => lookForMedia({ ...there }), RangeError);
  assert.throws(() => files.at(6).videos, /must be a path below the data's folder/);
});
