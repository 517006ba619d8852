// What the promises of the conformance suite are made of.
import assert from "node:assert/strict";
import type { RgbImage } from "../../core/image.ts";
import type { ToolOutcome, ToolResult } from "../../core/trajectory.ts";
import type { PythonRuntime } from "../runtime.ts";
import { LONG_MS, runCells } from "../testRuntime.ts";

export { runCells };

/** A runtime under the suite is started with these; the checks rely on them. */
export const CONFORMANCE_OPTIONS = {
  callTimeoutMs: LONG_MS,
  hardKillGraceMs: 2000,
  maxOutputBytes: 1000,
  maxFileBytes: 8 << 20,
  maxFiguresPerCall: 3,
  maxFigurePixels: 4_000_000,
  maxConcurrent: 4,
} as const;

export interface World {
  readonly runtime: PythonRuntime;
  /** Another runtime like it; whoever starts it closes it. */
  start(): Promise<PythonRuntime>;
}

export interface Case {
  /** Short and lasting: gaps are named by it. */
  readonly name: string;
  check(world: World): Promise<void>;
}

export const OK: ToolOutcome = { type: "ok" };

/** Runs the cells, which all have to be ok, and returns what each printed. */
export async function texts(
  runtime: PythonRuntime,
  cells: readonly string[],
  images: readonly RgbImage[] = [],
): Promise<string[]> {
  const results = await runCells(runtime, cells, images);
  for (const [i, { outcome }] of results.entries()) assert.deepEqual(outcome, OK, `cell ${i + 1}`);
  return results.map(({ stdout }) => stdout);
}

/** The one result of one cell. */
export async function runOne(
  runtime: PythonRuntime,
  cell: string,
  images: readonly RgbImage[] = [],
): Promise<ToolResult> {
  const [result] = await runCells(runtime, [cell], images);
  assert.ok(result);
  return result;
}

type PythonError = Extract<ToolOutcome, { type: "pythonError" }>;

export function pythonError({ outcome }: ToolResult): PythonError {
  assert.equal(outcome.type, "pythonError", JSON.stringify(outcome));
  return outcome;
}

/** Outcome, whether the state is kept, and text: what the agent acts on. */
export const facts = ({ outcome, alive, stdout }: ToolResult): unknown[] => [outcome.type, alive, stdout];

/** A picture whose every byte tells its place. */
export function pattern(width: number, height: number, seed = 0): RgbImage {
  const data = Uint8Array.from(
    { length: width * height * 3 },
    (_, i) => (i * 31 + (i >> 8) * 7 + seed * 101) % 256,
  );
  return { width, height, data };
}
