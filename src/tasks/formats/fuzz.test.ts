// Damage of every kind through the whole path from bytes to tasks: what comes out is a finding, a task or a DataError, never
// another error. The rows hold the values that such files hold by mistake.
import assert from "node:assert/strict";
import { test } from "node:test";
import { DataError } from "../../core/errors.ts";
import { type Random, randomStream } from "../../core/random.ts";
import { checkTaskFiles, emptySummary } from "./checkTaskFile.ts";
import { TaskFiles } from "./taskFile.ts";
import { MEDIA_FIELDS, TEXT_FIELDS } from "./taskRow.ts";
import { png, testFolder, writeTo } from "./testFiles.ts";

const folder = testFolder();
writeTo(folder, "a.png", png(2, 2, [1, 2, 3]));

const VALUES: readonly unknown[] = [
  null, true, 0, -1.5, "", " ", "a.png", "no.png", "../a.png", "data:image/png;base64,AAAA", "data:,x", "<image>", "<video>\n",
  [], {}, [null], [[]], ["a.png", "a.png"], { bytes: "AA==", path: "a.png" }, { bytes: null, path: null }, { path: 5 },
  { hint_type: "image", hint_path: "a.png" }, { hint_type: "video", hint_path: ["a.png", 3] }, { hint_type: 1 },
  { ground_truth: "A" }, { ground_truth: ["A"] }, { question: "Q", index: 3 }, { question: {}, index: [] },
  [{ role: "user", content: "<image>Q" }], [{ role: "user", content: [{ type: "image" }, { text: 3 }, null] }], [{ content: 3 }],
  "A", "x".repeat(2000), "\u0000", "\ud800", 1e308, "file:///dev/null", "/", ".",
]; // prettier-ignore
const NAMES = [...TEXT_FIELDS, ...MEDIA_FIELDS, "__proto__", "toString", "extra"];

function randomRow(random: Random): unknown {
  if (random.below(20) === 0) return random.pick(VALUES);
  const row: [string, unknown][] = [
    ["id", random.below(5)],
    ["question", "Q"],
    ["answer", random.pick(["A", "A", "A", "", "x".repeat(60)])],
    ["image_path", "a.png"],
  ];
  for (let i = random.below(4); i > 0; i--) row.push([random.pick(NAMES), random.pick(VALUES)]);
  return Object.fromEntries(row);
}

function damaged(text: string, random: Random): Buffer {
  let bytes = Buffer.from(text);
  for (let i = random.below(4); i > 0; i--) {
    const at = random.below(bytes.length);
    const cut = random.pick([0, 1, 1, random.below(40)]);
    const put = random.pick(["", '"', "{", "}", "[", "]", ",", "\\", "\n", "\0", "\xff", "{}", "null"]);
    bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(put, "latin1"), bytes.subarray(at + cut)]);
  }
  return random.below(10) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes;
}

test("800 files of odd rows, most of them damaged", () => {
  const random = randomStream("fuzz");
  const seen = new Map<string, number>();
  const count = (key: string): void => void seen.set(key, (seen.get(key) ?? 0) + 1);
  for (let i = 0; i < 800; i++) {
    const rows = Array.from({ length: 1 + random.below(6) }, () => randomRow(random));
    const text = random.pick([
      () => JSON.stringify(rows),
      () => JSON.stringify(rows, null, 2),
      () => rows.map((row) => JSON.stringify(row)).join("\n"),
    ])();
    const paths = [writeTo(folder, "fuzz.json", damaged(text, random))];
    try {
      const summary = emptySummary();
      const options = { paths, grade: () => "right" as const, maxAnswerChars: 50, decode: true };
      for (const { problems } of checkTaskFiles(options, summary))
        for (const { reason } of problems) count(reason);
      const files = new TaskFiles({ paths });
      let whole = 0;
      for (let k = 0; k < files.count; k++)
        try {
          whole += files.at(k).images.length > 0 ? 1 : 0;
        } catch (error) {
          assert.ok(error instanceof DataError, String(error));
        }
      files.close();
      count("files");
      assert.ok(whole >= summary.good - summary.videos, "what the check calls good can be looked at");
    } catch (error) {
      assert.ok(error instanceof DataError, `${i}: ${error instanceof Error ? error.stack : String(error)}`);
      count("refused");
    }
  }
  for (const key of [
    "malformed",
    "field",
    "noQuestion",
    "emptyAnswer",
    "noMedia",
    "marks",
    "missingFile",
    "unreadableMedia",
    "duplicateId",
    "answerTooLong",
    "files",
    "refused",
  ])
    assert.ok((seen.get(key) ?? 0) > 0, `${key} never came up`);
});
