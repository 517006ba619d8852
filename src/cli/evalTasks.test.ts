// `pyvision eval --tasks` on a file as people have them: every row is in the denominator, and nothing lies open to programs.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { encode } from "fast-png";
import { ConfigError } from "../core/errors.ts";
import { says, stubServer } from "../engines/openai/stubServer.ts";
import { parseConfig } from "../runs/config.ts";
import { runEvalCommand } from "./evalHarness.ts";
import { checkHidden } from "./stages/hiddenFromPrograms.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "eval-tasks-")));
after(() => rmSync(root, { recursive: true, force: true }));
const linuxOnly = process.platform === "linux" ? false : "there is no sandbox elsewhere";

interface Report {
  readonly headline: { readonly value: number; readonly count: number };
  readonly stages: Readonly<Record<string, number>>;
  readonly items: { readonly asked: number; readonly available: number };
}

test("rows that cannot be asked count as wrong and are listed; questions of text alone are asked", async () => {
  const grey = { width: 56, height: 56, channels: 3 as const, data: new Uint8Array(56 * 56 * 3).fill(90) };
  writeFileSync(join(root, "a.png"), encode(grey));
  const file = join(root, "q.jsonl");
  writeFileSync(
    file,
    [
      '{"question":"<image>Pick A.","answer":"A","images":["a.png"]}',
      '{"question":"Pick B. (A) x (B) y","answer":"B"}',
      '{"question":"no answer"}',
      "garbage",
      '{"question":"missing <image>","answer":"A","images":["nope.png"]}',
      '{"question":"list","answer":["A","B"]}',
      '{"question":"Pick A.","answer":"A"}',
      '{"question":"<image>of what?","answer":"A"}',
    ].join("\n"),
  );
  const server = await stubServer(says("<answer>\\boxed{A}</answer>"));
  try {
    const out = join(root, "run");
    const args = ["--tasks", file, "--engine", server.baseUrl, "--model", "a", "--out", out];
    const { code, stderr } = await runEvalCommand(root, args);
    assert.equal(code, 0, stderr);
    const report = JSON.parse(readFileSync(join(out, "report.json"), "utf8")) as Report;
    // Two of eight are right, one is wrong, five cannot be read.
    assert.deepEqual([report.headline.value, report.headline.count], [0.25, 8]);
    assert.deepEqual([report.items.asked, report.items.available], [8, 8]);
    assert.equal(report.stages["unreadable"], 5);
    const lines = readFileSync(join(out, "items.jsonl"), "utf8").trim().split("\n");
    const records = lines.map((line) => JSON.parse(line) as { position: number; stage: string });
    const lost = records.filter(({ stage }) => stage === "unreadable").map(({ position }) => position);
    assert.deepEqual(lost.sort(), [2, 3, 4, 5, 7]);
    assert.match(lines.join("\n"), /row 3 at byte \d+: has 'g'/);
    assert.equal(
      stderr.match(/--tasks: 5 of 8 rows cannot be asked and count as wrong; /g)?.length,
      1,
      stderr,
    );
    assert.doesNotMatch(stderr, /heldOut/);
  } finally {
    await server.close();
  }
});

test(
  "data or a run where programs can read them are refused before a folder is made",
  { skip: linuxOnly },
  async () => {
    const packages = realpathSync(fileURLToPath(new URL("../../.venv/lib", import.meta.url)));
    const file = join(root, "one.jsonl");
    writeFileSync(file, '{"question":"Q","answer":"A"}\n');
    const out = join(packages, "a-run");
    const args = ["--tasks", file, "--engine", "http://127.0.0.1:9/v1", "--model", "a", "--out", out];
    const { code, stderr } = await runEvalCommand(root, args);
    assert.deepEqual([code, existsSync(out)], [2, false]);
    assert.match(stderr, /--out: ".*a-run" lies in .*\/lib, which the model's programs may read/);
  },
);

test("each place is refused by its option; a Jupyter server sees other files", async () => {
  const shown = join(root, "shown");
  const check = (tasks: object, out?: string) =>
    checkHidden(parseConfig(JSON.stringify({ tasks }), "t"), out, [shown]);
  const bench = (path: string) => ({ type: "benchmark", name: "vstar", path });
  const own = (path: string) => ({ type: "file", path, heldOut: path });
  for (const [tasks, out, option] of [
    [bench(join(shown, "vstar")), undefined, "--data"],
    [own(join(shown, "q.jsonl")), undefined, "--tasks"],
    [bench(join(root, "vstar")), join(shown, "run"), "--out"],
  ] as const)
    await assert.rejects(
      check(tasks, out),
      (error) =>
        error instanceof ConfigError &&
        error.message.startsWith(`${option}: "${shown}/`) &&
        error.message.includes(`lies in ${shown}, which the model's programs may read`),
      option,
    );
  await check(bench(join(root, "vstar")), join(root, "run"));
  const { tasks, python } = parseConfig(JSON.stringify({ tasks: bench("/usr/share/vstar") }), "t");
  const remote = { ...python, runtime: { type: "jupyter" } } as unknown as typeof python;
  await checkHidden({ tasks, python: remote }, undefined);
  if (linuxOnly === false)
    await assert.rejects(
      checkHidden({ tasks, python }, undefined),
      /^ConfigError: --data: .* lies in \/usr\/share/,
    );
});
