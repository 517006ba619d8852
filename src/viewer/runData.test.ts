import assert from "node:assert/strict";
import {
  appendFileSync,
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
import { truncateStrategy } from "../runs/strategyLog.ts";
import type { RunOverview } from "./protocol.ts";
import { openRunData, type RunData } from "./runData.ts";
import { decodeTables, joinTables, type SetTable } from "./tableCodec.ts";
import { startTestRun } from "./testRun.ts";

const root = mkdtempSync(join(tmpdir(), "pyvision-run-data-"));
after(() => rmSync(root, { recursive: true, force: true }));
const small = { groups: 4, members: 3, stored: 6 };

const opened = (dir: string, now?: () => number): RunData => {
  const run = openRunData(dir, "run", now);
  run.update();
  return run;
};
const tableOf = (run: RunData, set: string): SetTable =>
  decodeTables(joinTables([run.table(set)]).buffer as ArrayBuffer)[0] as SetTable;
const setsOf = ({ sets }: RunOverview): unknown[] =>
  sets.map((set) => [set.name, set.trajectories, set.stored]);

test("a run is read as it grows: only what is new is given", async () => {
  const dir = join(root, "grows");
  const writer = startTestRun(dir, small);
  const run = opened(dir);
  assert.deepEqual(run.overview().metrics.steps, []);
  assert.equal(run.overview().state, "running");
  await writer.step();
  await writer.step();
  assert.equal(run.update(), true);
  assert.equal(run.update(), false);
  assert.deepEqual(setsOf(run.overview()), [
    ["train-000001", 12, 6],
    ["train-000002", 12, 6],
  ]);
  await writer.step();
  run.update();
  const news = run.overview(2, 2);
  assert.deepEqual(news.metrics.steps, [3]);
  assert.deepEqual(setsOf(news), [["train-000003", 12, 6]]);
  assert.equal(news.generation, run.overview().generation);
  writer.evaluation(3, 5);
  writer.finish();
  run.update();
  assert.deepEqual(setsOf(run.overview(3, 3)), [["evaluation-000003", 5, 5]]);
  assert.equal(run.overview().state, "finished");
});

test("the table of a step says what the log says, and what is stored is there in full", async () => {
  const dir = join(root, "table");
  const writer = startTestRun(dir, small);
  await writer.step();
  const run = opened(dir);
  const table = tableOf(run, "train-000001");
  assert.equal(table.length, 12);
  assert.equal(table.stored, 6);
  const strategy = JSON.parse(readFileSync(join(dir, "strategy.jsonl"), "utf8")) as {
    readonly groups: readonly { readonly task: string; readonly reward: readonly number[] }[];
  };
  assert.deepEqual(
    table.groups.map(({ task }) => task),
    strategy.groups.map(({ task }) => task),
  );
  const rewards = strategy.groups.flatMap(({ reward }) => reward);
  assert.deepEqual([...table.reward], [...Float32Array.from(rewards)]);
  for (const index of [0, 5]) {
    const trajectory = run.trajectory("train-000001", index);
    assert.equal(trajectory.reward?.total.toFixed(4), table.reward[index]?.toFixed(4));
    assert.equal(trajectory.taskId, table.groups[Math.floor(index / 3)]?.task);
  }
  assert.throws(() => run.trajectory("train-000001", 6), /holds 6 trajectories, none at 6/);
});

test("a run without a strategy log is known by what it stored", async () => {
  const dir = join(root, "old");
  await startTestRun(dir, small).step();
  rmSync(join(dir, "strategy.jsonl"));
  const run = opened(dir);
  assert.deepEqual(setsOf(run.overview()), [["train-000001", 6, 6]]);
  assert.match(run.overview().absent.strategy ?? "", /no strategy\.jsonl/);
  const table = tableOf(run, "train-000001");
  assert.deepEqual([table.groups.length, table.fates, table.groups[0]?.spread], [2, [""], null]);
  assert.ok([...table.advantage].every(Number.isNaN), "what is not known is not made up");
});

test("a run that stores no trajectories says which key decides", async () => {
  const dir = join(root, "none-stored");
  await startTestRun(dir, { ...small, stored: 0 }).step();
  const { absent } = opened(dir).overview();
  assert.match(absent.trajectories ?? "", /logging\.trajectoriesPerStep is 0/);
  assert.equal(absent.strategy, undefined);
});

test("damaged files cost what they hold, and are named", async () => {
  const dir = join(root, "damaged");
  const writer = startTestRun(dir, small);
  for (let i = 0; i < 3; i++) await writer.step();
  const edit = (name: string, change: (lines: string[]) => void): void => {
    const lines = readFileSync(join(dir, name), "utf8").split("\n");
    change(lines);
    writeFileSync(join(dir, name), lines.join("\n"));
  };
  edit("metrics.jsonl", (lines) => (lines[1] = '{"step":'));
  edit("strategy.jsonl", (lines) => {
    lines[0] = "garbage";
    lines[2] = (lines[2] ?? "").slice(0, -40);
  });
  edit(
    "trajectories/train-000002.jsonl",
    (lines) => (lines[1] = lines[1]?.replace('"turns"', '"tums"') ?? ""),
  );
  writeFileSync(join(dir, "config.yaml"), "a: [1\n");
  const run = opened(dir);
  assert.deepEqual(run.overview().metrics.steps, [1, 3]);
  assert.equal(tableOf(run, "train-000003").length, 0);
  assert.equal(tableOf(run, "train-000002").length, 12);
  assert.equal(run.trajectory("train-000002", 0).member, 0);
  assert.throws(
    () => run.trajectory("train-000002", 1),
    (error) => error instanceof DataError && /line 2 cannot be shown/.test(error.message),
  );
  // The step whose line is garbage is still known by what was stored of it.
  assert.equal(tableOf(run, "train-000001").length, 6);
  const problems = run.overview().problems.map(({ file, message }) => `${file}: ${message}`);
  assert.deepEqual(
    problems.map((text) => text.slice(0, 44)),
    [
      "config.yaml: is not YAML, so settings are no",
      "metrics.jsonl: line 2 is not a record with a",
      "strategy.jsonl: line 1 is not a record of a ",
      "strategy.jsonl: line 3 is damaged, so the gr",
    ],
  );
});

test("a cut last line is a write under way, not damage", async () => {
  const dir = join(root, "cut");
  await startTestRun(dir, small).step();
  appendFileSync(join(dir, "metrics.jsonl"), '{"step":2,"accuracy/me');
  appendFileSync(join(dir, "strategy.jsonl"), '{"version":1,"step":2,"rec');
  const { metrics, sets, problems } = opened(dir).overview();
  assert.deepEqual([metrics.steps, sets.length, problems], [[1], 1, []]);
});

test("a run that was resumed from an earlier step shows its later account of it", async () => {
  const dir = join(root, "resumed");
  const writer = startTestRun(dir, small);
  for (let i = 0; i < 3; i++) await writer.step();
  const run = opened(dir);
  const before = run.overview().generation;
  appendFileSync(join(dir, "metrics.jsonl"), '{"step":2,"accuracy/mean":0.125}\n');
  run.update();
  assert.deepEqual(run.overview().metrics.steps, [1, 2]);
  assert.equal(run.overview().metrics.columns["accuracy/mean"]?.[1], 0.125);
  truncateStrategy(join(dir, "strategy.jsonl"), 1);
  rmSync(join(dir, "trajectories", "train-000002.jsonl"));
  rmSync(join(dir, "trajectories", "train-000003.jsonl"));
  run.update();
  assert.deepEqual(setsOf(run.overview()), [["train-000001", 12, 6]]);
  assert.notEqual(run.overview().generation, before, "a page that has the old steps must start over");
});

test("quiet for two minutes without a summary is stopped", async () => {
  const dir = join(root, "quiet");
  await startTestRun(dir, small).step();
  let clock = Date.now();
  const run = opened(dir, () => clock);
  assert.equal(run.listing().state, "running");
  clock += 121_000;
  assert.equal(run.listing().state, "stopped");
});

test("falling tool use is flagged with the run", async () => {
  const dir = join(root, "collapse");
  const writer = startTestRun(dir, {
    groups: 6,
    members: 4,
    stored: 0,
    callsAt: (step) => (step < 8 ? 2 : -1),
  });
  for (let i = 0; i < 14; i++) await writer.step();
  const { alarm } = opened(dir).overview();
  assert.equal(alarm?.type, "collapsed");
  assert.ok((alarm?.peak ?? 0) > 1);
});

test("names from outside never become paths", async () => {
  const dir = join(root, "names");
  await startTestRun(dir, small).step();
  mkdirSync(join(root, "names-secret"));
  writeFileSync(join(root, "names-secret", "x.jsonl"), "{}\n");
  writeFileSync(join(dir, "x.png"), "secret");
  const run = opened(dir);
  for (const name of ["../../names-secret/x", "..", "", "a/b", "train-000001.jsonl\0"])
    assert.throws(() => run.trajectory(name, 0), DataError, name);
  for (const hash of ["../../x", "..", "", "A".repeat(32), `${"a".repeat(32)}\0`])
    assert.throws(() => run.imagePath(hash), DataError);
  const [picture = ""] = readdirSync(join(dir, "trajectories", "images"));
  assert.match(run.imagePath(picture.replace(".png", "")), /images\/[0-9a-f]{32}\.png$/);
});

test("tokens are shown as ids when no tokenizer is near, as text with the run's own", async () => {
  const dir = join(root, "tokens");
  await startTestRun(dir, small).step();
  const ids = await opened(dir).tokens("train-000001", 0);
  assert.deepEqual(ids.segments.slice(0, 3), [["1", "2", "3"], [], ["10", "11", "12", "13"]]);
  assert.equal(ids.tokenizer, undefined);
  writeFileSync(join(dir, "config.yaml"), "model:\n  init: checkpoints/image-mini/sft\n");
  const texts = await opened(dir).tokens("train-000001", 0);
  assert.equal(texts.tokenizer, "sft");
  // Ids 10 to 13 of a byte-level vocabulary are the printable bytes from "!" on: "+", ",", "-", ".".
  assert.deepEqual(texts.segments[2], ["+", ",", "-", "."]);
});
