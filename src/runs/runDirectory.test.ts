import assert from "node:assert/strict";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { DataError } from "../core/errors.ts";
import type { RlMetrics } from "../learning/metrics.ts";
import { loadConfig, parseConfig } from "./config.ts";
import { withoutTimings, type MetricsRecord } from "./metrics.ts";
import { createRun, openRun } from "./runDirectory.ts";

const root = mkdtempSync(join(tmpdir(), "pyvision-runs-"));
after(() => rmSync(root, { recursive: true, force: true }));
const config = parseConfig("seed: 7", "mini.yaml");

test("runs are named after the config and numbered, and hold the resolved config", () => {
  const names = [1, 2, 3].map(() => createRun(config, { root: join(root, "numbered") }).name);
  assert.deepEqual(names, ["mini", "mini-2", "mini-3"]);
  assert.equal(createRun(config, { root: join(root, "numbered"), name: "mini-sft" }).name, "mini-sft");
  assert.deepEqual(loadConfig(join(root, "numbered/mini-2/config.yaml")), config);
});

test("a directory that holds something is refused, and only a run is ever replaced", () => {
  const dir = join(root, "given");
  createRun(config, { dir }).writeSummary({ accuracy: 1 });
  assert.throws(() => createRun(config, { dir }), {
    name: "ConfigError",
    message: `--run ${dir}: already holds a run; name another directory, or give --overwrite to replace it`,
  });
  const replaced = createRun(config, { dir, overwrite: true });
  assert.equal(replaced.readSummary(), undefined);
  assert.deepEqual(readdirSync(dir).sort(), ["checkpoints", "config.yaml"]);

  const mine = join(root, "mine");
  mkdirSync(mine);
  writeFileSync(join(mine, "thesis.txt"), "years of work");
  assert.throws(() => createRun(config, { dir: mine }), /already holds files \(thesis\.txt\); name an empty/);
  assert.throws(() => createRun(config, { dir: mine, overwrite: true }), /--overwrite replaces runs only/);
  assert.equal(readFileSync(join(mine, "thesis.txt"), "utf8"), "years of work");
});

test("metrics are lines with step first, names in order, timings last", () => {
  const run = createRun(config, { dir: join(root, "metrics") });
  const fromTheLoop: RlMetrics = { "time/step_s": 1.5, "reward/mean": 0.5 };
  run.appendMetrics({ ...fromTheLoop, stage: "train", step: 1, "accuracy/mean": 1 / 3 });
  run.appendMetrics({ step: 2, "train/loss": NaN });
  assert.equal(
    readFileSync(run.filePath("metrics.jsonl"), "utf8"),
    '{"step":1,"accuracy/mean":0.3333333333333333,"reward/mean":0.5,"stage":"train","time/step_s":1.5}\n' +
      '{"step":2,"train/loss":null}\n',
  );
  const records: MetricsRecord[] = [
    { step: 1, "accuracy/mean": 1 / 3, "reward/mean": 0.5, stage: "train", "time/step_s": 1.5 },
    { step: 2, "train/loss": NaN },
  ];
  assert.deepEqual(run.readMetrics(), records);
  assert.deepEqual(withoutTimings(records[0] as MetricsRecord), {
    step: 1,
    "accuracy/mean": 1 / 3,
    "reward/mean": 0.5,
    stage: "train",
  });
});

test("a last line that was cut off is left out, a damaged line before it is an error", () => {
  const run = createRun(config, { dir: join(root, "torn") });
  assert.deepEqual(run.readMetrics(), []);
  run.appendMetrics({ step: 1 });
  appendFileSync(run.filePath("metrics.jsonl"), '{"step":2,"rew');
  assert.deepEqual(run.readMetrics(), [{ step: 1 }]);
  appendFileSync(run.filePath("metrics.jsonl"), "\n");
  assert.throws(
    () => run.readMetrics(),
    (error) => error instanceof DataError && /metrics\.jsonl line 2: /.test(error.message),
  );
});

test("summary and files are replaced whole and leave nothing beside them", () => {
  const run = createRun(config, { dir: join(root, "summary") });
  run.writeSummary({ b: 1, a: [2] });
  run.writeSummary({ b: 2, a: [3] });
  run.writeFile("curves.svg", "<svg/>");
  assert.equal(readFileSync(run.filePath("summary.json"), "utf8"), '{\n  "b": 2,\n  "a": [\n    3\n  ]\n}\n');
  assert.deepEqual(readdirSync(run.path).sort(), [
    "checkpoints",
    "config.yaml",
    "curves.svg",
    "summary.json",
  ]);
  assert.throws(() => run.writeFile("checkpoints", "x"));
  assert.deepEqual(
    readdirSync(run.path).filter((name) => name.endsWith(".tmp")),
    [],
  );
});

test("cut back to a step: later records and trajectories, evaluations and half-written files go, all else stays", () => {
  const run = createRun(config, { dir: join(root, "cut") });
  for (const step of [1, 2, 3]) run.appendMetrics({ step });
  appendFileSync(run.filePath("metrics.jsonl"), '{"step":2,"tor');
  writeFileSync(
    run.filePath("strategy.jsonl"),
    [1, 2, 3].map((step) => `{"version":1,"step":${step},"x":0}\n`).join(""),
  );
  const { path } = run.trajectories;
  mkdirSync(join(path, "images"), { recursive: true });
  const kept = ["demonstrations-000000.jsonl", "images", "train-000001.jsonl", "train-000002.jsonl"];
  const gone = [
    "evaluation-000000.jsonl",
    "train-000003.jsonl",
    "train-1000000.jsonl",
    "train-000002.jsonl.7.tmp",
  ];
  for (const name of [...kept, ...gone]) if (name !== "images") writeFileSync(join(path, name), "");
  for (const name of ["a.png", "b.png.7.tmp"]) writeFileSync(join(path, "images", name), "");
  writeFileSync(run.filePath("summary.json.7.tmp"), "{");
  run.cutBack(2);
  assert.deepEqual(run.readMetrics(), [{ step: 1 }, { step: 2 }]);
  assert.match(
    readFileSync(run.filePath("strategy.jsonl"), "utf8"),
    /^[^\n]*"step":1,[^\n]*\n[^\n]*"step":2,[^\n]*\n$/,
  );
  assert.deepEqual(readdirSync(path).sort(), kept);
  assert.deepEqual(readdirSync(join(path, "images")), ["a.png"]);
  assert.deepEqual(readdirSync(run.path).sort(), ["checkpoints", "config.yaml", "metrics.jsonl", "strategy.jsonl", "trajectories"]); // prettier-ignore
  run.cutBack(-1);
  assert.deepEqual(run.readMetrics(), []);
  assert.deepEqual(readdirSync(path), ["images"]);
});

test("an existing run is opened, another folder is not", () => {
  const run = createRun(config, { dir: join(root, "open") });
  run.appendMetrics({ step: 1 });
  const again = openRun(join(root, "open"));
  assert.deepEqual(again.readMetrics(), [{ step: 1 }]);
  assert.equal(again.checkpointPath("step-000010"), join(root, "open/checkpoints/step-000010"));
  assert.ok(!existsSync(again.checkpointPath("step-000010")));
  assert.throws(() => openRun(root), { name: "ConfigError", message: /holds no run/ });
});
