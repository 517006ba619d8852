import assert from "node:assert/strict";
import { test } from "node:test";
import { jpegOf, testFolder, writeTo } from "../formats/testFiles.ts";
import { mathvision } from "./mathvision.ts";
import { itemsOf, placeFixture, refused, seen, throwsData } from "./testing.ts";

const row = (fields: Record<string, unknown>): string =>
  JSON.stringify({
    id: "4",
    question: "How many digits?\n<image1>",
    options: [],
    answer: "6",
    solution: null,
    level: 1,
    subject: "counting",
    image: "images/4.jpg",
    ...fields,
  });

test("the repository's layout: JSON Lines in data, pictures beside it; opened at the root, in data, and at the file", () => {
  const root = testFolder();
  const rows = [
    row({}),
    row({ id: "5", options: ["8", "9", "10", "11", "12"], answer: "B", level: 5, image: "images/5.jpg" }),
  ];
  const file = writeTo(root, "data/test.jsonl", `${rows.join("\n")}\n`);
  writeTo(root, "images/4.jpg", jpegOf(5, 4));
  writeTo(root, "images/5.jpg", jpegOf(7, 2));
  for (const path of [root, `${root}/data`, file]) {
    const files = mathvision.open(path);
    assert.deepEqual([files.benchmark, files.split, files.published], ["mathvision", "test", 3040]);
    const [first, second] = itemsOf(files);
    assert.ok(first !== undefined && second !== undefined);
    assert.deepEqual(seen(first), ["5x4 200,200,200"]);
    assert.deepEqual(seen(second), ["7x2 200,200,200"]);
    const { images, ...fields } = first;
    assert.equal(images.length, 1);
    assert.deepEqual(fields, {
      id: "mathvision-4",
      benchmark: "mathvision",
      kind: "counting",
      question: "How many digits?\n<image1>\n\nAnswer with the final result alone.",
      answer: "6",
      questionType: "free-form",
      options: [],
      labels: { subject: "counting", level: "1" },
      details: {},
    });
    assert.equal(
      second.question,
      "How many digits?\n<image1>\n\n(A) 8\n(B) 9\n(C) 10\n(D) 11\n(E) 12\n\n" +
        "Answer with the letter of the right option alone: A, B, C, D or E.",
    );
    files.close();
  }
  refused(
    mathvision,
    root,
    /holds no split testmini of MathVision; looked for testmini-\*\.parquet/,
    "testmini",
  );
  refused(mathvision, root, /split must be test or testmini, got "train"/, "train");
});

test("the Hub's layout: parquet that holds its pictures is taken before JSON Lines whose pictures are in an archive", () => {
  const root = placeFixture("mathvision", testFolder(), "data/test-00000-of-00001-3532b8d3f1b4047a.parquet");
  writeTo(root, "test.jsonl", row({}));
  const items = itemsOf(mathvision.open(root));
  assert.deepEqual(
    items.map(({ id, kind, questionType, answer, labels }) => [
      id,
      kind,
      questionType,
      answer,
      labels["level"],
    ]),
    [
      ["mathvision-4", "counting", "free-form", "6", "1"],
      ["mathvision-5", "metric geometry - area", "multi-choice", "B", "5"],
      ["mathvision-7", "logic", "multi-choice", "E", "3"],
    ],
  );
  assert.deepEqual(
    items.map((item) => seen(item)[0]?.split(" ")[0]),
    ["5x3", "6x3", "7x3"],
  );
  const [, written, drawn] = items;
  assert.deepEqual(written?.options[4], { letter: "E", text: "12" });
  assert.deepEqual(drawn?.options, [], "options that are only letters are drawn in the picture");
  assert.equal(
    drawn?.question,
    "Which picture? <image1> <image2>\n\nThe options are in the picture. " +
      "Answer with the letter of the right option alone: A, B, C, D or E.",
  );
});

test("options that are drawn in the picture are known by what their texts are made of", () => {
  const root = testFolder();
  writeTo(root, "images/4.jpg", jpegOf(1, 1));
  const letters = ["A", "B", "C"];
  const of = (options: readonly string[]): readonly [number, boolean] => {
    writeTo(root, "test.jsonl", row({ options, answer: "B" }));
    const { question, options: known } = mathvision.open(root).at(0);
    return [known.length, question.includes("The options are in the picture.")];
  };
  for (const drawn of [(l: string) => `(${l})`, (l: string) => `${l})`, (l: string) => `$\\text{${l}}$`])
    assert.deepEqual(of(letters.map(drawn)), [0, true], drawn("A"));
  assert.deepEqual(of(["(A)", "(B)", "neither"]), [3, false]);
  assert.deepEqual(of(["B", "C", "A"]), [3, false]);
  assert.deepEqual(of(["<image2>", "<image3>", "<image4>"]), [0, true]);
  assert.match(mathvision.open(root).at(0).question, /\(A\) <image2>\n\(B\) <image3>\n\(C\) <image4>/);
});

test("shards are one after the other, in the order of their names", () => {
  const root = testFolder();
  writeTo(root, "test-00001-of-00002.parquet", ""); // replaced: only the order of names counts
  placeFixture("mathvision", root, "test-00000-of-00002.parquet");
  placeFixture("mathvision", root, "test-00001-of-00002.parquet");
  // The same rows twice: the second file's first row repeats an id of the first file.
  refused(
    mathvision,
    root,
    /test-00001-of-00002\.parquet: row 0: has the id mathvision-4, as has .*test-00000-of-00002\.parquet: row 0;/,
  );
});

test("answers are as the file has them, a form feed included", () => {
  const root = testFolder();
  writeTo(root, "images/4.jpg", jpegOf(1, 1));
  writeTo(root, "test.jsonl", row({ answer: "\frac{36}{13}" }));
  assert.equal(mathvision.open(root).at(0).answer, "\frac{36}{13}");
});

test("rows that cannot be read fail when they are asked for, by file and row, and leave the others alone", () => {
  const root = testFolder();
  writeTo(root, "images/4.jpg", jpegOf(1, 1));
  writeTo(root, "images/6.jpg", "no picture");
  const rows = [
    row({}),
    `${row({ id: "5" }).slice(0, 30)}`,
    row({ id: "6", image: "images/5.jpg" }),
    row({ id: "7", question: " " }),
    row({ id: "8", options: ["1", 2, null] }),
    row({ id: "9", options: ["1", "2"], answer: "C" }),
    row({ id: "10", image: "../../secret.jpg" }),
    row({ id: "11", image: "images/6.jpg" }),
    row({ id: "12" }),
    row({ id: "13", options: Array.from({ length: 27 }, (_, i) => `${i}`), answer: "A" }),
  ];
  writeTo(root, "data/test.jsonl", rows.join("\n"));
  const files = mathvision.open(root);
  assert.equal(files.count, 10);
  const failures: readonly [number, RegExp][] = [
    [1, /test\.jsonl: row 1 at byte \d+ /],
    [3, /row 3 at byte \d+: question must be text, got " "/],
    [4, /row 4 at byte \d+: options must be a list of texts, got \["1",2,null\]/],
    [5, /row 5 at byte \d+: answer must be A or B, got "C"/],
    [9, /row 9 at byte \d+: options must be 26 at most, got 27/],
  ];
  for (const [index, why] of failures) throwsData(() => files.at(index), why);
  assert.deepEqual([files.at(2).id, files.at(2).labels], ["mathvision-6", files.at(0).labels]);
  throwsData(
    () => files.at(2).images,
    /row 2 at byte \d+: there is no file images\/5\.jpg \(looked for .*data\/images\/5\.jpg, .*\/images\/5\.jpg\)/,
  );
  throwsData(
    () => files.at(6).images,
    /row 6 at byte \d+: "\.\.\/\.\.\/secret\.jpg" must be a path below the data's folder/,
  );
  throwsData(() => files.at(7).images, /row 7 at byte \d+: image .*images\/6\.jpg: must be PNG/);
  assert.deepEqual([files.at(0).id, files.at(8).id], ["mathvision-4", "mathvision-12"]);
});

test("what is no benchmark", () => {
  const root = testFolder();
  refused(
    mathvision,
    root,
    /holds no split test of MathVision; looked for test-\*\.parquet, .*data\/test\.jsonl/,
  );
  refused(mathvision, `${root}/nowhere`, /nowhere: there is no such file or folder/);
  refused(
    mathvision,
    writeTo(root, "notes.txt", "hello"),
    /must be a JSON array of rows, JSON Lines or parquet/,
  );
  refused(mathvision, writeTo(root, "cut.json", `[${row({})}, ${row({})}`), /ends without the array's '\]'/);
  refused(mathvision, writeTo(root, "empty.json", "[]"), /mathvision: its data files hold no items/);
});
