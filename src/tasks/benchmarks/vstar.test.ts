import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { png, testFolder, writeTo } from "../formats/testFiles.ts";
import { vstar } from "./vstar.ts";

const OPTIONS = ["red", "blue", "green", "black"];

/** As `craigwu/vstar_bench` is laid out, but for the number of items and the size of pictures. */
function folders(): string {
  const folder = testFolder();
  const add = (category: string, name: string, options: readonly string[], picture = ".jpg"): void => {
    const content = {
      target_object: ["glove"],
      bbox: [[1, 2, 3, 4]],
      question: "What colour is it?",
      options,
    };
    writeTo(folder, `${category}/${name}.json`, JSON.stringify(content));
    writeTo(folder, `${category}/${name}${picture}`, png(2, 1, [9, 8, 7]));
  };
  for (let i = 0; i < 40; i++) add("direct_attributes", `sa_${100 + i}`, OPTIONS);
  add("relative_position", "sa_1", ["left", "right"], ".png");
  add("OCR", "sa_2", OPTIONS);
  return folder;
}

test("folders: the right option, first in the file, is shown anywhere, the same at every opening", () => {
  const folder = folders();
  const files = vstar.open(folder);
  assert.deepEqual([files.split, files.count, files.published], ["test", 41, 191]);
  const seen = new Set<string>();
  for (let i = 0; i < 40; i++) {
    const { options, answer, details, question } = files.at(i);
    assert.equal(options.find(({ letter }) => letter === answer)?.text, "red");
    assert.deepEqual(
      options.map(({ letter }) => letter),
      ["A", "B", "C", "D"],
    );
    const shown = String(details["shown"]).split(",").map(Number);
    assert.deepEqual(
      options.map(({ text }) => text),
      shown.map((at) => OPTIONS[at]),
    );
    assert.ok(question.includes(`\n${answer}. red\n`), question);
    seen.add(answer);
  }
  assert.deepEqual([...seen].sort(), ["A", "B", "C", "D"]);
  const again = vstar.open(folder);
  const last = files.at(40);
  assert.deepEqual({ ...again.at(40) }, { ...last });
  assert.deepEqual(
    [last.id, last.kind, last.questionType],
    ["vstar-relative_position-sa_1", "relative_position", "multi-choice"],
  );
  assert.deepEqual(last.labels, { category: "relative_position" });
  assert.deepEqual([...(last.images[0]?.data ?? [])], [9, 8, 7, 9, 8, 7]);
  assert.throws(() => files.at(41), RangeError);
});

test("the list of questions beside the folders has an order of its own, which is taken", () => {
  const folder = folders();
  const text = "What colour is it?\n(A) green\n(B) black\n(C) red\n(D) blue\nAnswer with a letter.";
  const row = {
    image: "direct_attributes/sa_103.jpg",
    text,
    category: "direct_attributes",
    label: "C",
    question_id: "3",
  };
  writeTo(folder, "test_questions.jsonl", `${JSON.stringify(row)}\n`);
  const item = vstar.open(folder).at(0);
  assert.equal(item.id, "vstar-direct_attributes-sa_103"); // the same as without the list
  assert.deepEqual([item.question, item.answer, item.details], [text, "C", {}]);
  assert.deepEqual(
    item.options.map(({ text: option }) => option),
    ["green", "black", "red", "blue"],
  );
  assert.equal(item.images.length, 1);
});

test("parquet: pictures lie in the file", () => {
  const files = vstar.open(fileURLToPath(new URL("fixtures/vstar.parquet", import.meta.url)));
  assert.equal(files.count, 2);
  const [first, second] = [files.at(0), files.at(1)];
  assert.deepEqual([first.id, first.answer], ["vstar-direct_attributes-0", "B"]);
  assert.equal(first.options[1]?.text, "red");
  assert.deepEqual([...(first.images[0]?.data ?? [])], [255, 0, 0, 255, 0, 0]);
  assert.deepEqual(
    [second.kind, second.options.length, second.images[0]?.height],
    ["relative_position", 2, 2],
  );
  files.close();
});

test("what is not there is said", () => {
  assert.throws(
    () => vstar.open(testFolder()),
    /holds no V\*; looked for data\/test-\*\.parquet, .*test_questions\.jsonl, and for \*\.json in the folders direct_attributes and relative_position/,
  );
  const folder = folders();
  rmSync(join(folder, "direct_attributes/sa_100.jpg"));
  writeTo(folder, "direct_attributes/sa_101.json", '{"question": "x", "options": ["only"]}');
  const files = vstar.open(folder);
  assert.deepEqual(files.at(0).labels, { category: "direct_attributes" });
  assert.throws(() => files.at(0).images, /there is no file direct_attributes\/sa_100\.jpg \(looked for /);
  assert.throws(() => files.at(1), /options must be 2 to 26 texts, the right one first, got 1/);
  assert.equal(files.at(2).images.length, 1);
  const wrong = { text: "x\n(A) a\n(B) b", category: "direct_attributes", label: "C", image: "a.jpg" };
  writeTo(folder, "test_questions.jsonl", JSON.stringify(wrong));
  assert.throws(
    () => vstar.open(folder).at(0),
    /row 0 at byte 0: label must be the letter of one of 2 options.*"C"/,
  );
});
