// The bridge and its Python side are the real ones; the package that they speak to is a stand-in that notes its calls.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { systemClock } from "../clock.ts";
import { temporaryFolder, trackedRun } from "../testSupport.ts";
import { TrackerError, type Tracker } from "../tracker.ts";
import { wandbTracker } from "./wandb.ts";

const python = fileURLToPath(new URL("../../../../.venv/bin/python", import.meta.url));
const dir = temporaryFolder();

const STAND_IN = `
import json, os, sys
__version__ = "0"
class errors:
    class UsageError(Exception): pass
    class AuthenticationError(Exception): pass
    class CommError(Exception): pass
def note(*call):
    with open(os.environ["NOTES"], "a") as file:
        file.write(json.dumps(call) + "\\n")
def Settings(**settings): return settings
def Histogram(np_histogram): return {"histogram": np_histogram}
def Html(page, inject): return {"html": page}
def Image(picture, caption, file_type): return {"size": picture.size, "caption": caption, "type": file_type}
class Run:
    offline = False; resumed = os.environ.get("STEP") is not None; step = int(os.environ.get("STEP", 0)); url = "https://w/run"
    def log(self, values, step):
        print("noise on stdout")
        if "broken" in values: raise ValueError("cannot be logged")
        if "end" in values: os._exit(3)
        note("log", step, {key: str(value) if value != value else value for key, value in values.items()})
    def finish(self, exit_code): note("finish", exit_code)
def init(**options):
    if os.environ.get("REFUSE"): raise getattr(errors, os.environ["REFUSE"])("no key")
    options.pop("settings"); options["config"] = options["config"]["seed"]
    note("init", options)
    return Run()
`;
mkdirSync(join(dir, "wandb"));
writeFileSync(join(dir, "wandb", "__init__.py"), STAND_IN);
let number = 0;

interface Case {
  readonly tracker: Tracker;
  readonly notes: () => unknown[];
  readonly signal: AbortController;
}

function begin(env: Readonly<Record<string, string>> = {}, interpreter = python): Case {
  const file = join(dir, `notes-${number++}`);
  const tracker = wandbTracker({
    ...{ project: "p", mode: "online", python: interpreter, clock: systemClock },
    env: { ...process.env, PYTHONPATH: dir, NOTES: file, ...env },
  });
  const notes = (): unknown[] =>
    existsSync(file)
      ? readFileSync(file, "utf8")
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line) as unknown)
      : [];
  return { tracker, notes, signal: new AbortController() };
}
const fails = (then: string, text: RegExp) => (error: unknown) =>
  error instanceof TrackerError && error.then === then && text.test(error.message);
const metrics = (step: number, values: Record<string, number>) =>
  ({ type: "metrics", step, timeMs: 0, values }) as const;

test("a run: opened with its name, config and tags, fed, and finished", async () => {
  const { tracker, notes, signal } = begin();
  const { where, lastStep, memory } = await tracker.open(trackedRun(), signal.signal);
  assert.deepEqual([where, lastStep], ["https://w/run", 0]);
  assert.match(memory["runId"] ?? "", /^[0-9a-z]{8}$/);
  await tracker.write(metrics(1, { loss: 0.5, entropy: NaN }));
  await tracker.write({ type: "histogram", step: 1, timeMs: 0, name: "h", values: [0, 1, 1] });
  await tracker.write({ type: "text", step: 1, timeMs: 0, name: "t", markdown: "a < b" });
  await tracker.close("finished", 0);
  const options = {
    project: "p",
    entity: null,
    group: null,
    job_type: "train",
    id: memory["runId"],
    name: "try",
  };
  assert.deepEqual(notes(), [
    [
      "init",
      { ...options, tags: ["small"], config: 3, dir: "/nowhere/try", mode: "online", resume: "allow" },
    ],
    ["log", 1, { loss: 0.5, entropy: "nan" }],
    [
      "log",
      1,
      {
        h: {
          histogram: [
            [1, 2],
            [0, 0.5, 1],
          ],
        },
      },
    ],
    ["log", 1, { t: { html: "<pre style='white-space: pre-wrap'>a &lt; b</pre>" } }],
    ["finish", 0],
  ]);
});

test("a resumed run has its old id, and begins where the server stands, else where it was confirmed", async () => {
  const before = { memory: { runId: "abcdefgh" }, lastStep: 5 };
  const run = trackedRun({ resumeFrom: 4, before });
  const online = begin({ STEP: "8" });
  const opened = await online.tracker.open(run, online.signal.signal);
  assert.deepEqual([opened.lastStep, opened.memory], [7, { runId: "abcdefgh" }]);
  await online.tracker.close("failed", 0);
  assert.deepEqual(online.notes().at(-1), ["finish", 1]);
  const unknown = begin();
  assert.equal((await unknown.tracker.open(run, unknown.signal.signal)).lastStep, 5);
  await unknown.tracker.close("finished", 0);
});

test("what the client refuses costs one update", async () => {
  const { tracker, notes, signal } = begin();
  await tracker.open(trackedRun(), signal.signal);
  await assert.rejects(
    tracker.write(metrics(1, { broken: 1 })),
    fails("skip", /ValueError: cannot be logged/),
  );
  await tracker.write(metrics(2, { loss: 1 }));
  await tracker.close("finished", 0);
  assert.deepEqual(notes().slice(1), [
    ["log", 2, { loss: 1 }],
    ["finish", 0],
  ]);
});

test("a client that dies, one that is missing, and a Python that is none say what to do", async () => {
  const dying = begin();
  await dying.tracker.open(trackedRun(), dying.signal.signal);
  await assert.rejects(
    dying.tracker.write(metrics(1, { end: 1 })),
    fails("stop", /ended by itself \(code 3\)/),
  );
  const missing = begin({ PYTHONPATH: "" });
  await assert.rejects(
    missing.tracker.open(trackedRun(), missing.signal.signal),
    fails("stop", /python has no wandb package .*install it with `.*python -m pip install wandb pillow`/),
  );
  const none = begin({}, "/nowhere/python");
  await assert.rejects(
    none.tracker.open(trackedRun(), none.signal.signal),
    fails("stop", /\/nowhere\/python cannot be started: .*ENOENT.*logging\.trackers/),
  );
});

test("no key cannot pass, no network can", async () => {
  for (const [kind, then] of [
    ["AuthenticationError", "stop"],
    ["UsageError", "stop"],
    ["CommError", "retry"],
  ] as const) {
    const { tracker, signal } = begin({ REFUSE: kind });
    await assert.rejects(tracker.open(trackedRun(), signal.signal), fails(then, /mode: offline/), kind);
    signal.abort();
  }
});

test("the end of waiting ends the process", async () => {
  const { tracker, signal } = begin();
  await tracker.open(trackedRun(), signal.signal);
  signal.abort();
  await assert.rejects(tracker.write(metrics(1, { loss: 1 })), fails("stop", /SIGKILL/));
});
