// Event files of a run that was interrupted, damaged and resumed, read back by the real TensorBoard: by its event accumulator and,
// over HTTP, by both of its servers' loaders.
import assert from "node:assert/strict";
import { appendFileSync, readdirSync, readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { silentReporter } from "../../core/reporter.ts";
import { createRun } from "../runDirectory.ts";
import { drawnAt, metricsAt, picture, pictureBytes } from "./sampleRun.ts";
import { temporaryFolder, testConfig } from "./testSupport.ts";
import { openTrackers, type Trackers } from "./trackers.ts";
import { readWithPython, trackersPython } from "./trackersPython.ts";

type Rows = readonly (readonly [step: number, ...rest: unknown[]])[];
interface Served {
  readonly scalars: Readonly<Record<string, Rows>>;
  readonly images: Readonly<Record<string, number>>;
  readonly histograms: Readonly<Record<string, Rows>>;
  readonly texts: Readonly<Record<string, readonly number[]>>;
  readonly hparams: readonly string[];
  readonly values: Readonly<Record<string, unknown>>;
  readonly status: readonly string[];
}
interface Found {
  readonly python: {
    readonly scalars: Readonly<Record<string, Rows>>;
    readonly images: Readonly<Record<string, { readonly description: string; readonly values: Rows }>>;
    readonly histograms: Readonly<Record<string, readonly (readonly [number, number[][]])[]>>;
    readonly texts: Readonly<Record<string, readonly (readonly [number, string[]])[]>>;
  };
  readonly server: Readonly<Record<"false" | "true", Served>>;
}

/** Longer than any disk takes: what is asserted is what arrives, not when. */
const FINISH_MS = 300_000;

const python = await trackersPython();
const root = temporaryFolder();
const config = testConfig(
  "name: parity\nseed: 3\nlogging: { tags: [small], trackers: [{ type: tensorboard, images: 3 }] }",
);
const run = createRun(config, { root });
const folder = run.filePath("tensorboard");
const take = (trackers: Trackers, step: number): void => {
  run.appendMetrics(metricsAt(step));
  trackers.metrics(metricsAt(step));
  trackers.rlStep(step, drawnAt(step));
};

// A run of five steps that fails; its file is cut in the middle of the last event, and a bit of the next file never came.
const first = openTrackers(config, run, silentReporter, { stage: "train", finishMs: FINISH_MS });
for (let step = 1; step <= 5; step++) take(first, step);
await first.finish("failed");
const [name] = readdirSync(folder);
assert.ok(name !== undefined);
const path = join(folder, name);
truncateSync(path, readFileSync(path).length - 30);
appendFileSync(path, "what is left of a block of another file");
// It goes on after step 3 and takes other numbers than before: none of the old ones may be seen again.
const lines = readFileSync(run.filePath("metrics.jsonl"), "utf8").split("\n").slice(0, 3);
run.writeFile("metrics.jsonl", `${lines.join("\n")}\n`);
const second = openTrackers(config, run, silentReporter, {
  stage: "train",
  resumeFrom: 3,
  finishMs: FINISH_MS,
});
for (let step = 4; step <= 6; step++) take(second, step);
const [report] = await second.finish("finished");

const found = (await readWithPython(python, "readTensorboard.py", [root, "parity/tensorboard"])) as Found;
const loaders = Object.entries(found.server);
const steps = [1, 2, 3, 4, 5, 6];

test("nothing was lost, and the place to look at is a command", () => {
  assert.deepEqual([report?.dropped, report?.failures], [0, 0]);
  assert.match(report?.where ?? "", /^tensorboard --logdir \S+tensorboard$/);
});

test("scalars: every metric, every step once, with its value", () => {
  const names = ["end/answered", "reward/mean", "time/step_s", "train/loss"];
  assert.deepEqual(Object.keys(found.python.scalars).sort(), names);
  for (const metric of names) {
    const wanted = steps.map((step) => [step, metricsAt(step)[metric]]);
    assert.deepEqual(
      found.python.scalars[metric]?.map(([step, , value]) => [step, value]),
      wanted,
      `${metric}, accumulator`,
    );
    for (const [fast, { scalars }] of loaders)
      assert.deepEqual(scalars[metric], wanted, `${metric}, load_fast ${fast}`);
  }
});

test("scalars: their times are the times of writing", () => {
  const now = Date.now() / 1000;
  for (const [, time] of found.python.scalars["train/loss"] ?? [])
    assert.ok(typeof time === "number" && now - time >= 0 && now - time < 3600, `${String(time)} at ${now}`);
});

test("images: the pixels that the model saw, at their size, with a caption", () => {
  assert.deepEqual(
    Object.keys(found.python.images).sort(),
    [1, 2, 3].map((n) => `trajectory/image_${n}`),
  );
  for (const place of [0, 1, 2]) {
    const tag = `trajectory/image_${place + 1}`;
    const image = found.python.images[tag];
    const wanted = steps.map((step) => {
      const bytes = Buffer.from(pictureBytes(picture(step, place))).toString("base64");
      return [step, 28 * (place + 1), 28, bytes];
    });
    assert.deepEqual(image?.values, wanted, tag);
    const whence = place === 0 ? "in the prompt" : "shown by the model's program";
    assert.equal(
      image?.description,
      `first: ${whence}, ${28 * (place + 1)} × 28 pixels, ${place + 1} tokens`,
    );
    for (const [, { images }] of loaders) assert.equal(images[tag], 6);
  }
});

test("histograms: borders and counts of what the step's trajectories came to", () => {
  // Rewards of the four judged: 1 + 2 · 0.1, 0, 1 + 0.1 and 0; sampled tokens: 4 and four times 2.
  const rewards = found.python.histograms["histogram/reward"];
  assert.deepEqual(
    rewards?.map(([step]) => step),
    steps,
  );
  const [, buckets = []] = rewards?.[0] ?? [];
  const close = (got: number | undefined, wanted: number): void =>
    assert.ok(Math.abs((got ?? NaN) - wanted) < 1e-6);
  assert.deepEqual(
    buckets.filter(([, , n]) => n !== 0).map(([, , n]) => n),
    [2, 1, 1],
  );
  close(buckets[0]?.[0], 0);
  close(buckets.at(-1)?.[1], 1.2);
  assert.deepEqual(found.python.histograms["histogram/response_tokens"]?.[0], [
    1,
    [
      [2, 2.5, 4],
      [2.5, 3.5, 0],
      [3.5, 4, 1],
    ],
  ]);
  // Tool calls: 2, 0, 0, 1 and step modulo 4.
  const calls = found.python.histograms["histogram/tool_calls"]?.[2]?.[1];
  assert.deepEqual(
    calls?.map(([, , n]) => n),
    [2, 1, 1, 1],
  );
  for (const [fast, { histograms }] of loaders)
    for (const [tag, count] of [
      ["histogram/reward", 4],
      ["histogram/advantage", 4],
      ["histogram/response_tokens", 5],
      ["histogram/sampled_logprob", 5],
      ["histogram/tool_calls", 5],
    ] as const)
      assert.deepEqual(
        histograms[tag],
        steps.map((step) => [step, count]),
        `${tag}, load_fast ${fast}`,
      );
});

test("texts: the config once, and a trajectory a step", () => {
  const { texts } = found.python;
  assert.deepEqual(Object.keys(texts).sort(), ["config", "trajectory/text"]);
  const [, [markdown = ""] = []] = texts["config"]?.[0] ?? [];
  assert.match(markdown, /\| seed \| 3 \|/);
  assert.match(markdown, /\*\*parity\*\*, stage `train`\n\nTags: small/);
  assert.deepEqual(
    texts["trajectory/text"]?.map(([step]) => step),
    steps,
  );
  assert.match(
    texts["trajectory/text"]?.[0]?.[1][0] ?? "",
    /^\*\*first\*\*, member 0: right, reward 1\.2, ended as answered/,
  );
  for (const [, served] of loaders) assert.deepEqual(served.texts, { config: [0], "trajectory/text": steps });
});

test("hyper-parameters: the stage's own, with their values, and how the run ended at last", () => {
  for (const [fast, { hparams, values, status }] of loaders) {
    assert.ok(
      hparams.includes("train.steps") && hparams.includes("seed"),
      `load_fast ${fast}: ${hparams.join(" ")}`,
    );
    assert.ok(!hparams.some((key) => key.startsWith("pretrain.")));
    assert.deepEqual(
      [values["seed"], values["train.steps"], values["advantage.baseline"]],
      [3, 700, "totalReward"],
    );
    assert.equal(values["selection.dropBroken"], true);
    assert.deepEqual(status, ["STATUS_SUCCESS"]);
  }
});
