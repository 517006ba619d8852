import assert from "node:assert/strict";
import { test } from "node:test";
import { png, testFolder, writeTo } from "../formats/testFiles.ts";
import { itemId, itemOf, Row } from "./row.ts";
import { benchmarkFiles, findFiles, inFolders, lookForFiles, mediaFolders, openRows, Rows } from "./rows.ts";
import { placeFixture, seen, throwsData } from "./testing.ts";

const none = { text: [], media: [] };

test("files by their published names: the best name first, shards together, folders and other names not", () => {
  const root = testFolder();
  for (const name of [
    "a/x-2.json",
    "a/x-10.json",
    "a/y.json",
    "x-1.json",
    "a/x-3.json/deeper",
    "a/xx-1.json",
  ])
    writeTo(root, name, "[]");
  const found = (names: readonly string[]): string[] =>
    findFiles(root, names, "files").map((path) => path.slice(root.length + 1));
  assert.deepEqual(found(["nothing", "a/x-*.json", "x-*.json"]), ["a/x-10.json", "a/x-2.json"]);
  assert.deepEqual(found(inFolders(["", "a/"], ["y.json", "x-*.json"])), ["a/y.json"]);
  assert.deepEqual(found(["y.json", "a/y?json", "a/y.json"]), ["a/y.json"], "only * is special");
  assert.deepEqual(lookForFiles(root, ["b/*", "z*"]), []);
  assert.deepEqual(findFiles(`${root}/x-1.json`, ["other"], "files"), [`${root}/x-1.json`]);
  throwsData(
    () => findFiles(root, ["b", "c/*"], "split test of X"),
    /: holds no split test of X; looked for b, c\/\*$/,
  );
  assert.deepEqual(mediaFolders("/d/data/test.json", ["images"]), [
    "/d/data",
    "/d/data/images",
    "/d",
    "/d/images",
  ]);
});

test("rows of several files are one list, and each knows its place", () => {
  const root = testFolder();
  const first = writeTo(root, "1.jsonl", '{"a": 1}\n{"a": 2}\n');
  const second = writeTo(root, "2.json", '[{"a": "x"}]');
  const parquet = `${placeFixture("dynamath", root, "3.parquet")}/3.parquet`;
  const rows = openRows([first, second, parquet], { text: ["id"], media: [] });
  assert.equal(rows.count, 6);
  assert.deepEqual(
    [0, 1, 2].map((i) => rows.at(i).text("a")),
    ["1", "2", "x"],
  );
  assert.equal(rows.at(5).text("id"), "3");
  assert.equal(rows.at(1).where, `${first}: row 1 at byte 9`);
  assert.equal(rows.at(5).where, `${parquet}: row 2`);
  for (const index of [-1, 6, 1.5]) assert.throws(() => rows.at(index), RangeError);
  rows.close();
  throwsData(
    () => openRows([first, writeTo(root, "4.json", '[{"a": 1}')], none),
    /4\.json: ends without the array's/,
  );
});

test("a walk through the rows finds an id twice; without one nothing is read", () => {
  const root = testFolder();
  const path = writeTo(root, "a.jsonl", '{"id": 1}\n{"id": 2, \n{"id": 1}\n');
  let read = 0;
  const open = (walk: boolean): ReturnType<typeof benchmarkFiles> =>
    benchmarkFiles({
      benchmark: "vstar",
      split: "test",
      published: 3,
      rows: openRows([path], none),
      walk,
      item: (row) => {
        read++;
        const fields = {
          kind: "k",
          question: "q",
          answer: "a",
          questionType: "t",
          options: [],
          labels: {},
          details: {},
        };
        return itemOf(
          { id: itemId("vstar", row.text("id")), benchmark: "vstar", ...fields },
          row.lazily(() => []),
        );
      },
    });
  throwsData(() => open(true), /row 2 at byte 21: has the id vstar-1, as has .*row 0 at byte 0;/);
  read = 0;
  const files = open(false);
  assert.deepEqual([files.count, read], [3, 0]);
  assert.equal(files.at(2).id, "vstar-1");
  throwsData(() => files.at(1), /row 1 at byte 10/);
  throwsData(
    () =>
      benchmarkFiles({
        benchmark: "vstar",
        split: "test",
        published: 3,
        rows: new Rows([]),
        item: () => files.at(0),
      }),
    /vstar: its data files hold no items/,
  );
});

test("pictures: bytes, records, data URIs, paths; decoded when they are looked at, and no sooner", () => {
  const root = testFolder();
  const bytes = png(3, 2, [1, 2, 3]);
  const path = writeTo(root, "p/a.png", png(4, 2, [4, 5, 6]));
  const base64 = Buffer.from(bytes).toString("base64");
  const row = (fields: unknown): Row => new Row(fields, path, "f: row 0");
  const pictures = (value: unknown, folders = [root]): readonly string[] =>
    seen({ images: row({ image: value }).pictures(["none", "image"], folders).decode() } as Parameters<
      typeof seen
    >[0]);
  assert.deepEqual(pictures(bytes), ["3x2 1,2,3"]);
  assert.deepEqual(pictures({ bytes, path: "elsewhere.png" }), ["3x2 1,2,3"]);
  assert.deepEqual(pictures({ bytes: null, path: "p/a.png" }), ["4x2 4,5,6"]);
  assert.deepEqual(pictures(`data:image/png;base64,${base64}`), ["3x2 1,2,3"]);
  assert.deepEqual(pictures(["p/a.png", bytes]), ["4x2 4,5,6", "3x2 1,2,3"]);
  assert.deepEqual(pictures("a.png", ["nowhere", `${root}/p`]), ["4x2 4,5,6"]);
  for (const outside of ["/etc/hostname", "../a.png", "p/../../a.png"])
    throwsData(() => pictures(outside), /^f: row 0: ".*" must be a path below the data's folder$/);
  for (const nothing of [null, "", undefined])
    throwsData(() => pictures(nothing), /^f: row 0: none or image must hold a picture, got nothing$/);
  throwsData(() => pictures([]), /image must hold a picture, got none/);
  throwsData(() => pictures([7]), /image must hold a picture or its path, got 7/);
  const lazy = row({ image: Buffer.from("damaged") }).pictures(["image"], []);
  throwsData(() => lazy.decode(), /^f: row 0: image 0: must be PNG/);
});

test("fields", () => {
  const row = new Row({ n: 7n, x: 0.5, blank: "  ", list: ["a", 1], nested: { a: "b" } }, "f", "f: row 0");
  assert.deepEqual(
    [row.text("n"), row.text("x"), row.optionalText("no"), row.optionalText("blank")],
    ["7", "0.5", undefined, "  "],
  );
  assert.deepEqual(
    [row.texts("list"), row.texts("no"), row.record("nested").text("a")],
    [["a", "1"], [], "b"],
  );
  assert.equal(new Row({ a: "\uFEFFtext \uFEFF" }, "f", "f: row 0").text("a"), "text \uFEFF");
  throwsData(() => row.text("blank"), /^f: row 0: blank must be text, got " {2}"$/);
  throwsData(() => row.text("nested"), /nested must be text, got \{"a":"b"\}/);
  throwsData(() => row.record("list"), /^f: row 0, list: must be an object/);
  throwsData(() => row.oneOf("n", ["8", "9"]), /n must be 8 or 9, got "7"/);
  assert.equal(itemId("wemath", "3 steps/1", "é"), "wemath-3_steps_1-_");
});
