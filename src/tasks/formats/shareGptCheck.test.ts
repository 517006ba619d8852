import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { encode } from "fast-png";
import { checkDialogues, looksLikeDialogues } from "./shareGptCheck.ts";
import { datasetInfo, dialoguesText } from "./shareGptExport.ts";

const root = mkdtempSync(join(tmpdir(), "pyvision-dialogues-"));
after(() => rmSync(root, { recursive: true }));
const write = (name: string, data: string | Uint8Array): string => {
  writeFileSync(join(root, name), data);
  return join(root, name);
};

const talk = (images: readonly string[], answer = "a", marks = images.length) => ({
  messages: [
    { role: "user", content: `${"<image>".repeat(marks)}q` },
    { role: "assistant", content: answer },
  ],
  images,
});

test("every broken row with all that is wrong with it, whole rows not", () => {
  write(
    "good.png",
    encode({ width: 28, height: 28, data: new Uint8Array(28 * 28 * 3), channels: 3, depth: 8 }),
  );
  write("bad.png", "no picture");
  const rows = [
    { id: "a", ...talk(["good.png"]) },
    { id: "a", ...talk(["gone.png", "bad.png", "good.png"]) },
    { id: "c", ...talk([], " ") },
    { id: "d", ...talk(["good.png"], "a", 2) },
    7,
    talk([]),
  ];
  const path = write("rows.json", JSON.stringify(rows));
  assert.deepEqual(
    [...checkDialogues(path)],
    [
      {
        row: 1,
        id: "a",
        problems: [
          'id "a" is that of row 0 too',
          "image gone.png is not there",
          "image bad.png: must be PNG or JPEG or WebP, but its content is none of them; convert it first",
        ],
      },
      { row: 2, id: "c", problems: ["a message of the assistant is empty"] },
      {
        row: 3,
        id: "d",
        problems: ["<image> must stand once for each image, received 2 marks and 1 images"],
      },
      { row: 4, problems: ["must be an object, received 7"] },
    ],
  );
});

test("files of dialogues are told from files of tasks", () => {
  const dialogue = {
    system: "",
    messages: [
      { role: "user", text: 'q "x"' },
      { role: "assistant", text: "a" },
    ],
    images: [],
  } as const;
  assert.ok(looksLikeDialogues(write("own.json", [...dialoguesText([{ id: 'i"d', dialogue }])].join(""))));
  assert.ok(looksLikeDialogues(write("lines.jsonl", '{"id": 3, "conversations": [{"from": "human"}]}\n')));
  assert.ok(
    looksLikeDialogues(
      write("media.json", '[{"images": ["a.png", "b.png"], "messages": [{"role": "user"}]}]'),
    ),
  );
  for (const [name, text] of [
    ["no-images.json", '[{"images": [], "messages": [{"role": "user"}]}]'],
    ["pretty.json", JSON.stringify([{ images: ["a.png"], messages: talk([]).messages }], null, 2)],
    ["object.jsonl", '{"meta": {"messages": 1}, "messages": [{"role": "user"}]}\n{"broken'],
    ["mark.json", '\ufeff[{"conversations": []}, {'],
  ] as const)
    assert.ok(looksLikeDialogues(write(name, text)), name);
  assert.ok(!looksLikeDialogues(write("inner.json", '[{"meta": {"messages": [{"role": "user"}]}}]')));
  assert.ok(!looksLikeDialogues(write("cut.json", '[{"messages": [{"role": "us')));
  assert.ok(!looksLikeDialogues(write("nothing.json", "")));
  assert.ok(!looksLikeDialogues(write("tasks.json", '[{"id": "1", "question": "messages", "answer": "a"}]')));
  assert.ok(!looksLikeDialogues(write("prepared.json", '[{"prompt": [{"role": "user"}], "messages": [1]}]')));
  assert.ok(!looksLikeDialogues(write("x.parquet", "PAR1")));
  assert.ok(!looksLikeDialogues(root));
  write("dataset_info.json", datasetInfo("x"));
  assert.ok(looksLikeDialogues(root));
});

test("a dataset_info.json beside the file says under which name the messages are", () => {
  const folder = join(root, "named");
  mkdirSync(folder);
  const talkFile = write("named/talks.json", '[{"talk": [{"from": "human", "value": "q"}]}]');
  assert.ok(!looksLikeDialogues(talkFile));
  const entry = { file_name: "talks.json", formatting: "sharegpt", columns: { messages: "talk" } };
  write("named/dataset_info.json", JSON.stringify({ talks: entry }));
  assert.ok(looksLikeDialogues(talkFile));
  assert.ok(!looksLikeDialogues(write("named/other.json", '[{"talk": [{"from": "human", "value": "q"}]}]')));
});

test("videos and marks of pictures in answers are found before training", () => {
  const path = write(
    "media-kinds.json",
    JSON.stringify([{ ...talk([]), videos: ["v.mp4"] }, talk([], "<image>"), talk([])]),
  );
  assert.deepEqual(
    [...checkDialogues(path)].map(({ row, problems }) => [row, problems[0]?.split(",")[0]]),
    [
      [0, "videos: must be empty"],
      [1, "messages[1].content: must hold no <image>"],
    ],
  );
});
