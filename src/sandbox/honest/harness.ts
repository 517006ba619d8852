// Runs honest programs in a runtime and compares what they print and show to the letter.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PythonRuntime } from "../runtime.ts";
import { HONEST_PROGRAMS } from "./all.ts";
import { type HonestProgram, PICTURE } from "./program.ts";

/**
 * Defines one test of node:test for every program.
 * @param video path of the file that `makeVideo` wrote
 * @param exclusions program name -> why this kind of runtime cannot run it; shown as skipped, with the reason
 */
export function defineHonestSuite(
  name: string,
  runtime: PythonRuntime,
  video: string,
  exclusions: Readonly<Record<string, string>> = {},
): void {
  const unknown = Object.keys(exclusions).filter(
    (excluded) => !HONEST_PROGRAMS.some((p) => p.name === excluded),
  );
  test(`${name}: exclusions name programs of the corpus`, () => assert.deepEqual(unknown, []));
  for (const program of HONEST_PROGRAMS) {
    const reason = exclusions[program.name];
    void test(`${name}: ${program.name}`, reason === undefined ? {} : { skip: reason }, () =>
      runHonest(runtime, program, video),
    );
  }
}

/** Runs the program in a session of its own. @throws AssertionError when a cell does not end, print or show as it should */
export async function runHonest(
  runtime: PythonRuntime,
  program: HonestProgram,
  video: string,
): Promise<void> {
  const videos = program.video === true ? [video] : [];
  const session = await runtime.open({ images: [PICTURE], videos });
  try {
    for (const { run, prints, figures } of program.cells) {
      const result = await session.run(run);
      const sizes = result.figures.map(({ width, height }) => `${width}x${height}`).join(" ");
      const { outcome, stdout, alive } = result;
      assert.deepEqual(
        { outcome, stdout, alive, figures: sizes },
        { outcome: { type: "ok" }, stdout: prints, alive: true, figures: figures ?? "" },
      );
    }
  } finally {
    await session.close();
  }
}
