import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { png, testFolder, writeTo } from "../formats/testFiles.ts";
import { hrbench4K, hrbench8K } from "./hrbench.ts";

const HEADER = "index\tquestion\tanswer\tcategory\tA\tB\tC\tD\tcycle_category\timage";
const base64 = (red: number): string => Buffer.from(png(40, 30, [red, 0, 0])).toString("base64");

test("TSV: rotations of a question are found, pictures of other rows are theirs", () => {
  const folder = testFolder();
  const asked = '"What does the ""sign"" say?\nLook closely."';
  const lines = [
    HEADER,
    `0\t${asked}\tA\tsingle\tEXIT\tSTOP\tGO\tNone\t0\t${base64(1)}`,
    `1\t${asked}\tB\tsingle\tNone\tEXIT\tSTOP\tGO\t1\t0`,
    // The same words about another picture.
    `2\t${asked}\tC\tsingle\tEXIT\tSTOP\tGO\tNone\t0\t${base64(2)}`,
    `3\tWhich is nearer?\tD\tcross\tcar\ttree\tdog\tsign\t0\t${base64(3)}`,
    `4\t${asked}\tD\tsingle\tNone\tEXIT\tSTOP\tGO\t1\t2`,
  ];
  writeTo(folder, "hr_bench_4k.tsv", lines.join("\n"));
  const files = hrbench4K.open(folder);
  assert.deepEqual([files.benchmark, files.count, files.published], ["hrbench-4k", 5, 800]);
  const items = [0, 1, 2, 3, 4].map((i) => files.at(i));
  assert.deepEqual(
    items.map(({ id, answer, labels }) => [
      id,
      answer,
      labels["category"],
      labels["cycle"],
      labels["question"],
    ]),
    [
      ["hrbench-4k-0", "A", "single", "0", "0"],
      ["hrbench-4k-1", "B", "single", "1", "0"],
      ["hrbench-4k-2", "C", "single", "0", "1"],
      ["hrbench-4k-3", "D", "cross", "0", "2"],
      ["hrbench-4k-4", "D", "single", "1", "1"],
    ],
  );
  assert.deepEqual(Object.keys(items[0]?.labels ?? {}), ["category", "cycle", "question"]);
  assert.equal(
    items[0]?.question,
    'What does the "sign" say?\nLook closely.\nA. EXIT\nB. STOP\nC. GO\nD. None\nAnswer with the letter of the right option.',
  );
  assert.deepEqual(
    items.map(({ images }) => images[0]?.data[0]),
    [1, 1, 2, 3, 2],
  );
  assert.throws(() => hrbench8K.open(folder), /holds no HRBench-8K; looked for hr_bench_8k\*\.parquet, /);
  files.close();
});

test("parquet: base64 text in a column", () => {
  const files = hrbench8K.open(fileURLToPath(new URL("fixtures/hrbench.parquet", import.meta.url)));
  assert.deepEqual([files.benchmark, files.count], ["hrbench-8k", 3]);
  assert.deepEqual(files.at(1).labels, { category: "single", cycle: "1", question: "0" });
  assert.deepEqual(
    [0, 1, 2].map((i) => files.at(i).images[0]?.data.slice(0, 3).join()),
    ["1,2,3", "1,2,3", "7,8,9"],
  );
  assert.deepEqual(files.at(2).options[3], { letter: "D", text: "sign" });
  files.close();
});

test("a row that is wrong is named, the others are read", () => {
  const lines = [
    HEADER,
    `0\tq\tE\tsingle\ta\tb\tc\td\t0\t${base64(1)}`,
    `1\tq\tA\tboth\ta\tb\tc\td\t0\t${base64(1)}`,
    `2\tq\tA\tcross\ta\tb\tc\td\t0\t77`,
    `3\tq\tA\tcross\ta\tb\tc\td\t0\t${"?".repeat(80)}`,
    `4\tq\tA\tcross\ta\tb\t\t\t0\t${base64(5)}`,
  ];
  const files = hrbench4K.open(writeTo(testFolder(), "any.tsv", lines.join("\r\n")));
  assert.equal(files.count, 5);
  assert.throws(() => files.at(0), /any\.tsv: row 0 at byte \d+: answer must be one of A, B, C, D, got E/);
  assert.throws(() => files.at(1), /row 1 at byte \d+: category must be single or cross, got "both"/);
  assert.throws(
    () => files.at(2).images,
    /row 2 .*image must be base64 or the index of a row that has it, got "77"/,
  );
  assert.throws(() => files.at(3).images, /row 3 at byte \d+, column image: is not base64/);
  assert.deepEqual([files.at(4).options.length, files.at(4).images[0]?.data[0]], [2, 5]);
  files.close();
});
