// `pyvision data check` as a user meets it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { encode } from "fast-png";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "data-"));
after(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(
  join(folder, "a.png"),
  encode({ width: 2, height: 2, data: new Uint8Array(12), channels: 3, depth: 8 }),
);

const row = (id: string, more: object = {}): object => ({
  id,
  question: "What is it?\n(A) a glove\n(B) a hat",
  answer: "A",
  ability: "visual_search",
  data_source: "vstar",
  image_path: "a.png",
  ...more,
});

function check(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ["--import", "tsx", main, "data", "check", ...args], {
    encoding: "utf8",
  });
}

test("broken rows by line, then counts; exit code 1. As JSON the same; a good file gives 0", () => {
  const path = join(folder, "set.json");
  const rows = [
    row("0"),
    row("1", { image_path: "b.png" }),
    row("2", { answer: "" }),
    row("0"),
    row("4", { answer: "" }),
  ];
  writeFileSync(path, JSON.stringify(rows));
  const { status, stdout, stderr } = check(path);
  const lengths = rows.map((r) => JSON.stringify(r).length + 1);
  const at = (i: number): number => 1 + lengths.slice(0, i).reduce((a, b) => a + b, 0);
  assert.deepEqual([status, stderr], [1, ""]);
  assert.equal(
    stdout,
    [
      `row 1 (byte ${at(1)}): b.png: there is no such file (looked for ${folder}/b.png)`,
      `row 2 (byte ${at(2)}): answer must be the right answer, got ""`,
      `row 3 (byte ${at(3)}, id 0): id 0 of vstar is that of row 0 of set.json`,
      `row 4 (byte ${at(4)}): answer must be the right answer, got ""`,
      "1 of 5 rows are good; 2 images and 0 videos were looked at",
      "",
      "kind   good rows",
      "─────  ─────────",
      "vstar          1",
      "",
      "reason       rows",
      "───────────  ────  ───────────────────────",
      "emptyAnswer     2  no right answer",
      "missingFile     1  a file is missing",
      "duplicateId     1  the id was given before",
      "",
    ].join("\n"),
  );
  const json = check(path, "--json");
  assert.equal(json.status, 1);
  const {
    rows: count,
    good,
    broken,
    reasons,
  } = JSON.parse(json.stdout) as {
    readonly rows: number;
    readonly good: number;
    readonly broken: readonly { readonly row: number; readonly offset: number }[];
    readonly reasons: unknown;
  };
  assert.deepEqual([count, good, reasons], [5, 1, { emptyAnswer: 2, missingFile: 1, duplicateId: 1 }]);
  assert.deepEqual(
    broken.map(({ row: number, offset }) => [number, offset]),
    [1, 2, 3, 4].map((i) => [i, at(i)]),
  );
  const good_ = join(folder, "good.jsonl");
  writeFileSync(good_, JSON.stringify(row("0", { image_path: "/elsewhere/a.png" })));
  const passed = check(good_, "--strip-prefix", "/elsewhere", "--decode", "--kind", "ability");
  assert.deepEqual(
    [passed.status, passed.stdout.split("\n")[0]],
    [0, "1 of 1 rows are good; 1 images and 0 videos were looked at"],
  );
  assert.match(passed.stdout, /visual_search +1/);
});

test("the grader's own opinion of right answers; a file that is none", () => {
  const path = join(folder, "letters.json");
  writeFileSync(path, JSON.stringify([row("0", { answer: "D" }), row("1", { answer: "(B)" })]));
  const { status, stdout } = check(path);
  assert.equal(status, 1);
  assert.match(stdout, /^row 0 \(byte 1, id 0\): the right answer is "D", but the grader /);
  assert.match(stdout, /\n1 of 2 rows are good/);
  const none = check(join(folder, "none.json"));
  assert.deepEqual([none.status, none.stdout], [1, ""]);
  assert.match(none.stderr, /none\.json: cannot be read \(there is no such file\)/);
});

test("files of dialogues are told from files of tasks, and not mixed with them", () => {
  const path = join(folder, "dialogues.json");
  const dialogue = (image: string) => ({
    messages: [
      { role: "user", content: "<image>What is it?" },
      { role: "assistant", content: "A hat." },
    ],
    images: [image],
  });
  writeFileSync(path, JSON.stringify([dialogue("a.png"), dialogue("gone.png")]));
  const { status, stdout } = check(path);
  assert.equal(status, 1);
  assert.match(stdout, /^row 1: .*gone\.png/m);
  assert.match(stdout, /^1 broken dialogue$/m);
  const tasks = join(folder, "tasks.json");
  writeFileSync(tasks, JSON.stringify([row("0")]));
  assert.match(check(path, tasks).stderr, /hold dialogues and .*tasks\.json tasks/);
});
