// Data files as tasks: what is made of rows, what is left out, splits, and that a set as large as the released one opens in
// seconds with flat memory.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { DataError } from "../../core/errors.ts";
import { splitSource, TaskFiles } from "./taskFile.ts";
import { jpegOf, png, testFolder, writeTo } from "./testFiles.ts";

const folder = testFolder();
writeTo(folder, "images/red.png", png(8, 6, [255, 0, 0]));
writeTo(folder, "images/green.png", png(4, 4, [0, 255, 0]));
writeTo(folder, "images/grey.jpg", jpegOf(16, 16));
writeTo(folder, "videos/a.mp4", "film");
const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}.parquet`, import.meta.url));

const row = (id: number, more: object = {}): object => ({
  id,
  question: `Q${id}`,
  answer: "A",
  ability: "search",
  data_source: "vstar",
  image_path: "images/red.png",
  ...more,
});
const file = (name: string, rows: readonly object[]): string =>
  writeTo(folder, name, JSON.stringify(rows, null, 4));

test("rows as tasks: ids are unique, images are decoded when looked at, videos are paths", () => {
  const path = file("mixed.json", [
    row(1),
    row(1, { image_path: ["images/green.png", "images/grey.jpg"], data_source: undefined }),
    row(2, { image_path: undefined, video_path: "videos/a.mp4", data_source: "vsi" }),
  ]);
  const files = new TaskFiles({ paths: [path] });
  assert.equal(files.count, 3);
  const [first, second, third] = [files.at(0), files.at(1), files.at(2)];
  assert.deepEqual([first.id, second.id, third.id], ["vstar/1#0", "search/1#1", "vsi/2#2"]);
  assert.deepEqual([first.kind, first.question, first.answer, first.videos], ["vstar", "Q1", "A", undefined]);
  assert.deepEqual(
    second.images.map(({ width, height }) => [width, height]),
    [
      [4, 4],
      [16, 16],
    ],
  );
  assert.deepEqual([...(first.images[0]?.data.subarray(0, 4) ?? [])], [255, 0, 0, 255]);
  assert.deepEqual([third.images, third.videos], [[], [join(folder, "videos/a.mp4")]]);
  assert.equal({ ...first }.images[0]?.width, 8, "a copy has its images");
  assert.throws(() => files.at(3), RangeError);
  const byAbility = new TaskFiles({ paths: [path, path], kind: "ability" });
  assert.equal(byAbility.at(5).id, "mixed.json:search/2#2");
  byAbility.close();
  files.close();
  assert.throws(() => files.at(0), /is read after it was closed/);
});

test("broken rows are left out and counted; what is there is asked", () => {
  const text = JSON.stringify([
    row(0),
    row(1),
    row(2, { answer: "" }),
    row(3, { image_path: "images/no.png" }),
    row(4),
  ]);
  const path = writeTo(folder, "broken.json", text.replace('"Q1"', '"Q1'));
  const files = new TaskFiles({ paths: [path] });
  assert.deepEqual([files.at(0).id, files.at(1).id, files.count], ["vstar/0#0", "vstar/4#4", 2]);
  const { count, reasons, first } = files.leftOut;
  assert.deepEqual(
    { count, reasons },
    { count: 3, reasons: { malformed: 1, emptyAnswer: 1, missingFile: 1 } },
  );
  assert.match(
    first ?? "",
    /broken\.json: row 1 at byte \d+: has 'a' where ',' or '}' must stand \(byte \d+\)$/,
  );
  files.close();
  const bad = file("bad.json", [row(0, { image_path: "images/no.png" })]);
  assert.throws(
    () => new TaskFiles({ paths: [bad] }),
    (error) =>
      error instanceof DataError &&
      /^none of 1 rows can be asked; .*bad\.json: row 0 at byte \d+: images\/no\.png: there is no such file \(looked for /.test(
        error.message,
      ) &&
      error.message.endsWith("List all with: pyvision data check"),
  );
  assert.throws(() => new TaskFiles({ paths: [file("none.json", [])] }), /none\.json: has no rows/);
});

test("every row: those that cannot be asked are errors with file, row and reason, and text alone is a question", () => {
  const none = { image_path: undefined };
  const rows = [
    row(0),
    row(1, { answer: "" }),
    row(2, none),
    row(3, { ...none, question: "<image>Which?" }),
    row(4, { image_path: "images/no.png" }),
    row(5, {
      ...none,
      mm_hint: { hint_type: "image" },
      prompt: "Which?",
      reward_model: { ground_truth: "A" },
    }),
  ];
  const path = writeTo(
    folder,
    "every.jsonl",
    [...rows.map((each) => JSON.stringify(each)), "garbage"].join("\n"),
  );
  const files = new TaskFiles({ paths: [path], every: true });
  assert.deepEqual([files.count, files.leftOut.count], [7, 5]);
  assert.deepEqual([files.at(0).id, files.at(2).id, files.at(2).images], ["vstar/0#0", "vstar/2#2", []]);
  for (const [index, why] of [
    [1, /every\.jsonl: row 1 at byte \d+: answer must be the right answer, got ""$/],
    [3, /row 3 at byte \d+: image_path or video_path is missing$/],
    [4, /row 4 at byte \d+: images\/no\.png: there is no such file/],
    [5, /row 5 at byte \d+: mm_hint\.hint_path is missing$/],
    [6, /row 6 at byte \d+: has 'g'/],
  ] as const)
    assert.throws(
      () => files.at(index),
      (error) => error instanceof DataError && why.test(error.message),
      `row ${index}`,
    );
  files.close();
  const good = new TaskFiles({ paths: [path] });
  assert.deepEqual([good.count, good.leftOut.count], [1, 6]);
  good.close();
  const broken = file("all-broken.json", [row(0, { answer: "" })]);
  assert.throws(() => new TaskFiles({ paths: [broken], every: true }), /: none of 1 rows can be asked; /);
});

test("media of another machine: a root, and the beginning of paths taken off", () => {
  const data = testFolder();
  const path = writeTo(
    data,
    "a.json",
    JSON.stringify([row(0, { image_path: "/mnt/data/images/red.png" }), row(1)]),
  );
  assert.throws(() => new TaskFiles({ paths: [path] }), /none of 2 rows/);
  const files = new TaskFiles({ paths: [path], mediaRoot: folder, stripPrefix: "/mnt/data" });
  assert.deepEqual([files.at(0).images[0]?.width, files.at(1).images[0]?.width], [8, 8]);
  files.close();
});

test("images that lie in the file: data URIs, base64 records, parquet", () => {
  const bytes = Buffer.from(png(5, 3, [9, 8, 7])).toString("base64");
  const path = file("inside.jsonl", [
    row(0, { image_path: undefined, image: `data:image/png;base64,${bytes}` }),
    row(1, { image_path: undefined, images: [{ bytes, path: null }] }),
  ]);
  const files = new TaskFiles({ paths: [path, fixture("list-v1")] });
  assert.deepEqual(
    [0, 1, 4].map((i) =>
      files.at(i).images.map(({ width, height, data }) => [width, height, ...data.subarray(0, 3)]),
    ),
    [
      [[5, 3, 9, 8, 7]],
      [[5, 3, 9, 8, 7]],
      [
        [4, 5, 200, 144, 88],
        [5, 5, 210, 164, 118],
        [6, 5, 220, 184, 148],
      ],
    ],
  );
  assert.deepEqual([files.at(4).id, files.at(4).question], ["list-v1.parquet:geo/2#2", "Question 2"]);
  files.close();
});

test("a picture that turns out damaged says file and row", () => {
  const path = file("late.json", [row(0, { image_path: "images/late.png" })]);
  writeTo(folder, "images/late.png", "no picture");
  const files = new TaskFiles({ paths: [path] });
  assert.throws(
    () => files.at(0).images,
    /late\.json: row 0 at byte \d+: image .*late\.png: must be PNG or JPEG/,
  );
  rmSync(join(folder, "images/late.png"));
  assert.throws(() => files.at(0).images, /late\.png: cannot be read \(there is no such file\)/);
  files.close();
});

test("a file that is changed while it is open is noticed, one that is replaced is not mixed up", () => {
  const path = file("changing.json", [row(0), row(1)]);
  const files = new TaskFiles({ paths: [path] });
  writeFileSync(path, "x".repeat(1000));
  assert.throws(() => files.at(1), /row 1 at byte \d+ is no longer what it was when the file was opened/);
  files.close();
});

test("splits share no row, hold their shares, follow the seed, and take at least one", () => {
  const files = {
    count: 100,
    at: (i: number) => ({ id: String(i), kind: "k", question: "", answer: "", images: [] }),
  };
  const ids = (split: "train" | "validation" | "test" | "all", seed = 0, count = 100): string[] => {
    const source = splitSource({ ...files, count }, "a", split, { validation: 0.1, test: 0.2 }, seed);
    assert.equal(source.name, `a-${split}`);
    return Array.from({ length: source.size }, (_, i) => source.at(i).id);
  };
  const [train, validation, held] = [ids("train"), ids("validation"), ids("test")];
  assert.deepEqual([train.length, validation.length, held.length], [70, 10, 20]);
  assert.equal(new Set([...train, ...validation, ...held]).size, 100);
  assert.deepEqual(ids("test"), held);
  assert.notDeepEqual(ids("test", 1), held);
  assert.equal(new Set(ids("all")).size, 100);
  assert.deepEqual(
    [ids("train", 0, 3).length, ids("validation", 0, 3).length, ids("test", 0, 3).length],
    [1, 1, 1],
  );
  assert.throws(() => splitSource(files, "a", "test", { validation: 0.1, test: 0.2 }, 0).at(20), RangeError);
});

/** In a process of its own, whose largest memory is then known: opens a file, asks for tasks and their images. */
const LOAD = `
import { TaskFiles, splitSource } from ${JSON.stringify(new URL("taskFile.ts", import.meta.url).href)};
const MB = 2 ** 20;
const usedMB = async () => {
  for (let i = 0; i < 4; i++) {
    await new Promise(setImmediate); // weak references hold until a job ends
    gc();
  }
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / MB;
};
const [usedBefore, rssBefore] = [await usedMB(), process.memoryUsage().rss / MB];
const files = new TaskFiles({ paths: [process.argv[1]] });
const indexMB = (await usedMB()) - usedBefore;
const source = splitSource(files, "a", "train", { validation: 0.02, test: 0.02 }, 0);
const held = [];
let pixels = 0;
for (let i = 0; i < 12; i++) {
  const task = source.at((i * 7919) % source.size);
  held.push(task);
  pixels += task.images[0].data.length / 3;
}
const heldMB = (await usedMB()) - usedBefore;
console.log(JSON.stringify({ count: files.count, left: files.leftOut.count, indexMB, pixels, ids: new Set(held.map((t) => t.id)).size, heldMB, peakMB: process.resourceUsage().maxRSS / 1024 - rssBefore }));
`;

test("40,000 rows of 120 MB with an image of 3 MB each are opened and read in little memory", () => {
  const image = writeTo(folder, "images/large.png", png(1024, 1024, [1, 2, 3]));
  const prompt = "You are an agent. ".repeat(140);
  const rows = Array.from({ length: 40_000 }, (_, index) =>
    JSON.stringify(
      {
        prompt: [{ content: `${prompt}Question ${index}`, role: "user" }],
        data_source: "deepeyes",
        ability: "visual_search",
        env_name: "pyvision_gym_wo_image_hint",
        reward_model: { ground_truth: index === 20_000 ? "" : "A", style: "model" },
        extra_info: { answer: "A", index, question: `Question ${index}`, split: "train" },
        mm_hint: { hint_path: image, hint_type: "image" },
      },
      null,
      4,
    ),
  );
  const text = `[\n${rows.join(",\n")}\n]`;
  assert.ok(text.length > 115e6, `${text.length}`);
  const path = writeTo(folder, "large.json", text);
  const args = ["--expose-gc", "--import", "tsx", "--input-type=module", "-e", LOAD, path];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  rmSync(path);
  assert.notEqual(stdout, "", stderr);
  const seen = JSON.parse(stdout) as Record<
    "count" | "left" | "indexMB" | "pixels" | "ids" | "heldMB" | "peakMB",
    number
  >;
  assert.deepEqual([seen.count, seen.left, seen.pixels, seen.ids], [39_999, 1, 12 * 1024 * 1024, 12]);
  assert.ok(seen.indexMB < 8, `the index of a file of 120 MB holds ${seen.indexMB.toFixed(1)} MB`);
  // The 12 images are 36 MB.
  assert.ok(seen.heldMB < 20, `12 tasks whose images were looked at hold ${seen.heldMB.toFixed(1)} MB`);
  assert.ok(seen.peakMB < 300, `${seen.peakMB.toFixed(0)} MB at most`);
});
