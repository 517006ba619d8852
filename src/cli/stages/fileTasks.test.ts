// `tasks.type: file` as stages meet it.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import { encode } from "fast-png";
import { byteCodec } from "../../agent/scriptedFakes.ts";
import { loadTemplate } from "../../agent/template.ts";
import { ConfigError, DataError } from "../../core/errors.ts";
import { randomStream } from "../../core/random.ts";
import { type Reporter, silentReporter } from "../../core/reporter.ts";
import { parseConfig } from "../../runs/config.ts";
import { taskOrder } from "../../learning/taskOrder.ts";
import { type TaskWorld, taskWorldOf } from "./taskWorld.ts";

const folder = mkdtempSync(join(tmpdir(), "file-tasks-"));
after(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(
  join(folder, "a.png"),
  encode({ width: 3, height: 2, data: new Uint8Array(18), channels: 3, depth: 8 }),
);
function dataFile(name: string, count: number, more: object = {}): string {
  const path = join(folder, name);
  const rows = Array.from({ length: count }, (_, id) => ({
    id,
    question: `Q${id}`,
    answer: "4",
    data_source: "vsi_numerical",
    image_path: "a.png",
    ...more,
  }));
  writeFileSync(path, JSON.stringify(rows));
  return path;
}
const path = dataFile("train.json", 50);

const warnings: string[] = [];
const reporter: Reporter = { ...silentReporter, warn: (text) => warnings.push(text) };
const open = (tasks: object): TaskWorld =>
  taskWorldOf(parseConfig(JSON.stringify({ tasks: { type: "file", ...tasks } }), "file.yaml"), reporter);

test("splits of one file; the order of training is endless and sees every row each epoch", () => {
  const world = open({ path, split: { validation: 0.1, test: 0.2 } });
  const sizes = (["train", "validation", "test"] as const).map((split) => world.tasks(split).size);
  assert.deepEqual(sizes, [35, 5, 10]);
  const train = world.tasks("train");
  assert.equal(train.name, "train-train");
  const order = taskOrder(train, 0);
  for (const epoch of [0, 1])
    assert.equal(new Set(Array.from({ length: 35 }, (_, i) => order(35 * epoch + i).id)).size, 35);
  assert.deepEqual([train.at(0).images[0]?.width, train.at(0).kind], [3, "vsi_numerical"]);
  world.close();
  assert.deepEqual(warnings, []);
});

test("a held-out file takes the place of shares; several files are one set", () => {
  const held = dataFile("held.json", 3);
  const world = open({ path: [path, held], heldOut: held });
  assert.deepEqual(
    [world.tasks("train").size, world.tasks("test").size, world.tasks("validation").size],
    [53, 3, 3],
  );
  const test_ = world.tasks("test");
  assert.deepEqual([0, 1, 2].map((i) => test_.at(i).id).sort(), [
    "vsi_numerical/0#0",
    "vsi_numerical/1#1",
    "vsi_numerical/2#2",
  ]);
  world.close();
});

test("rows that are left out are told of once", () => {
  writeFileSync(
    join(folder, "some.json"),
    JSON.stringify([
      { question: "Q", answer: "", image_path: "a.png" },
      { question: "Q", answer: "1", image_path: "a.png" },
    ]),
  );
  const world = open({ path: join(folder, "some.json"), split: { validation: 0, test: 0 } });
  assert.equal(world.tasks("train").size, 1);
  assert.equal(world.tasks("train").at(0).kind, "some");
  assert.throws(
    () => world.tasks("test"),
    (error) => error instanceof ConfigError && /leaves test no row of 1/.test(error.message),
  );
  assert.deepEqual(
    warnings.map((text) => text.replaceAll(folder, "DIR")),
    [
      'tasks.path: 1 of 2 rows are left out; DIR/some.json: row 0 at byte 1: answer must be the right answer, got "". ' +
        "List all with: pyvision data check",
    ],
  );
  world.close();
});

test("eval --tasks: every row is an item in the file's order, and broken ones are told of once by that option", () => {
  const own = join(folder, "own.json");
  const rows = [
    { question: "Q0", answer: "A" },
    { question: "Q1", answer: "" },
    { question: "Q2", answer: "A", image_path: "a.png" },
  ];
  writeFileSync(own, JSON.stringify(rows));
  const before = warnings.length;
  for (const media of ["shown", "none"]) {
    const world = open({ path: own, heldOut: own, brokenRows: "counted", media });
    const source = world.tasks("test");
    assert.deepEqual([source.name, source.size], ["own", 3]);
    assert.deepEqual([source.at(0).question, source.at(2).question], ["Q0", "Q2"]);
    assert.equal(source.at(2).images.length, media === "none" ? 0 : 1);
    assert.throws(
      () => source.at(1),
      (error) =>
        error instanceof DataError && /own\.json: row 1 at byte \d+: answer must be/.test(error.message),
    );
    world.close();
  }
  assert.deepEqual(
    warnings.slice(before).map((text) => text.replaceAll(folder, "DIR").replace(/byte \d+/, "byte N")),
    [
      "--tasks: 1 of 3 rows cannot be asked and count as wrong; DIR/own.json: row 1 at byte N: answer must be the right answer, " +
        'got "". List all with: pyvision data check',
    ],
  );
  // Training goes without it.
  const world = open({ path: own, heldOut: own, brokenRows: "counted" });
  assert.equal(world.tasks("train").size, 1);
  world.close();
});

test("files have no corpus, no sequences to pretrain on and no scripted teacher, and say what to do", () => {
  const world = open({ path });
  const template = loadTemplate("mini");
  const random = randomStream(0);
  for (const [use, remedy] of [
    [() => world.corpus(template, 1), /tasks\.type=world/],
    [() => world.pretrainSegments(template, byteCodec, random), /tasks\.type=world/],
    [
      () =>
        world.teacher({ codec: byteCodec, taskOf: () => world.tasks("train").at(0), randomOf: () => random }),
      /sft\.data/,
    ],
  ] as const)
    assert.throws(use, (error) => error instanceof ConfigError && remedy.test(error.message));
});

test("a config that names no file, or shares above 1, is refused by key", () => {
  for (const [tasks, why] of [
    [{}, /tasks\.path/],
    [{ path: [] }, /tasks\.path/],
    [
      { path, split: { validation: 0.5, test: 0.5 } },
      /tasks\.split must leave rows to train on: below 1 together/,
    ],
    [{ path, kind: "source" }, /tasks\.kind/],
  ] as const)
    assert.throws(
      () => open(tasks),
      (error) => error instanceof ConfigError && why.test(error.message),
      basename(path),
    );
  assert.throws(
    () => open({ path: join(folder, "none.json") }).tasks("train"),
    /tasks\.path: .*does not exist/,
  );
});
