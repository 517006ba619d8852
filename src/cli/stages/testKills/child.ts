// The command as it is, in a process that writes down what it is doing and, when told to, dies of SIGKILL in the middle of it.
// The signal is sent by a thread of its own, so that it also comes while the main thread computes.
import fs, { appendFileSync, openSync, readFileSync, writeSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { EmbeddedEngine } from "../../../engines/embedded/embeddedEngine.ts";
import { Session } from "../../../sandbox/session.ts";
import type { Order, Phase } from "./kills.ts";

const [, , orderPath = ""] = process.argv;
const { args, events, kill } = JSON.parse(readFileSync(orderPath, "utf8")) as Order;

// Words that both threads see: whether the moment to count from has come, how many phases of the kind are open, whether all
// signals are sent, and who has the turn: nobody, the thread that makes a temporary folder, or the one that kills.
const [BEGUN, OPEN, SENT, TURN] = [0, 1, 2, 3];
const [NOBODY, MAKING, KILLING] = [0, 1, 2];
const shared = new Int32Array(new SharedArrayBuffer(16));

// A kill that is meant for a phase comes inside of it, however long it takes on this machine: when the delay has outlasted it,
// in the next one. A checkpoint is being written for as long as it has no name, which is longer than the engine's part of it.
const KILLER = `
  const { workerData: { shared, delayMs, pid, signals, checkpoints } } = require("node:worker_threads");
  const { existsSync, readdirSync } = require("node:fs");
  const isHalfway = () =>
    checkpoints !== undefined && existsSync(checkpoints) &&
    readdirSync(checkpoints).some((name) => name.startsWith(".step-") && name.endsWith(".tmp"));
  const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  while (Atomics.load(shared, ${BEGUN}) === 0) Atomics.wait(shared, ${BEGUN}, 0);
  sleep(delayMs);
  while (Atomics.load(shared, ${OPEN}) === 0 && !isHalfway()) Atomics.wait(shared, ${OPEN}, 0, 1);
  while (Atomics.compareExchange(shared, ${TURN}, ${NOBODY}, ${KILLING}) === ${MAKING})
    Atomics.wait(shared, ${TURN}, ${MAKING});
  for (const signal of signals) {
    process.kill(pid, signal);
    sleep(50);
  }
  Atomics.store(shared, ${TURN}, ${NOBODY});
  Atomics.store(shared, ${SENT}, 1);
  for (const word of [${TURN}, ${SENT}]) Atomics.notify(shared, word);`;

if (kill !== undefined) {
  const { phase, delayMs, wholeGroup, signals = ["SIGKILL"] } = kill;
  const pid = wholeGroup ? -process.pid : process.pid;
  const run = args[args.indexOf("--run") + 1] as string;
  const checkpoints = phase === "checkpoint" ? join(run, "checkpoints") : undefined;
  const workerData = { shared, delayMs, pid, signals, checkpoints };
  new Worker(KILLER, { eval: true, workerData }).unref();
  if (phase === "anywhere") opened(true);
}

/** @param begins the killer counts from here */
function opened(begins: boolean): void {
  Atomics.add(shared, OPEN, 1);
  if (begins) Atomics.store(shared, BEGUN, 1);
  for (const word of [BEGUN, OPEN]) Atomics.notify(shared, word);
}

// Killed between the making of the Python tool's folder and the start of the process that removes it, it leaves the folder
// (sandbox/zygote.ts tells so): no kill is to come there. Both are of one turn of the loop.
const makeFolder = fs.mkdtempSync;
fs.mkdtempSync = ((...given: Parameters<typeof makeFolder>) => {
  while (Atomics.compareExchange(shared, TURN, NOBODY, MAKING) === KILLING)
    Atomics.wait(shared, TURN, KILLING);
  setImmediate(() => {
    Atomics.store(shared, TURN, NOBODY);
    Atomics.notify(shared, TURN);
  });
  return makeFolder(...given);
}) as typeof makeFolder;
syncBuiltinESMExports();

appendFileSync(events, "");
const log = openSync(events, "a");
let entered = 0;

function enter(phase: Phase): void {
  writeSync(log, `+${phase} ${performance.now()}\n`);
  if (kill?.phase !== phase) return;
  const begins = ++entered === kill.occurrence;
  opened(begins);
  // Signals that are heard: all of them have come before the phase goes on, and as near to each other as they are sent.
  if (begins && kill.signals !== undefined) Atomics.wait(shared, SENT, 0, 60_000);
}

function leave(phase: Phase): void {
  writeSync(log, `-${phase} ${performance.now()}\n`);
  if (kill?.phase === phase) Atomics.sub(shared, OPEN, 1);
}

/** Puts marks around a method. */
function watch<K extends string>(prototype: Record<K, unknown>, name: K, phase: Phase): void {
  const original = prototype[name] as (...args: unknown[]) => Promise<unknown>;
  prototype[name] = async function (this: unknown, ...given: unknown[]) {
    enter(phase);
    try {
      return await original.apply(this, given);
    } finally {
      leave(phase);
    }
  };
}

watch(EmbeddedEngine.prototype as never, "sample", "rollout");
watch(Session.prototype as never, "run", "python");
watch(EmbeddedEngine.prototype as never, "forwardBackward", "optimiser");
watch(EmbeddedEngine.prototype as never, "optimStep", "optimiser");
watch(EmbeddedEngine.prototype as never, "saveState", "checkpoint");

const { runCli } = await import("../../program.ts");
process.exitCode = await runCli(args);
