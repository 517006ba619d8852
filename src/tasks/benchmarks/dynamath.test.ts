import assert from "node:assert/strict";
import { test } from "node:test";
import { png, testFolder, writeTo } from "../formats/testFiles.ts";
import { dynamath } from "./dynamath.ts";
import { itemsOf, placeFixture, refused, seen, throwsData } from "./testing.ts";

const row = (fields: Record<string, unknown>): Record<string, unknown> => ({
  question: "What is the period? ",
  answer: "2.0944",
  image: "image/image1.png",
  answer_type: "float",
  subject: "analytic geometry",
  level: "high school",
  ...fields,
});

function writeTrial(root: string, variant: number, rows: Record<string, unknown>): void {
  writeTo(root, `trial${variant}/dataset.json`, JSON.stringify(rows, undefined, 4));
  writeTo(root, `trial${variant}/image/image1.png`, png(variant, 2, [variant, 20, 30]));
}

test("the repository's layout: an object of rows and pictures for each of ten trials", () => {
  const root = testFolder();
  const question = "Is it even? choice: (A) Yes (B) No";
  for (let variant = 1; variant <= 10; variant++)
    writeTrial(`${root}/samples and result/10trials`, variant, {
      "1": row({ answer: `${variant}` }),
      "2": row({ question, answer: "B", answer_type: "multiple choice", subject: "arithmetic" }),
    });
  writeTo(root, "dataset/dataset.json", JSON.stringify({ "1": row({ answer: "another draw" }) }));
  for (const path of [root, `${root}/samples and result`, `${root}/samples and result/10trials`]) {
    const files = dynamath.open(path);
    assert.deepEqual([files.count, files.published, files.split], [20, 5010, "test"]);
    const items = itemsOf(files);
    assert.deepEqual(
      items.filter(({ labels }) => labels["seed"] === "1").map(({ answer }) => answer),
      ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"],
      "variants in the order of their numbers, not of their names",
    );
    assert.deepEqual(seen(items[18] as (typeof items)[0]), ["10x2 10,20,30"]);
    const { images, ...fields } = items[5] as (typeof items)[0];
    assert.equal(images.length, 1);
    assert.deepEqual(fields, {
      id: "dynamath-2-v3",
      benchmark: "dynamath",
      kind: "arithmetic",
      question: `${question}\n\nAnswer with the letter of the right option alone.`,
      answer: "B",
      questionType: "multiple choice",
      options: [
        { letter: "A", text: "Yes" },
        { letter: "B", text: "No" },
      ],
      labels: {
        seed: "2",
        variant: "3",
        subject: "arithmetic",
        level: "high school",
        type: "multiple choice",
      },
      details: {},
    });
    assert.equal(
      items[4]?.question,
      "What is the period?\n\nAnswer with a decimal number alone, with three digits after the point.",
    );
    files.close();
  }
  const one = dynamath.open(`${root}/samples and result/10trials/trial10`);
  assert.deepEqual(
    itemsOf(one).map(({ id }) => id),
    ["dynamath-1-v10", "dynamath-2-v10"],
  );
  refused(dynamath, `${root}/dataset`, /dataset\.json: which variant it is must be told by its name/);
});

test("the Hub's layout: a parquet file a variant, of which variant 1 is not 10", () => {
  const root = testFolder();
  placeFixture("dynamath", root, "data/sample10-00000-of-00010.parquet");
  placeFixture("dynamath", root, "data/sample1-00000-of-00001.parquet");
  const files = dynamath.open(root);
  const items = itemsOf(files);
  assert.deepEqual(
    items.map((item) => [item.id, item.kind, item.questionType, item.answer, ...seen(item)]),
    ["1", "10"].flatMap((variant) => [
      [`dynamath-1-v${variant}`, "analytic geometry", "float", "2.0944", "5x3 10,20,30"],
      [`dynamath-2-v${variant}`, "arithmetic", "multiple choice", "B", "6x3 20,40,60"],
      [`dynamath-3-v${variant}`, "graph theory", "text", "7", "7x3 30,60,90"],
    ]),
    "blanks in a subject are one; a type that the published files do not have is text",
  );
  const converted = placeFixture("dynamath", testFolder(), "default/sample_variant7/0000.parquet");
  assert.equal(dynamath.open(converted).at(0).id, "dynamath-1-v7");
  assert.equal(dynamath.open(`${converted}/default/sample_variant7/0000.parquet`).at(0).id, "dynamath-1-v7");
});

test("damage", () => {
  const root = testFolder();
  const open = (text: string): ReturnType<typeof dynamath.open> => {
    writeTo(root, "trial3/dataset.json", text);
    return dynamath.open(root);
  };
  writeTo(root, "trial3/image/image1.png", png(3, 2, [1, 2, 3]));
  const files = open(
    JSON.stringify({
      1: row({}),
      2: row({ image: "image/image9.png" }),
      3: row({ question: null }),
      4: "none",
    }),
  );
  assert.deepEqual([files.count, files.at(0).id], [4, "dynamath-1-v3"]);
  const { id, answer, labels } = files.at(1);
  assert.deepEqual([id, answer, labels["variant"]], ["dynamath-2-v3", files.at(0).answer, "3"]);
  throwsData(
    () => files.at(1).images,
    /dataset\.json: row 1 at byte \d+: there is no file image\/image9\.png/,
  );
  throwsData(() => files.at(2), /row 2 at byte \d+: question must be text, got nothing/);
  throwsData(() => files.at(3), /row 3 at byte \d+: must be an object with the fields of a row/);
  const whole = JSON.stringify({ 1: row({}), 2: row({}) });
  throwsData(() => open(whole.slice(0, 60)), /dataset\.json: .*\(byte 60\); download it again/);
  throwsData(() => open(`${whole}{}`), /goes on after the object's end at byte/);
  throwsData(() => open('{"1": {} "2": {}}'), /must have '}' or ',' behind a row at byte 9/);
  throwsData(() => open("{1: {}}"), /must have a key in quotes at byte 1/);
  throwsData(() => open('{"1" {}}'), /must have ':' behind a key at byte 5/);
  throwsData(() => open("{}"), /dynamath: its data files hold no items/);
  throwsData(() => open(""), /must be a JSON array of rows/);
  const multiple = row({ question: "Q? (A) 1 (B) 2", answer: "C", answer_type: "multiple choice" });
  throwsData(() => open(JSON.stringify({ 1: multiple })).at(0), /the answer must be A or B, got "C"/);
  refused(
    dynamath,
    testFolder(),
    /holds no variant of DynaMath; looked for sample1-\*\.parquet, .*trial1\/dataset\.json/,
  );
});
