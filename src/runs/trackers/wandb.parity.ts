// A run that is interrupted and resumed, told to the real W&B client in its offline mode, and what it wrote read back. What needs
// W&B's server (uploading, resuming there) is not tested: docs/trackers.md.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { decode } from "fast-png";
import { metricsAt, picture, sampleRun } from "./sampleRun.ts";
import { readWithPython, trackersPython } from "./trackersPython.ts";

type Row = Readonly<Record<string, unknown>>;
interface FoundRun {
  readonly folder: string;
  readonly id: string;
  readonly name: string;
  readonly project: string;
  readonly job: string;
  readonly tags: readonly string[];
  readonly config: Readonly<Record<string, unknown>>;
  readonly history: readonly Row[];
  readonly exit: number | null;
  readonly media: readonly string[];
}

const python = await trackersPython();
const { run, warnings, take } = sampleRun(
  `{ type: wandb, mode: offline, project: tests, group: seeds, python: "${python}", images: 2 }`,
);
const failed = await take(1, 5, "failed");
const report = await take(4, 7, "finished");
const runs = (await readWithPython(python, "readWandb.py", [run.path])) as FoundRun[];
const [before, after] = runs;
const rows = runs.flatMap(({ history }) => history);

/** What a row says of an image or a histogram: `name.key` for each of its keys. */
function mediaOf(row: Row | undefined, name: string): Row {
  const own = Object.entries(row ?? {}).filter(([key]) => key.startsWith(`${name}.`));
  return Object.fromEntries(own.map(([key, value]) => [key.slice(name.length + 1), value]));
}

test("nothing was refused or lost, and the place to look at is the command that uploads it", () => {
  assert.deepEqual(warnings, []);
  assert.deepEqual([failed?.dropped, failed?.failures, report?.dropped, report?.failures], [0, 0, 0, 0]);
  assert.equal(report?.where, `wandb sync ${join(run.path, "wandb", after?.folder ?? "")}`);
});

test("both folders are of one run, with its name, tags and config, and with how each part ended", () => {
  assert.equal(runs.length, 2);
  assert.equal(before?.id, after?.id);
  for (const { folder, name, project, job, tags, config: values } of runs) {
    assert.match(folder, /^offline-run-/);
    assert.deepEqual([name, project, job, tags], ["parity", "tests", "train", ["small", "red"]]);
    assert.deepEqual([values["seed"], values["train.steps"], values["selection.dropBroken"]], [3, 700, true]);
  }
  assert.deepEqual([before?.exit, after?.exit], [1, 0]);
});

test("metrics: every step once over both folders, although two steps were taken twice", () => {
  const steps = [1, 2, 3, 4, 5, 6, 7];
  assert.deepEqual(
    rows.map((row) => row["_step"]),
    steps,
  );
  for (const name of ["reward/mean", "train/loss", "time/step_s", "end/answered"])
    assert.deepEqual(
      rows.map((row) => row[name]),
      steps.map((step) => metricsAt(step)[name]),
      name,
    );
  assert.deepEqual(
    before?.history.map((row) => row["train/entropy"]),
    [1, null, 3, 4, 5],
  );
});

test("histograms: W&B's own kind, with the counts", () => {
  const { _type, values, bins } = mediaOf(rows[0], "histogram/response_tokens");
  assert.deepEqual([_type, values, bins], ["histogram", [4, 0, 1], [2, 2.5, 3.5, 4]]);
});

test("images: the pixels that the model saw, with a caption; texts as pages", () => {
  const image = mediaOf(after?.history.at(-1), "trajectory/image_2");
  assert.deepEqual(
    [image["_type"], image["width"], image["height"], image["caption"]],
    ["image-file", 56, 28, "first: shown by the model's program, 56 × 28 pixels, 2 tokens"],
  );
  const file = join(run.path, "wandb", after?.folder ?? "", "files", String(image["path"]));
  assert.deepEqual([...decode(readFileSync(file)).data], [...picture(7, 1).pixels.data]);
  assert.equal(runs.flatMap(({ media }) => media.filter((path) => path.endsWith(".png"))).length, 14);
  assert.equal(runs.flatMap(({ media }) => media.filter((path) => path.endsWith(".html"))).length, 7);
});
