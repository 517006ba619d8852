// A short study for real, from start to report: two arms, two seeds, two steps of the carried policy. On the way it is killed with
// one of its runs, then interrupted; it goes on each time, makes nothing twice, and ends as runs that nobody disturbed.
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { readMetrics, withoutTimings } from "../runs/metrics.ts";
import { parseData } from "../studies/data.ts";
import { loadStudy } from "../studies/studyFile.ts";
import { planStudies } from "../studies/grid.ts";
import { STUDY } from "../studies/testStudy.ts";
import { standBeforeAppending } from "./testGate.ts";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
/** A metric that studies keep when they measure it. */
const EFFECTIVE = "tool_calls/effective_mean";
const root = mkdtempSync(join(tmpdir(), "pyvision-study-"));
after(() => {
  killAll();
  rmSync(root, { recursive: true, force: true });
});

const SMALL = [
  ...["train.saveEvery=1", "train.evaluateEvery=1", "selection.genBatch=3", "selection.trainBatch=2"],
  ...["selection.maxGenBatches=1", "selection.rolloutsPerPrompt=4", "evaluation.tasks=4"],
  "logging.trajectoriesPerStep=0",
];
const file = join(root, "tiny.yaml");
writeFileSync(file, STUDY);
const plan = planStudies([loadStudy(file)], { set: SMALL });

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Then a study that has not ended by itself is killed, and whoever waits for something of it is told. */
const STUDY_MS = 900_000;

interface Gate {
  /** For the environment of a study, which hands it on to its runs. */
  readonly env: NodeJS.ProcessEnv;
  /** Lets one run pass. */
  pass(digest: string): void;
  open(): void;
}

// Before a run writes down a step behind its first, it waits for as long as the gate is closed: there is a folder `gate`, and
// no file in it with the run's name. So what it is killed or stopped in is no matter of how fast anybody is.
function closedGate(name: string): Gate {
  const gate = join(root, name);
  mkdirSync(gate);
  const folder = JSON.stringify(gate);
  const closed = `fs.existsSync(${folder}) && !fs.existsSync(join(${folder}, basename(dirname(path))))`;
  const word = standBeforeAppending("metrics.jsonl", `JSON.parse(text).step > 1 && ${closed}`, STUDY_MS);
  return {
    env: { NODE_OPTIONS: `${process.env["NODE_OPTIONS"] ?? ""} ${word}` },
    pass: (digest) => writeFileSync(join(gate, digest), ""),
    open: () => rmSync(gate, { recursive: true }),
  };
}

interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** What it has written to stderr so far. */
  stderr(): string;
}

const studies = new Set<ChildProcess>();
/** A study that is killed takes its runs along, but not those that stand at a gate. */
function killAll(): void {
  for (const study of studies) study.kill("SIGKILL");
  for (const pid of writers().values()) if (isAlive(pid)) process.kill(pid, "SIGKILL");
}

const start = (...args: readonly string[]): Started => startWith({}, ...args);

function startWith(more: NodeJS.ProcessEnv, ...args: readonly string[]): Started {
  const env = { ...process.env, ...more };
  delete env["NODE_TEST_CONTEXT"];
  const child = spawn(process.execPath, ["--import", "tsx", MAIN, ...args], {
    ...{ env, timeout: STUDY_MS, killSignal: "SIGKILL" },
  });
  studies.add(child);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  const ended = new Promise<Ended>((resolve) => {
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, ended, stderr: () => stderr };
}

const studyArgs = (out: string, ...more: readonly string[]): string[] => [
  ...[file, "--out", join(root, out)],
  ...SMALL.flatMap((set) => ["--set", set]),
  ...more,
];

/** Waits until `what` gives something. @throws Error when the study ends without it, at the latest when its time is over */
async function until<T>(what: () => T | undefined, ended: Promise<Ended>): Promise<T> {
  let over: Ended | undefined;
  void ended.then((end) => (over = end));
  for (;;) {
    const found = what();
    if (found !== undefined) return found;
    if (over !== undefined)
      throw new Error(`the study ended (${over.signal ?? over.code}) before: ${over.stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const runDir = (out: string, digest: string): string => join(root, out, "runs", digest);
const digests = plan.runs.map(({ digest }) => digest);
const finished = (out: string): string[] =>
  digests.filter((digest) => existsSync(join(runDir(out, digest), "summary.json")));
/** The processes that write runs, by digest; a lock may go while it is read. */
function writers(): Map<string, number> {
  return new Map(
    digests.flatMap((digest) => {
      try {
        const text = readFileSync(join(runDir("killed", digest), "lock.json"), "utf8");
        return [[digest, (JSON.parse(text) as { pid: number }).pid] as const];
      } catch {
        return [];
      }
    }),
  );
}
const summaryOf = (digest: string): { readonly resumed: number } =>
  JSON.parse(readFileSync(join(runDir("killed", digest), "summary.json"), "utf8")) as { resumed: number };

/** Whether it is a process of this test's: its command line names the folder. One that has ended has none. */
function isAlive(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(root);
  } catch {
    return false;
  }
}

test("killed with a run, interrupted, it goes on and ends as one that was left alone", async () => {
  // 1. SIGKILL for the study and one run that has a step behind it; the study's other run ends by itself.
  const firstGate = closedGate("gate-1");
  const first = startWith(firstGate.env, "study", ...studyArgs("killed", "--parallel", "2"));
  const { half, pids } = await until(() => {
    const at = writers();
    const begun = [...at.keys()].find(
      (d) => readMetrics(join(runDir("killed", d), "metrics.jsonl")).length === 1,
    );
    return begun !== undefined && at.size === 2 ? { half: begun, pids: at } : undefined;
  }, first.ended);
  assert.ok([...pids.values()].every(isAlive));
  process.kill(pids.get(half) as number, "SIGKILL");
  first.child.kill("SIGKILL");
  assert.equal((await first.ended).signal, "SIGKILL");
  assert.ok(finished("killed").length < 2);
  firstGate.open();

  // 2. Ctrl-C when a run is over: the others save, and nothing is left alive.
  const secondGate = closedGate("gate-2");
  secondGate.pass([...pids.keys()].find((digest) => digest !== half) as string);
  const second = startWith(secondGate.env, "study", ...studyArgs("killed", "--parallel", "2"));
  const over = await until(() => finished("killed")[0], second.ended);
  const madeAt = statSync(join(runDir("killed", over), "summary.json")).mtimeMs;
  const atWork = writers();
  second.child.kill("SIGINT");
  await until(() => (second.stderr().includes("Ctrl-C: stopping") ? true : undefined), second.ended);
  secondGate.open();
  const stopped = await second.ended;
  assert.equal(stopped.code, 130, stopped.stderr);
  assert.match(stopped.stderr, /Ctrl-C: stopping when the runs at work have finished their steps and saved/);
  assert.match(stopped.stderr, /stopped; every run in .*killed is saved, and the same command goes on/);
  assert.deepEqual([...pids.values(), ...atWork.values()].filter(isAlive), []);

  // What there is can be reported on, with the rest as missing, and nothing is made.
  const soFar = ["--so-far", "--report", join(root, "soFar")];
  const before = finished("killed");
  const early = await start("study", ...studyArgs("killed", ...soFar)).ended;
  assert.equal(early.code, 0, early.stderr);
  assert.deepEqual(finished("killed"), before);
  const partial = JSON.parse(readFileSync(join(root, "soFar/tiny.json"), "utf8")) as Record<"runs" | "missing", unknown[]>; // prettier-ignore
  assert.deepEqual([partial.runs.length, partial.missing.length], [before.length, 4 - before.length]);

  // 3. To the end. What was over is not made again; what was interrupted was continued.
  const third = await start("study", ...studyArgs("killed", "--parallel", "2")).ended;
  assert.equal(third.code, 0, third.stderr);
  assert.match(third.stderr, /^4 runs, [1-3] of them made; 2 side by side; about /);
  assert.deepEqual(finished("killed"), digests);
  assert.equal(statSync(join(runDir("killed", over), "summary.json")).mtimeMs, madeAt);
  assert.ok(summaryOf(half).resumed >= 1);

  // The run that was killed again, by hand, alone and undisturbed: the same numbers.
  const alone = await start(
    "train",
    join(root, "killed/configs", `${half}.yaml`),
    "--run",
    join(root, "alone"),
  ).ended;
  assert.equal(alone.code, 0, alone.stderr);
  const metrics = (dir: string) => readMetrics(join(dir, "metrics.jsonl")).map(withoutTimings);
  assert.equal(metrics(join(root, "alone")).length, 2);
  assert.deepEqual(metrics(runDir("killed", half)), metrics(join(root, "alone")));
  const heldOut = (dir: string): unknown =>
    (JSON.parse(readFileSync(join(dir, "summary.json"), "utf8")) as { heldOut: unknown }).heldOut;
  assert.deepEqual(heldOut(runDir("killed", half)), heldOut(join(root, "alone")));

  // The report, and the same again from its data alone.
  const report = join(root, "killed/report");
  const files = readdirSync(report).sort();
  assert.deepEqual(files, [
    "studies.html",
    "studies.md",
    "tiny-curves.svg",
    "tiny-selection.svg",
    "tiny.json",
  ]);
  const markdown = readFileSync(join(report, "studies.md"), "utf8");
  assert.match(markdown, /no bonus \(n=2\)/);
  for (const digest of digests) assert.ok(markdown.includes(digest));
  const data = parseData(readFileSync(join(report, "tiny.json"), "utf8"), "tiny");
  assert.deepEqual(data.missing, []);
  assert.deepEqual(
    data.runs.map(({ heldOut }) => heldOut.steps),
    [[0, 1, 2], [0, 1, 2], [0, 1, 2], [0, 1, 2]], // prettier-ignore
  );
  for (const { digest, curves, before: first, after: last } of data.runs) {
    const made = readMetrics(join(runDir("killed", digest), "metrics.jsonl")).map((r) => r[EFFECTIVE]);
    const kept = curves[EFFECTIVE];
    const digits = (values: readonly unknown[]): string[] => values.map((v) => Number(v).toPrecision(4));
    assert.deepEqual(digits(Array.isArray(kept) ? kept : made.map(() => kept)), digits(made));
    for (const { kinds, calls } of [first, last])
      assert.deepEqual(Object.keys(calls ?? {}), Object.keys(kinds));
  }
  assert.match(markdown, /\w, calls +\|/);
  const again = await start(
    "study",
    "--report-only",
    join(report, "tiny.json"),
    "--report",
    join(root, "again"),
  ).ended;
  assert.equal(again.code, 0, again.stderr);
  for (const name of files)
    assert.equal(
      readFileSync(join(root, "again", name), "utf8"),
      readFileSync(join(report, name), "utf8"),
      name,
    );
});

test("a run that fails is told of and missing in the report; the others are made; the exit code says so", async () => {
  const quick = ["--seeds", "0", "--parallel", "1", "--set", "train.steps=0", "--set", "evaluation.tasks=1"];
  const [blocked, other] = planStudies([loadStudy(file)], {
    set: [...SMALL, "train.steps=0", "evaluation.tasks=1"],
    seeds: [0],
  }).runs;
  assert.ok(blocked && other);
  mkdirSync(runDir("failing", blocked.digest), { recursive: true });
  writeFileSync(join(runDir("failing", blocked.digest), "notes.txt"), "mine");
  const { code, stdout, stderr } = await start("study", ...studyArgs("failing", ...quick)).ended;
  assert.equal(code, 1, stderr);
  assert.match(stderr, /warning: tiny none seed 0 failed: --run .* already holds files \(notes\.txt\); name an empty or new directory/); // prettier-ignore
  assert.match(
    stderr,
    new RegExp(`error: study: 1 of 2 runs failed \\(${blocked.digest}\\); the report says what is missing`),
  );
  assert.match(stdout, /tiny {3}cannot be told: too few seeds +0 of 1 +1 +1/);
  const markdown = readFileSync(join(root, "failing/report/studies.md"), "utf8");
  assert.match(markdown, /- arm none, seed 0: --run .*already holds files/);
  assert.ok(markdown.includes(other.digest));
  assert.equal(readFileSync(join(runDir("failing", blocked.digest), "notes.txt"), "utf8"), "mine");
});

test("--dry-run lists the runs and makes none; wrong options are told", async () => {
  const out = join(root, "dry");
  const dry = await start("study", file, "--out", out, "--dry-run", "--parallel", "2").ended;
  assert.equal(dry.code, 0, dry.stderr);
  assert.match(dry.stdout, /4 arms with seeds are 4 runs of RL, and 0 of cold starts; 4 are to be made/);
  // 2 + 2 steps of 1 s + 800 tasks of 0.5 s = 404 s a run, four of them two by two.
  assert.match(dry.stdout, /estimate: 13 min 28 s, 2 side by side/);
  assert.ok(!existsSync(out));
  const wrong = await start("study", "--report-only", "x.json", "--seeds", "0").ended;
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /--report-only: makes no runs, so that --seeds must be left out/);
  const seeds = await start("study", file, "--seeds", "0,0").ended;
  assert.equal(seeds.code, 2);
  assert.match(seeds.stderr, /Must be different whole numbers with commas between them, e\.g\. 0,1,2/);
});
