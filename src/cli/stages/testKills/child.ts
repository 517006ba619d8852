// The command as it is, in a process that writes down what it is doing and, when told to, dies of SIGKILL in the middle of it.
// The signal is sent by a thread of its own, so that it also comes while the main thread computes.
import { appendFileSync, openSync, readFileSync, writeSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { EmbeddedEngine } from "../../../engines/embedded/embeddedEngine.ts";
import { Session } from "../../../sandbox/session.ts";
import type { Order, Phase } from "./kills.ts";

const [, , orderPath = ""] = process.argv;
const { args, events, kill } = JSON.parse(readFileSync(orderPath, "utf8")) as Order;

const KILLER = `
  const { workerData: { flag, delayMs, pid, signals } } = require("node:worker_threads");
  const wait = new Int32Array(flag);
  Atomics.wait(wait, 0, 0);
  const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  sleep(delayMs);
  for (const signal of signals) {
    process.kill(pid, signal);
    sleep(50);
  }`;

const flag = new SharedArrayBuffer(4);
if (kill !== undefined) {
  const { delayMs, wholeGroup, signals = ["SIGKILL"] } = kill;
  const pid = wholeGroup ? -process.pid : process.pid;
  new Worker(KILLER, { eval: true, workerData: { flag, delayMs, pid, signals } }).unref();
  if (kill.phase === "anywhere") trigger();
}

function trigger(): void {
  Atomics.store(new Int32Array(flag), 0, 1);
  Atomics.notify(new Int32Array(flag), 0);
}

appendFileSync(events, "");
const log = openSync(events, "a");
let entered = 0;

function enter(phase: Phase): void {
  writeSync(log, `+${phase} ${performance.now()}\n`);
  if (kill?.phase === phase && ++entered === kill.occurrence) trigger();
}

function leave(phase: Phase): void {
  writeSync(log, `-${phase} ${performance.now()}\n`);
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
