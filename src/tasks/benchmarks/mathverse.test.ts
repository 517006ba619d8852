import assert from "node:assert/strict";
import { test } from "node:test";
import { png, testFolder, writeTo } from "../formats/testFiles.ts";
import { mathverse } from "./mathverse.ts";
import { itemsOf, placeFixture, refused, seen, throwsData } from "./testing.ts";

const row = (fields: Record<string, unknown>): Record<string, unknown> => ({
  sample_index: "1",
  problem_index: "1",
  problem_version: "Text Dominant",
  question: "How large is it?\nChoices:\nA:40°\nB:60°",
  image: "images_version_1-4/image_1.png",
  answer: "B",
  question_type: "multi-choice",
  metadata: { split: "testmini", source: "GeoQA", subject: "Plane Geometry", subfield: "Angle" },
  query_wo: "…",
  query_cot: "…",
  question_for_eval: "How large is it?\nChoices:\nA:40°\nB:60°",
  ...fields,
});

test("JSON and an unpacked archive; the Text Only version is left out", () => {
  const root = testFolder();
  const rows = [
    row({}),
    row({ sample_index: "2", problem_version: "Text Only", image: "" }),
    row({
      sample_index: "3",
      problem_version: "Vision Only",
      question: "",
      image: "images_version_6/image_1.png",
    }),
    row({
      sample_index: "4",
      problem_version: "Vision Dominant",
      question: "Find x.\n",
      answer: "$\\frac{4}{3}$",
      question_type: "free-form",
      question_for_eval: null,
    }),
  ];
  writeTo(root, "testmini.json", JSON.stringify(rows));
  writeTo(root, "images/images_version_1-4/image_1.png", png(3, 2, [1, 2, 3]));
  writeTo(root, "images_version_6/image_1.png", png(4, 2, [4, 5, 6]));
  const files = mathverse.open(root);
  assert.deepEqual([files.count, files.published, files.split], [3, 3940, "testmini"]);
  const [written, drawn, free] = itemsOf(files);
  assert.ok(written !== undefined && drawn !== undefined && free !== undefined);
  const { images, ...fields } = written;
  assert.equal(images.length, 1);
  assert.deepEqual(fields, {
    id: "mathverse-1",
    benchmark: "mathverse",
    kind: "Text Dominant",
    question:
      "How large is it?\nChoices:\nA:40°\nB:60°\n\n" +
      "Answer with the letter of the right option alone, or with all their letters where several are asked for.",
    answer: "B",
    questionType: "multi-choice",
    options: [
      { letter: "A", text: "40°" },
      { letter: "B", text: "60°" },
    ],
    labels: {
      version: "Text Dominant",
      subject: "Plane Geometry",
      subfield: "Angle",
      problem: "1",
      type: "multi-choice",
    },
    details: { questionForEval: "How large is it?\nChoices:\nA:40°\nB:60°" },
  });
  assert.match(drawn.question, /^The question is in the picture\.\n\nAnswer with the letter/);
  assert.deepEqual([drawn.id, drawn.options, ...seen(drawn)], ["mathverse-3", [], "4x2 4,5,6"]);
  assert.equal(drawn.details["questionForEval"], "How large is it?\nChoices:\nA:40°\nB:60°");
  assert.equal(free.question, "Find x.\n\nAnswer with the final value alone, e.g. 7 or 0.25.");
  assert.deepEqual(
    [free.answer, free.questionType, free.details["questionForEval"]],
    ["$\\frac{4}{3}$", "free-form", "Find x.\n"],
  );
});

test("the Hub's parquet is taken before the JSON beside it", () => {
  const root = placeFixture("mathverse", testFolder(), "data/testmini.parquet");
  writeTo(root, "testmini.json", "[]");
  assert.deepEqual(
    itemsOf(mathverse.open(root)).map((item) => [item.id, item.kind, item.labels["problem"], ...seen(item)]),
    [
      ["mathverse-1", "Text Dominant", "1", "5x3 10,20,30"],
      ["mathverse-5", "Vision Only", "1", "6x3 20,40,60"],
      ["mathverse-8", "Vision Intensive", "2", "7x3 30,60,90"],
    ],
  );
});

test("options in the forms that the texts have", () => {
  const root = testFolder();
  writeTo(root, "images/images_version_1-4/image_1.png", png(3, 2, [1, 2, 3]));
  const options = (question: string): string[] => {
    writeTo(root, "testmini.json", JSON.stringify([row({ question })]));
    return mathverse
      .open(root)
      .at(0)
      .options.map(({ letter, text }) => `${letter}=${text}`);
  };
  assert.deepEqual(options("Find y.\nChoices:\nA.3/8\nB.1/4\nC.1/8"), ["A=3/8", "B=1/4", "C=1/8"]);
  assert.deepEqual(options("Find it.\nChoice:\nA. 090^\\circ T\nB. 180^\\circ T"), [
    "A=090^\\circ T",
    "B=180^\\circ T",
  ]);
  assert.deepEqual(options("In triangle A B C, A B = x. Find x."), []);
});

test("what cannot be asked", () => {
  const root = testFolder();
  writeTo(root, "images/images_version_1-4/image_1.png", png(3, 2, [1, 2, 3]));
  const cases: readonly [Record<string, unknown>, RegExp][] = [
    [{ question: "" }, /row 0 at byte 1: question must be text, but it is empty/],
    [
      { problem_version: "Text Heavy" },
      /problem_version must be Text Dominant or .* or Vision Only, got "Text Heavy"/,
    ],
    [{ question_type: "open" }, /question_type must be multi-choice or free-form, got "open"/],
    [{ metadata: { subject: "Functions" } }, /row 0 at byte 1, metadata: subfield must be text, got nothing/],
    [{ answer: " " }, /answer must be text, got " "/],
  ];
  for (const [fields, why] of cases) {
    writeTo(root, "data/testmini.json", JSON.stringify([row(fields)]));
    throwsData(() => mathverse.open(root).at(0), why);
  }
  for (const [image, why] of [
    ["", /image must hold a picture, got nothing/],
    ["gone.png", /there is no file gone\.png/],
  ] as const) {
    writeTo(root, "data/testmini.json", JSON.stringify([row({ image })]));
    const item = mathverse.open(root).at(0);
    assert.equal(item.labels["version"], item.kind);
    throwsData(() => item.images, why);
  }
  const textOnly = testFolder();
  refused(
    mathverse,
    textOnly,
    /holds no split testmini of MathVerse; looked for testmini\.parquet, .*also in data$/,
  );
  writeTo(textOnly, "data/testmini_text_only.json", "[]");
  refused(mathverse, textOnly, /testmini_text_only\.json has no pictures and is not a part of it$/);
  refused(mathverse, textOnly, /split must be testmini, got "test"/, "test");
});
