// Kills a training run at moments that are drawn from a seed, continues it with the same command, and looks at what is left:
// where the process was when it died, which processes outlived it, and whether the run ends as one that nobody killed.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Random } from "../../../core/random.ts";
import { readMetrics, withoutTimings } from "../../../runs/metrics.ts";
import { lockName } from "../../../runs/runLock.ts";

const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../../../configs/image-mini.yaml", import.meta.url));
const TSX = import.meta.resolve("tsx");

/** What a process can be doing. `anywhere` is any moment since its start. */
export const phases = ["rollout", "python", "optimiser", "checkpoint"] as const;
export type Phase = (typeof phases)[number];

export interface Kill {
  readonly phase: Phase | "anywhere";
  /** Which beginning of the phase, from 1. */
  readonly occurrence: number;
  /** After that beginning; when the phase is over by then, the kill comes in the next one. */
  readonly delayMs: number;
  /** The process with all others of its group, or it alone. */
  readonly wholeGroup: boolean;
  /** One after the other. Default: SIGKILL. */
  readonly signals?: readonly NodeJS.Signals[];
}

/** What a child is told. */
export interface Order {
  readonly args: readonly string[];
  /** File of the marks it sets. */
  readonly events: string;
  readonly kill?: Kill;
}

const STEPS = 4;
/** A few small steps of the carried policy, one checkpoint each. */
export const SMALL = [
  "engine.threads=1",
  `train.steps=${STEPS}`,
  "train.saveEvery=1",
  "selection.genBatch=3",
  "selection.trainBatch=2",
  "selection.maxGenBatches=1",
  "selection.rolloutsPerPrompt=4",
  "evaluation.tasks=4",
  "logging.trajectoriesPerStep=4",
].flatMap((setting) => ["--set", setting]);

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
  readonly stdout: string;
  /** Between the marks it set: what it was doing when it ended. */
  readonly inside: readonly Phase[];
  /** Durations of each phase that ended, in milliseconds. */
  readonly durations: Readonly<Record<Phase, readonly number[]>>;
  readonly elapsedMs: number;
  /** Processes that it had started and that outlived it by `PATIENCE_MS`. */
  readonly orphans: readonly number[];
  /** Temporary folders of the tool that were left as long after it. */
  readonly litter: readonly string[];
}

const PATIENCE_MS = 30_000;
let processes = 0;

/** Runs one command line in a child and waits for it. @param folder of its temporary files and marks */
export async function runChild(folder: string, args: readonly string[], kill?: Kill): Promise<Ended> {
  const number = ++processes;
  const temporary = join(folder, `t${number}`);
  mkdirSync(temporary, { recursive: true });
  const events = join(temporary, "events");
  const order: Order = { args, events, ...(kill !== undefined && { kill }) };
  writeFileSync(join(temporary, "order.json"), JSON.stringify(order));
  const startedAt = performance.now();
  const child = spawn(process.execPath, ["--import", TSX, CHILD, join(temporary, "order.json")], {
    cwd: folder,
    env: { ...process.env, TMPDIR: temporary, NODE_TEST_CONTEXT: undefined },
    detached: true, // a group of its own, to be killed as one
    stdio: ["ignore", "pipe", "pipe"],
  });
  const text = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    child[stream].setEncoding("utf8").on("data", (chunk: string) => (text[stream] += chunk));
  const family = new Map<number, string>();
  const look = setInterval(() => descendants(child.pid as number, family), 100);
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  clearInterval(look);
  const elapsedMs = performance.now() - startedAt;
  const orphans = await outliving(family);
  // What removes them may have begun only just now, and is not of the family then.
  const litter = await remaining(() => readdirSync(temporary).filter((name) => name.startsWith("pyvision-")));
  return { code, signal, ...text, ...marksOf(events), elapsedMs, orphans, litter };
}

export function trainArgs(dir: string, ...more: readonly string[]): string[] {
  return ["train", CONFIG, "--run", dir, ...SMALL, ...more];
}

/** What the kills hit, and where runs went on. */
export interface Tally {
  /** How many hit the process in the middle of what; `between`: of none of it. */
  readonly inside: Record<Phase | "between", number>;
  /** Steps after which runs went on. */
  readonly goneOnAfter: number[];
}

export function newTally(): Tally {
  return { inside: { rollout: 0, python: 0, optimiser: 0, checkpoint: 0, between: 0 }, goneOnAfter: [] };
}

/**
 * Kills a run once for each of `chain`, goes on with the same command each time, lets it end, and compares it with the run in
 * `expected`. One that is over before it could be killed is compared, too, and another takes its place.
 * @param folder for the runs
 */
export async function killAndContinue(
  { folder, reference, expected, random, tally }: Killing,
  chain: readonly Kill["phase"][],
): Promise<void> {
  let runs = 1;
  const place = (): string => join(folder, String(runs), "run");
  const note = ({ stderr }: Ended): void => {
    const step = /train: going on after step (\d+)/.exec(stderr)?.[1];
    if (step !== undefined) tally.goneOnAfter.push(Number(step));
  };
  const ends = (ended: Ended): void => {
    note(ended);
    assert.equal(ended.code, 0, ended.stderr);
    assertSameRun(place(), expected);
  };
  for (const phase of chain) {
    for (;;) {
      const killed = await runChild(folder, trainArgs(place()), drawKill(phase, reference, random));
      assert.deepEqual(killed.orphans, [], "no process outlives it");
      assert.deepEqual(killed.litter, [], "and no temporary folder");
      const isOver = existsSync(join(place(), "summary.json")); // it is written last
      if (killed.signal === "SIGKILL" && !isOver) {
        const inside = diedInside(killed, place());
        for (const where of inside.length > 0 ? inside : (["between"] as const)) {
          tally.inside[where]++;
        }
        note(killed);
        break;
      }
      if (killed.signal === "SIGKILL") {
        takeLastLeavings(place());
        assertSameRun(place(), expected);
      } else ends(killed);
      if (++runs > chain.length + 5) throw new Error(`${phase}: the runs end before they are killed`);
    }
  }
  ends(await runChild(folder, trainArgs(place())));
}

/** What a run that is over still takes away: its lock, and the last step's checkpoint, which the result repeats. */
function takeLastLeavings(dir: string): void {
  rmSync(join(dir, lockName), { force: true });
  for (const name of readdirSync(join(dir, "checkpoints")))
    if (new RegExp(`^\\.?step-0*${STEPS}(\\.|$)`).test(name))
      rmSync(join(dir, "checkpoints", name), { recursive: true, force: true });
}

export interface Killing {
  readonly folder: string;
  readonly reference: Ended;
  /** Folder of the run of `reference`. */
  readonly expected: string;
  readonly random: Random;
  readonly tally: Tally;
}

/** A kill in the middle of a phase as long as it took in `reference`, or at any moment of the whole. */
export function drawKill(phase: Kill["phase"], reference: Ended, random: Random): Kill {
  const wholeGroup = random.next() < 0.5;
  if (phase === "anywhere")
    return { phase, occurrence: 1, delayMs: random.next() * reference.elapsedMs * 0.7, wholeGroup };
  const durations = [...reference.durations[phase]].sort((a, b) => a - b);
  const typical = durations[Math.floor(durations.length / 2)] ?? 0;
  // What a checkpoint still does when the engine has written its part takes as long again.
  const span = phase === "checkpoint" ? 1.6 : 0.8;
  const occurrence = 1 + Math.floor(random.next() * durations.length * 0.6);
  return { phase, occurrence, delayMs: random.next() * typical * span, wholeGroup };
}

/** What the process was in the middle of: its open marks, and a checkpoint that has not got its name yet. */
export function diedInside({ inside }: Ended, dir: string): readonly Phase[] {
  const parent = join(dir, "checkpoints");
  const halfway = existsSync(parent) && readdirSync(parent).some((name) => /^\.step-.*tmp$/.test(name));
  return [...new Set([...inside, ...(halfway ? (["checkpoint"] as const) : [])])];
}

/** Asserts that two runs left the same: every file, but for times, their own place and how often they were continued. */
export function assertSameRun(found: string, expected: string): void {
  assert.deepEqual(filesOf(found), filesOf(expected), "the same files, and nothing left over");
  for (const name of filesOf(expected)) {
    if (name === "run.json") continue;
    const [one, other] = [found, expected].map((dir) => comparable(dir, name));
    assert.deepEqual(one, other, `${name} is the same`);
  }
}

function comparable(dir: string, name: string): unknown {
  const path = join(dir, name);
  if (basename(name) === "metrics.jsonl") return readMetrics(path).map(withoutTimings);
  const bytes = readFileSync(path);
  const text = (): string => bytes.toString().replaceAll(dir, "RUN");
  if (basename(name) === "summary.json") {
    const { trainingSeconds: _, resumed: __, ...rest } = JSON.parse(text()) as Record<string, unknown>;
    return rest;
  }
  if (name.endsWith(".jsonl")) return text().replaceAll(/"elapsedMs":[\d.e-]+/g, '"elapsedMs":0');
  if (name.endsWith("loop.json"))
    return text().replaceAll(/"trainingSeconds":[\d.e-]+/g, '"trainingSeconds":0');
  // The state holds a time, and so differs.
  if (name.endsWith("checksums.json")) return text().replace(/"loop\.json": \{[^}]*\}/, "");
  if (name.endsWith(".yaml")) return text();
  return createHash("sha256").update(bytes).digest("hex");
}

function filesOf(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .sort();
}

function marksOf(path: string): Pick<Ended, "inside" | "durations"> {
  const begun = new Map<Phase, number[]>(phases.map((phase) => [phase, []]));
  const durations: Record<Phase, number[]> = { rollout: [], python: [], optimiser: [], checkpoint: [] };
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
  for (const line of lines) {
    const [phase, time] = line.slice(1).split(" ") as [Phase, string];
    const open = begun.get(phase) ?? [];
    if (line.startsWith("+")) open.push(Number(time));
    else durations[phase].push(Number(time) - (open.shift() ?? NaN));
  }
  return { inside: phases.filter((phase) => (begun.get(phase) ?? []).length > 0), durations };
}

/** Adds all processes below `root` to `family`, each with the moment it began. */
function descendants(root: number, family: Map<number, string>): void {
  const children = (pid: number): number[] => {
    try {
      return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
        readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number),
      );
    } catch {
      return [];
    }
  };
  for (const pid of children(root)) {
    const began = beginOf(pid);
    if (began !== undefined) family.set(pid, began);
    descendants(pid, family);
  }
}

/** Field 22 of /proc/PID/stat; undefined for a process that is gone, or only waits to be buried. */
function beginOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function outliving(family: ReadonlyMap<number, string>): Promise<readonly number[]> {
  return remaining(() => [...family].flatMap(([pid, began]) => (beginOf(pid) === began ? [pid] : [])));
}

/** What is still there after a while. */
async function remaining<T>(look: () => readonly T[]): Promise<readonly T[]> {
  for (const end = performance.now() + PATIENCE_MS; look().length > 0 && performance.now() < end;)
    await new Promise((resolve) => setTimeout(resolve, 20));
  return look();
}
