import assert from "node:assert/strict";
import { test } from "node:test";
import { png, testFolder, writeTo } from "../formats/testFiles.ts";
import { itemsOf, placeFixture, refused, seen, throwsData } from "./testing.ts";
import { wemath, wemathOptions } from "./wemath.ts";

const row = (fields: Record<string, unknown>): Record<string, unknown> => ({
  ID: "2steps_7",
  split: "testmini",
  "knowledge concept": "Understanding Length (Using a Ruler)",
  question: "How long is it?",
  option: "A. 3cm;B. 4cm; C. No correct answer",
  answer: "B",
  image_path: "2steps/image/7-1.png",
  key: "2steps_1",
  "question number": 7,
  "knowledge concept description": "…",
  ...fields,
});

test("the repository's layout, whose pictures lie below data whatever their format", () => {
  const root = testFolder();
  const multi = row({ key: "2steps_multi", "knowledge concept": "Rotation;Translation" });
  writeTo(root, "data/testmini.json", JSON.stringify([row({}), multi], undefined, 4));
  writeTo(root, "data/2steps/image/7-1.png", png(3, 2, [10, 20, 30]));
  const [step, whole] = itemsOf(wemath.open(root));
  assert.ok(step !== undefined && whole !== undefined);
  assert.deepEqual(seen(step), ["3x2 10,20,30"]);
  const { images, ...fields } = step;
  assert.equal(images.length, 1);
  assert.deepEqual(fields, {
    id: "wemath-2steps_7-1",
    benchmark: "wemath",
    kind: "2steps_1",
    question:
      "How long is it?\n\n(A) 3cm\n(B) 4cm\n(C) No correct answer\n\n" +
      "Answer with the letter of the right option alone: A, B or C.",
    answer: "B",
    questionType: "multi-choice",
    options: [
      { letter: "A", text: "3cm" },
      { letter: "B", text: "4cm" },
      { letter: "C", text: "No correct answer" },
    ],
    labels: {
      group: "2steps_7",
      key: "2steps_1",
      concept: "Understanding Length (Using a Ruler)",
      steps: "2",
      part: "1",
      domain: "Angles and Length",
    },
    details: {},
  });
  assert.equal(whole.id, "wemath-2steps_7-multi");
  assert.deepEqual(whole.labels, {
    group: "2steps_7",
    key: "2steps_multi",
    concept: "Rotation;Translation",
    steps: "2",
    part: "multi",
  });
});

test("the Hub's layouts: parquet, and JSON beside an unpacked archive", () => {
  const parquet = placeFixture(
    "wemath",
    testFolder(),
    "data/testmini-00000-of-00001-adbfe22dcd3558e6.parquet",
  );
  const items = itemsOf(wemath.open(parquet));
  assert.deepEqual(
    items.map((item) => [item.id, item.labels["domain"], item.answer, item.options.length, ...seen(item)]),
    [
      ["wemath-3steps_1-1", "Calculation of Solid Figures", "A", 3, "5x3 10,20,30"],
      ["wemath-3steps_1-multi", undefined, "D", 4, "6x3 20,40,60"],
    ],
  );
  const unpacked = testFolder();
  writeTo(unpacked, "testmini.json", JSON.stringify([row({})]));
  const { id, labels } = wemath.open(unpacked).at(0);
  assert.deepEqual([id, labels["part"]], ["wemath-2steps_7-1", "1"]);
  throwsData(
    () => wemath.open(unpacked).at(0).images,
    /there is no file 2steps\/image\/7-1\.png .*; is an archive not unpacked\?/,
  );
  writeTo(unpacked, "data/2steps/image/7-1.png", png(2, 2, [1, 2, 3]));
  assert.deepEqual(seen(wemath.open(unpacked).at(0)), ["2x2 1,2,3"]);
});

const refusedRow = (path: string, why: RegExp): void => throwsData(() => wemath.open(path).at(0), why);

test("options in one text: the forms that the file has", () => {
  const parts = (text: string): string[] => wemathOptions(text).map((o) => `${o.letter}=${o.text}`);
  assert.deepEqual(parts("A. 300, 400;B. 400, 300;C. 3000, 4000; D. No correct answer"), [
    "A=300, 400",
    "B=400, 300",
    "C=3000, 4000",
    "D=No correct answer",
  ]);
  assert.deepEqual(parts("A. 4 B. 3 C. 2 ;D. 1; E. No correct answer"), [
    "A=4",
    "B=3",
    "C=2",
    "D=1",
    "E=No correct answer",
  ]);
  assert.deepEqual(parts("A. Cylinder;    B. Cone;    C. Cube"), ["A=Cylinder", "B=Cone", "C=Cube"]);
  assert.deepEqual(parts("A. ①; ③;B. ②; ③;C. ④"), ["A=①; ③", "B=②; ③", "C=④"]);
  assert.deepEqual(
    parts(
      "A. First east to B, then north to ;C.  ;B. First west to ;C. ;C. There is an angle ∠AB;E.;D. None",
    ),
    ["A=First east to B, then north to C.", "B=First west to C.", "C=There is an angle ∠ABE.", "D=None"],
  );
  assert.deepEqual(parts("A. Yes;B. To point ;O.;C. No.; F. No correct answer"), [
    "A=Yes",
    "B=To point O.",
    "C=No.",
    "F=No correct answer",
  ]);
  assert.deepEqual(parts("A. From E. to the sea;B. 2;C. 3"), ["A=From E. to the sea", "B=2", "C=3"]);
  assert.deepEqual(parts("yes or no"), []);
});

test("fields that cannot be", () => {
  const root = testFolder();
  writeTo(root, "2steps/image/7-1.png", png(2, 2, [1, 2, 3]));
  const cases: readonly [Record<string, unknown>, RegExp][] = [
    [{ key: "2steps_3" }, /key must be like 2steps_1 or 3steps_multi, got "2steps_3"/],
    [{ option: "3 or 4" }, /option must be like "A\. 3; B\. 4", got "3 or 4"/],
    [{ answer: "E" }, /answer must be A, B or C, got "E"/],
    [{ ID: 7.5, question: null }, /question must be text, got nothing/],
  ];
  for (const [fields, why] of cases) {
    writeTo(root, "testmini.json", JSON.stringify([row(fields)]));
    refusedRow(root, why);
  }
  writeTo(root, "testmini.json", JSON.stringify([row({ image_path: null })]));
  throwsData(() => wemath.open(root).at(0).images, /image_path must hold a picture, got nothing/);
  refused(wemath, root, /wemath: split must be testmini, got "test"/, "test");
  refused(wemath, testFolder(), /holds no split testmini of We-Math/);
});
