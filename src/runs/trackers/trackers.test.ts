import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { settled } from "../../core/testTime.ts";
import { silentReporter } from "../../core/reporter.ts";
import { createRun, type RunDirectory } from "../runDirectory.ts";
import { drawnAt, metricsAt } from "./sampleRun.ts";
import { eventFiles } from "./tensorboard/eventFile.ts";
import { readEventHead } from "./tensorboard/event.ts";
import { readRecords } from "./tensorboard/records.ts";
import { temporaryFolder, testClock, testConfig } from "./testSupport.ts";
import { openTrackers, trackerRecord, type OpenTrackersOptions } from "./trackers.ts";

const root = temporaryFolder();
let number = 0;

interface Setting {
  readonly run: RunDirectory;
  readonly told: string[];
  open(options?: Partial<OpenTrackersOptions>): ReturnType<typeof openTrackers>;
}

function setting(trackers: string, name = `run${number++}`): Setting {
  const config = testConfig(`name: ${name}\nlogging: { trackers: [${trackers}] }`);
  const run = createRun(config, { root });
  const told: string[] = [];
  const tell = (text: string): void => void told.push(text);
  const reporter = { ...silentReporter, info: tell, warn: tell };
  return {
    run,
    told,
    // By the real clock the end waits for the real disk, however long that takes.
    open: (options) =>
      openTrackers(config, run, reporter, {
        stage: "train",
        ...(options?.clock === undefined && { finishMs: 300_000 }),
        ...options,
      }),
  };
}

/** Step and first tag of every event with values. */
const events = (dir: string): string[] =>
  eventFiles(dir).flatMap((name) => {
    const { payloads, lostBytes } = readRecords(readFileSync(join(dir, name)));
    assert.equal(lostBytes, 0);
    return payloads
      .map(readEventHead)
      .flatMap(({ step, tag }) => (tag === undefined ? [] : [`${step} ${tag}`]));
  });

test("a run without trackers writes nothing of them and says nothing in its summary", async () => {
  const { run, told, open } = setting("");
  const trackers = open();
  trackers.metrics(metricsAt(1));
  trackers.rlStep(1, drawnAt(1));
  assert.deepEqual(trackerRecord(await trackers.finish("finished")), {});
  assert.deepEqual([told, existsSync(run.filePath("trackers.json"))], [[], false]);
});

test("a run with TensorBoard tells the command, and what it wrote", async () => {
  const { run, told, open } = setting("{ type: tensorboard, images: 1 }");
  const trackers = open();
  trackers.metrics(metricsAt(1));
  trackers.rlStep(1, drawnAt(1));
  const reports = await trackers.finish("finished");
  const where = `tensorboard --logdir ${run.filePath("tensorboard")}`;
  assert.deepEqual(told, [`tensorboard: ${where}`]);
  // Metrics, five histograms, a text, one image.
  assert.deepEqual(reports, [{ type: "tensorboard", where, written: 8, dropped: 0, failures: 0 }]);
  assert.deepEqual(await trackers.finish("failed"), reports);
  assert.deepEqual(events(run.filePath("tensorboard")), [
    "0 config",
    "1 end/answered",
    "1 histogram/reward",
    "1 histogram/advantage",
    "1 histogram/response_tokens",
    "1 histogram/tool_calls",
    "1 histogram/sampled_logprob",
    "1 trajectory/text",
    "1 trajectory/image_1",
    "0 _hparams_/session_end_info",
  ]);
});

test("killed at any moment and resumed: every step once, also those that had not reached the file", async () => {
  const { run, open } = setting("{ type: tensorboard }");
  const first = open();
  for (let step = 1; step <= 3; step++) {
    run.appendMetrics(metricsAt(step));
    first.metrics(metricsAt(step));
  }
  await first.finish("failed");
  const dir = run.filePath("tensorboard");
  const [name = ""] = eventFiles(dir);
  // The kill: of the last events only some bytes reached the disk.
  const bytes = readFileSync(join(dir, name));
  for (const length of [bytes.length - 70, bytes.length - 300, 100, 5, 0]) {
    rmSync(dir, { recursive: true });
    mkdirSync(dir);
    writeFileSync(join(dir, name), bytes.subarray(0, length));
    const again = open({ resumeFrom: 3 });
    again.metrics(metricsAt(4));
    await again.finish("failed");
    const steps = events(dir).filter((event) => event.endsWith("end/answered"));
    assert.deepEqual(
      steps,
      ["1", "2", "3", "4"].map((step) => `${step} end/answered`),
      `${length} bytes left`,
    );
    assert.equal(events(dir).filter((event) => event === "0 config").length, 1, `${length} bytes left`);
  }
});

test("runs that share a log directory get folders of their own, and a resumed one finds its own again", async () => {
  const logs = join(root, "logs");
  const one = setting(`{ type: tensorboard, dir: "${logs}" }`, "same");
  mkdirSync(join(logs, "same"), { recursive: true });
  writeFileSync(join(logs, "same", "events.out.tfevents.1.other.2.0"), "");
  await one.open().finish("failed");
  assert.equal(eventFiles(join(logs, "same-2")).length, 1);
  await one.open({ resumeFrom: 1 }).finish("finished");
  assert.equal(eventFiles(join(logs, "same-2")).length, 2);
  assert.equal(eventFiles(join(logs, "same")).length, 1);
});

test("a folder that cannot be made stops neither the run nor another tracker; when it can, nothing is lost", async () => {
  const { run, told, open } = setting("{ type: tensorboard }");
  const blocked = run.filePath("tensorboard");
  writeFileSync(blocked, "a file where the folder should be");
  const clock = testClock();
  const trackers = open({ clock });
  trackers.metrics(metricsAt(1));
  await clock.advance(3_500);
  assert.match(
    told[0] ?? "",
    /^tensorboard: event files cannot be written: .*EEXIST.*; see that the folder can be written/,
  );
  assert.equal(told.length, 1);
  rmSync(blocked);
  await clock.advance(4_000);
  const memory = run.filePath("trackers.json");
  while (!existsSync(memory) || !readFileSync(memory, "utf8").includes('"lastStep": 1')) await settled();
  const [report] = await trackers.finish("finished");
  assert.deepEqual([report?.written, report?.dropped, (report?.failures ?? 0) >= 3], [1, 0, true]);
});

test("a server that is away for the whole run costs the run seconds at its end, and is in the summary", async () => {
  const { run, told, open } = setting(
    "{ type: mlflow, url: 'http://127.0.0.1:9' }, { type: tensorboard, images: 0 }",
  );
  const clock = testClock();
  const memory = run.filePath("trackers.json");
  const away: typeof fetch = async () => {
    throw new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED 127.0.0.1:9") });
  };
  const trackers = open({ clock, fetch: away, env: {} });
  for (let step = 1; step <= 3; step++) trackers.metrics(metricsAt(step));
  await clock.advance(100);
  // The disk is a real one.
  while (!existsSync(memory) || !readFileSync(memory, "utf8").includes('"lastStep": 3')) await settled();
  const finishing = trackers.finish("finished");
  await clock.advance(10_000);
  const [mlflow, tensorboard] = await finishing;
  assert.deepEqual([mlflow?.written, mlflow?.dropped, mlflow?.where], [0, 3, undefined]);
  assert.match(mlflow?.lastError ?? "", /ECONNREFUSED/);
  assert.deepEqual([tensorboard?.written, tensorboard?.dropped], [3, 0]);
  assert.equal(told.filter((text) => text.startsWith("mlflow:")).length, 2);
});

test("a trajectory that cannot be shown is a warning, not the end of the run", async () => {
  const { told, open } = setting("{ type: tensorboard }");
  const trackers = open({ clock: testClock() });
  trackers.rlStep(1, [{ group: {} }] as unknown as Parameters<typeof trackers.rlStep>[1]);
  assert.match(told[0] ?? "", /^trackers: step 1 cannot be shown: .*; the run goes on$/);
  await trackers.finish("failed");
});

test("a damaged trackers.json begins a new run on servers, with a warning", async () => {
  const { run, told, open } = setting("{ type: tensorboard }");
  run.writeFile("trackers.json", "{ cut");
  await open({ resumeFrom: 1 }).finish("finished");
  assert.match(told[0] ?? "", /trackers\.json cannot be read .*begin a new run there/);
});
