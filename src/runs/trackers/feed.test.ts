import assert from "node:assert/strict";
import test from "node:test";
import { settled } from "../../core/testTime.ts";
import type { MetricsRecord } from "../metrics.ts";
import { defaultLimits, Feed, type FeedLimits } from "./feed.ts";
import { testClock, trackedRun, type TestClock } from "./testSupport.ts";
import { TrackerError, type Tracker, type TrackedRun, type Update } from "./tracker.ts";

interface Scripted extends Tracker {
  readonly got: string[];
  readonly signals: AbortSignal[];
}

/** Does what the script says at each call (an error is thrown, "hang" never ends), then works. */
function scripted(
  script: { open?: (Error | "hang")[]; write?: (Error | "hang")[]; close?: (Error | "hang")[] } = {},
  lastStep = 0,
): Scripted {
  const got: string[] = [];
  const signals: AbortSignal[] = [];
  const turn = async (of: keyof typeof script): Promise<void> => {
    const next = script[of]?.shift();
    if (next === "hang") await new Promise(() => {});
    if (next instanceof Error) throw next;
  };
  return {
    type: "scripted",
    got,
    signals,
    open: async (_, signal) => {
      signals.push(signal);
      await turn("open");
      return { where: "there", lastStep, memory: { id: "7" } };
    },
    write: async (update) => {
      await turn("write");
      got.push(`${update.type} ${update.step}`);
    },
    close: async (outcome) => {
      await turn("close");
      got.push(outcome);
    },
  };
}

const metrics = (step: number): Update => ({ type: "metrics", step, timeMs: 0, values: { loss: step } });
const image = (step: number, index = 0, bytes = 1): Update => ({
  ...{ type: "image", step, timeMs: 0, name: `image_${index}`, index, caption: "" },
  ...{ png: new Uint8Array(bytes), width: 1, height: 1 },
});

interface Setting {
  readonly feed: Feed;
  readonly tracker: Scripted;
  readonly clock: TestClock;
  readonly warnings: string[];
  readonly confirmed: number[];
}

function feedTo(
  tracker: Scripted,
  changes: { run?: Partial<TrackedRun>; history?: MetricsRecord[]; limits?: Partial<FeedLimits> } = {},
): Setting {
  const clock = testClock();
  const warnings: string[] = [];
  const confirmed: number[] = [];
  const feed = new Feed({
    tracker,
    run: trackedRun(changes.run),
    images: 2,
    clock,
    limits: { ...defaultLimits, ...changes.limits },
    history: () => changes.history ?? [],
    opened: () => {},
    confirmed: (step) => confirmed.push(step),
    warn: (text) => warnings.push(text),
  });
  return { feed, tracker, clock, warnings, confirmed };
}

const again = (text = "away"): TrackerError => new TrackerError("retry", text);

test("updates arrive in order, and the outcome last", async () => {
  const { feed, tracker, confirmed } = feedTo(scripted());
  [metrics(1), image(1), metrics(2)].forEach((update) => feed.offer(update));
  const report = await feed.finish("finished", 1000);
  assert.deepEqual(tracker.got, ["metrics 1", "image 1", "metrics 2", "finished"]);
  assert.deepEqual(report, { type: "scripted", where: "there", written: 3, dropped: 0, failures: 0 });
  assert.deepEqual(confirmed, [1, 2]);
});

test("images beyond those wanted are not sent, and are no loss", async () => {
  const { feed, tracker } = feedTo(scripted());
  [0, 1, 2].forEach((index) => feed.offer(image(1, index)));
  assert.equal((await feed.finish("finished", 1000)).dropped, 0);
  assert.deepEqual(tracker.got, ["image 1", "image 1", "finished"]);
});

test("a server that is away is tried again ever later, warned about once, and loses nothing", async () => {
  const { feed, tracker, clock, warnings } = feedTo(
    scripted({ open: Array.from({ length: 8 }, () => again()) }),
  );
  feed.offer(metrics(1));
  await clock.advance(200_000);
  assert.deepEqual(
    clock.slept,
    [1, 2, 4, 8, 16, 32, 60, 60].map((s) => s * 1000),
  );
  assert.deepEqual(tracker.got, ["metrics 1"]);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] as string, /^scripted: away \(tried again until it passes/);
  const report = await feed.finish("finished", 1000);
  assert.deepEqual([report.written, report.dropped, report.failures, report.lastError], [1, 0, 8, "away"]);
});

test("one update that is refused is left out, and the others arrive", async () => {
  const { feed, tracker, warnings } = feedTo(scripted({ write: [new TrackerError("skip", "bad name")] }));
  [metrics(1), metrics(2)].forEach((update) => feed.offer(update));
  const report = await feed.finish("finished", 1000);
  assert.deepEqual(tracker.got, ["metrics 2", "finished"]);
  assert.deepEqual([report.written, report.dropped, report.failures], [1, 1, 1]);
  assert.match(warnings[0] as string, /bad name \(this is left out there, and the run goes on/);
});

test("an error of a kind nobody thought of loses its update only", async () => {
  const { feed, tracker } = feedTo(scripted({ write: [new TypeError("x is not a function")] }));
  [metrics(1), metrics(2)].forEach((update) => feed.offer(update));
  assert.equal((await feed.finish("finished", 1000)).dropped, 1);
  assert.deepEqual(tracker.got, ["metrics 2", "finished"]);
});

test("a tracker that cannot be opened takes nothing, says so once, and counts what it missed", async () => {
  const { feed, tracker, warnings, clock } = feedTo(
    scripted({ open: [new TrackerError("skip", "no such project")] }),
  );
  feed.offer(metrics(1));
  await clock.advance(1);
  feed.offer(metrics(2));
  const report = await feed.finish("finished", 1000);
  assert.deepEqual(tracker.got, []);
  assert.deepEqual(report, {
    type: "scripted",
    written: 0,
    dropped: 2,
    failures: 1,
    lastError: "no such project",
  });
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] as string, /nothing more goes there, and the run goes on/);
});

test("the same failure with other numbers is one warning; another failure is another", async () => {
  const write = ["500 at 10:01", "503 at 10:02", "disk full"].map((text) => new TrackerError("skip", text));
  const { feed, warnings } = feedTo(scripted({ write }));
  [1, 2, 3, 4].forEach((step) => feed.offer(metrics(step)));
  await feed.finish("finished", 1000);
  assert.deepEqual(
    warnings.map((text) => text.slice(0, 22)),
    ["scripted: 500 at 10:01", "scripted: disk full (t"],
  );
});

test("while a tracker hangs, the queue keeps its bounds by dropping the oldest of a kind", async () => {
  const limits = { metrics: 3, media: 2, imageBytes: 100 };
  const { feed, tracker, clock, warnings } = feedTo(scripted({ write: [again()] }), { limits });
  feed.offer(metrics(1));
  await settled(); // it is being written, and will be tried again
  for (let step = 2; step <= 6; step++) feed.offer(metrics(step));
  for (let step = 2; step <= 4; step++) feed.offer(image(step));
  feed.offer(image(5, 0, 99));
  await clock.advance(2000);
  assert.deepEqual(tracker.got, ["metrics 1", "metrics 4", "metrics 5", "metrics 6", "image 4", "image 5"]);
  const report = await feed.finish("finished", 1000);
  assert.deepEqual([report.written, report.dropped], [6, 4]);
  assert.equal(warnings.filter((text) => text.includes("the oldest are dropped")).length, 1);
});

test("images are bounded by their bytes as well", async () => {
  const { feed, tracker, clock } = feedTo(scripted({ write: [again()] }), { limits: { imageBytes: 100 } });
  feed.offer(metrics(1));
  await settled();
  feed.offer(image(1, 0, 60));
  feed.offer(image(2, 0, 60));
  await clock.advance(2000);
  assert.deepEqual(tracker.got, ["metrics 1", "image 2"]);
  await feed.finish("finished", 1000);
});

test("finishing waits for its limit and no longer; the tracker is told to end at once", async () => {
  const { feed, tracker, clock, warnings } = feedTo(scripted({ write: ["hang"] }));
  [metrics(1), metrics(2), metrics(3)].forEach((update) => feed.offer(update));
  await settled();
  let done = false;
  const finishing = feed.finish("failed", 10_000).then((report) => {
    done = true;
    return report;
  });
  await clock.advance(9_999);
  assert.equal(done, false);
  await clock.advance(1);
  assert.equal(done, true);
  const report = await finishing;
  assert.deepEqual([report.written, report.dropped], [0, 3]);
  assert.equal(tracker.signals[0]?.aborted, true);
  assert.match(
    warnings[0] as string,
    /3 updates had not arrived 10 s after the end .* metrics\.jsonl has all metrics/,
  );
});

test("finishing does not sit out a long wait: it tries again at once, then every second", async () => {
  const write = Array.from({ length: 5 }, () => again());
  const { feed, tracker, clock } = feedTo(scripted({ write }));
  feed.offer(metrics(1));
  await clock.advance(7_500); // tried at 0, 1, 3 and 7 s
  const finishing = feed.finish("finished", 10_000);
  await clock.advance(1_000); // at once, and a second later
  assert.deepEqual(tracker.got, ["metrics 1", "finished"]);
  assert.equal((await finishing).dropped, 0);
});

test("a resumed run sends metrics that the tracker lacks, from the log, and none that it has", async () => {
  const history: MetricsRecord[] = [1, 2, 3, 4, 5].map((step) => ({ step, loss: step, note: "text" }));
  const { feed, tracker, confirmed } = feedTo(scripted({}, 2), { run: { resumeFrom: 4 }, history });
  feed.offer(metrics(5));
  await feed.finish("finished", 1000);
  assert.deepEqual(tracker.got, ["metrics 3", "metrics 4", "metrics 5", "finished"]);
  assert.deepEqual(confirmed, [3, 4, 5]);
});

test("steps that an interrupted run had taken to a tracker that cannot forget are not sent again", async () => {
  const { feed, tracker } = feedTo(scripted({}, 6), { run: { resumeFrom: 4 } });
  [metrics(5), image(5), metrics(6), metrics(7), image(7)].forEach((update) => feed.offer(update));
  const report = await feed.finish("finished", 1000);
  assert.deepEqual(tracker.got, ["metrics 7", "image 7", "finished"]);
  assert.equal(report.dropped, 0);
});

test("a log that cannot be read costs the past of the curve and nothing else", async () => {
  const { tracker } = { tracker: scripted() };
  const warnings: string[] = [];
  const feed = new Feed({
    tracker,
    run: trackedRun({ resumeFrom: 2 }),
    images: 0,
    clock: testClock(),
    history: () => {
      throw new Error("metrics.jsonl line 3: must be a JSON object");
    },
    opened: () => {
      throw new Error("trackers.json: read-only file system");
    },
    confirmed: () => {},
    warn: (text) => warnings.push(text),
  });
  feed.offer(metrics(3));
  await feed.finish("finished", 1000);
  assert.deepEqual(tracker.got, ["metrics 3", "finished"]);
  assert.equal(warnings.length, 2);
});
