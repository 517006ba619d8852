// What the tests of the runtime share: one runtime a file, closed at its end, and short ways to run cells.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { after } from "node:test";
import type { RgbImage } from "../core/image.ts";
import type { ToolResult } from "../core/trajectory.ts";
import { type PythonRuntimeOptions, startPythonRuntime } from "./forkServer.ts";
import type { PythonRuntime, PythonSession } from "./runtime.ts";

/** For what only a program without isolation can do, e.g. start other programs. */
export const UNISOLATED = { launchers: ["none"], leastIsolation: "process" } as const;

const ELSEWHERE = process.platform === "linux" ? {} : UNISOLATED;

/** For node:test's `skip`: bubblewrap is not needed, the worker makes the same namespaces without it. */
export const withoutBubblewrap: string | false =
  spawnSync("bwrap", ["--version"]).status === 0 ? false : "bubblewrap (bwrap) is not installed";

/** A limit that is not to be reached: a machine may stand still for seconds. */
export const LONG_MS = 60_000;
/** A limit that is to be reached by a program that only waits, or that may as well end before. */
export const SOON_MS = 2000;
/** The same for a program that has to do something before: also on a machine that stands still for a while. */
export const LATER_MS = 10_000;
/** A busy machine's due, on top of a limit that is to be reached. */
export const SLACK_MS = 15_000;

/** A runtime that the test file closes when it is done. */
export async function runtimeForTests(options: PythonRuntimeOptions = {}): Promise<PythonRuntime> {
  const runtime = await startPythonRuntime({ callTimeoutMs: LONG_MS, ...ELSEWHERE, ...options });
  after(() => runtime.close());
  return runtime;
}

/** A cell with limits of its own. What it has to do before its limit takes at least 10 s to be certain. */
export interface LimitedCell {
  readonly run: string;
  readonly limitMs: number;
  /** Default LONG_MS: the interruption is to be heeded. */
  readonly graceMs?: number;
}

/** Runs one cell under other limits of time than the runtime's: calls beside it keep the time they need. */
export function runLimited(session: PythonSession, cell: LimitedCell): Promise<ToolResult> {
  const { run, limitMs: callTimeoutMs, graceMs: hardKillGraceMs = LONG_MS } = cell;
  return session.run(run, { callTimeoutMs, hardKillGraceMs });
}

/** Runs the cells in a session of their own and returns the results. */
export async function runCells(
  runtime: PythonRuntime,
  cells: readonly (string | LimitedCell)[],
  images: readonly RgbImage[] = [],
): Promise<ToolResult[]> {
  const session = await runtime.open({ images });
  try {
    const results: ToolResult[] = [];
    for (const cell of cells)
      results.push(await (typeof cell === "string" ? session.run(cell) : runLimited(session, cell)));
    return results;
  } finally {
    await session.close();
  }
}

/** Runs one cell that has to be ok and returns what it printed. */
export async function printed(session: PythonSession, cell: string): Promise<string> {
  const { outcome, stdout } = await session.run(cell);
  assert.deepEqual(outcome, { type: "ok" });
  return stdout;
}

/** Pids of processes that carry the text in their command line or environment. */
export function processesWith(text: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) =>
      [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`].some((path) => readable(path).includes(text)),
    )
    .map(Number);
}

function readable(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // it has ended in the meantime
  }
}
