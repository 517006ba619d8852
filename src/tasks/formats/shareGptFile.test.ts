import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { encode } from "fast-png";
import { parse } from "yaml";
import { DataError } from "../../core/errors.ts";
import { hashImage } from "../../models/qwen2_5_vl/testFixtures.ts";
import { datasetInfo, dialoguesText, trainingFile } from "./shareGptExport.ts";
import { openDialogueFile } from "./shareGptFile.ts";

const root = mkdtempSync(join(tmpdir(), "pyvision-sharegpt-"));
after(() => rmSync(root, { recursive: true }));

function write(name: string, data: unknown): string {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof data === "string" || data instanceof Uint8Array ? data : JSON.stringify(data));
  return path;
}

const row = (images: readonly string[] = []) => ({
  messages: [
    { role: "user", content: `${"<image>".repeat(images.length)}q` },
    { role: "assistant", content: "a" },
  ],
  images,
});
const PICTURE = hashImage(56, 28, 1);
const png = encode({ ...PICTURE, channels: 3, depth: 8 });

function refuses(open: () => unknown, message: RegExp): void {
  assert.throws(open, (error) => {
    assert.ok(error instanceof DataError);
    assert.match(error.message, message);
    return true;
  });
}

test("an export is read back by its folder: rows, and pictures pixel by pixel", async () => {
  const dialogue = {
    system: "S",
    messages: [
      { role: "user", text: "<image>?\u2028" },
      { role: "assistant", text: "a" },
    ],
    images: ["images/p.png"],
  } as const;
  write("export/images/p.png", png);
  write(
    "export/dialogues.json",
    [
      ...dialoguesText([
        { id: "1", dialogue },
        { id: "2", dialogue },
      ]),
    ].join(""),
  );
  write("export/dataset_info.json", datasetInfo("mine"));
  const file = openDialogueFile(join(root, "export"));
  assert.deepEqual(file.dialogues, [dialogue, dialogue]);
  const [picture] = await file.images(1);
  assert.deepEqual(
    [picture?.width, picture?.height, [...(picture?.data ?? [])]],
    [56, 28, [...PICTURE.data]],
  );
  assert.equal([...dialoguesText([])].join(""), "[]\n");
});

test("a list, lines, another root for pictures, absolute paths", async () => {
  write("media/p.png", png);
  const list = write("plain/list.json", [row(["p.png"]), row()]);
  assert.equal(openDialogueFile(list, { imageRoot: join(root, "media") }).dialogues.length, 2);
  refuses(
    () => openDialogueFile(list),
    /^list\.json row 0: image p\.png is not there \(looked for .*plain\/p\.png\)/,
  );
  const lines = write(
    "plain/lines.jsonl",
    `${JSON.stringify(row())}\n\n${JSON.stringify(row([join(root, "media/p.png")]))}\n`,
  );
  assert.equal((await openDialogueFile(lines).images(1)).length, 1);
});

test("dataset_info.json: columns and tags by other names, the data set by its name or by its file", () => {
  write("info/dataset_info.json", {
    odd: {
      file_name: "odd.json",
      formatting: "sharegpt",
      columns: { messages: "talk", images: "pics", system: "sys" },
      tags: { role_tag: "who", content_tag: "what", user_tag: "me", assistant_tag: "you" },
    },
    plain: { file_name: "plain.json", formatting: "sharegpt" },
    pairs: { file_name: "pairs.json" },
    hub: { hf_hub_url: "someone/something" },
  });
  const odd = write("info/odd.json", [
    {
      talk: [
        { who: "me", what: "q" },
        { who: "you", what: "a" },
      ],
      sys: "S",
      pics: null,
    },
  ]);
  write("info/plain.json", [
    {
      conversations: [
        { from: "human", value: "q" },
        { from: "gpt", value: "b" },
      ],
    },
  ]);
  write("info/pairs.json", [{ instruction: "q", output: "a" }]);
  const text = (path: string, dataset?: string): string | undefined =>
    openDialogueFile(path, dataset === undefined ? {} : { dataset }).dialogues[0]?.messages[1]?.text;
  const folder = join(root, "info");
  assert.equal(text(odd), "a");
  assert.equal(text(folder, "odd"), "a");
  assert.equal(text(folder, "plain"), "b");
  assert.equal(openDialogueFile(odd).dialogues[0]?.system, "S");
  refuses(
    () => openDialogueFile(folder),
    /exactly one data set of a file must be meant, it names odd, plain, pairs, hub/,
  );
  refuses(
    () => openDialogueFile(folder, { dataset: "none" }),
    /there is no data set "none", it names odd, plain/,
  );
  refuses(
    () => openDialogueFile(join(folder, "pairs.json")),
    /pairs\.formatting must be "sharegpt", received "alpaca"/,
  );
});

test("files that are none", () => {
  refuses(() => openDialogueFile(join(root, "nothing.json")), /there is no such file or folder/);
  refuses(
    () => openDialogueFile(write("bare/x.txt", "") && join(root, "bare")),
    /must hold a dataset_info\.json/,
  );
  refuses(() => openDialogueFile(write("bad/broken.json", "[{")), /broken\.json: is not JSON/);
  refuses(
    () => openDialogueFile(write("bad/broken.jsonl", `${JSON.stringify(row())}\n{"a`)),
    /line 2: is not JSON/,
  );
  refuses(() => openDialogueFile(write("bad/object.json", {})), /must be a list of rows/);
  refuses(() => openDialogueFile(write("bad/empty.json", [])), /must hold at least one dialogue/);
  refuses(
    () => openDialogueFile(write("bad/second.json", [row(), { messages: [] }])),
    /^second\.json row 1: /,
  );
});

test("a damaged picture is named with its row when it is opened, not before", async () => {
  write("damaged/p.png", Uint8Array.from([0x89, 0x50, 1, 2]));
  const file = openDialogueFile(write("damaged/d.json", [row(), row(["p.png"])]));
  await assert.rejects(file.images(1), /^DataError: d\.json row 1: image .*p\.png/);
});

test("the training file says what the loader needs", () => {
  const text = trainingFile({
    dataset: "d",
    model: "m",
    learningRate: 1e-5,
    epochs: 2,
    cutoffTokens: 576,
    minPixels: 784,
    maxPixels: 9000,
  });
  const keys = parse(text) as Record<string, unknown>;
  const {
    stage,
    dataset,
    dataset_dir,
    template,
    default_system,
    cutoff_len,
    image_max_pixels,
    image_min_pixels,
  } = keys;
  assert.deepEqual(
    { stage, dataset, dataset_dir, template, default_system, cutoff_len, image_max_pixels, image_min_pixels },
    {
      stage: "sft",
      dataset: "d",
      dataset_dir: ".",
      template: "qwen2_vl",
      default_system: "",
      cutoff_len: 576,
      image_max_pixels: 9000,
      image_min_pixels: 784,
    },
  );
  assert.deepEqual(
    [keys["model_name_or_path"], keys["learning_rate"], keys["num_train_epochs"]],
    ["m", 1e-5, 2],
  );
});
