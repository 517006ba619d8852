// One suite of what every engine promises (engine.ts), whatever computes behind it. A promise that an engine cannot keep
// is a gap with a reason: its test then asserts that the behaviour is missing indeed, so that no gap outlives its cause.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { PyVisionError } from "../core/errors.ts";
import { CACHING } from "./conformance/caching.ts";
import type { Case, EngineMaker } from "./conformance/case.ts";
import { ERRORS } from "./conformance/errors.ts";
import { LOSSES } from "./conformance/losses.ts";
import { SAMPLING } from "./conformance/sampling.ts";
import { STATE } from "./conformance/state.ts";
import { TRAINING } from "./conformance/training.ts";
import type { Engine } from "./engine.ts";

export type { EngineMaker } from "./conformance/case.ts";

const CASES: readonly Case[] = [...SAMPLING, ...CACHING, ...TRAINING, ...LOSSES, ...STATE, ...ERRORS];

export interface EngineConformanceOptions {
  /** Largest difference of log-probabilities that rounding may make, in nats. Default: 1e-4. */
  readonly tolerance?: number;
}

/**
 * Registers the suite.
 * @param make starts an engine: with weights that are always the same (random ones will do), or with those in `dir`; its
 *   tokenizer must have the words of plain English text, its images may be as small as 56 × 56 pixels
 * @param gaps reasons by the names of promises that are not kept
 */
export function defineEngineConformance(
  name: string,
  make: EngineMaker,
  gaps: Readonly<Record<string, string>> = {},
  { tolerance = 1e-4 }: EngineConformanceOptions = {},
): void {
  const unknown = Object.keys(gaps).filter((gap) => !CASES.some((one) => one.name === gap));
  if (unknown.length > 0)
    throw new Error(
      `gaps: there is no promise named "${unknown.join('", "')}"; src/engines/conformance has them all`,
    );
  describe(`${name} keeps the engine contract`, () => {
    let engine: Engine | undefined;
    before(async () => (engine = await make()));
    after(() => engine?.dispose());
    const run = (one: Case): Promise<void> => {
      assert.ok(engine, "the engine did not start");
      return checkCase(one, engine, make, tolerance);
    };
    for (const one of CASES) {
      const reason = gaps[one.name];
      if (reason === undefined) test(one.name, () => run(one));
      else
        test(`gap: ${one.name}: ${reason}`, async () => {
          await assert.rejects(
            run(one),
            isMiss,
            `the promise "${one.name}" is kept: take it out of the gaps`,
          );
        });
    }
  });
}

/** Checks one promise by its name. @throws AssertionError or the engine's own error when it is not kept */
export async function checkEnginePromise(name: string, make: EngineMaker, tolerance = 1e-4): Promise<void> {
  const found = CASES.find((one) => one.name === name);
  if (found === undefined) throw new Error(`internal: there is no promise named "${name}"`);
  const engine = await make();
  try {
    await checkCase(found, engine, make, tolerance);
  } finally {
    await engine.dispose();
  }
}

async function checkCase(
  { check }: Case,
  engine: Engine,
  make: EngineMaker,
  tolerance: number,
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "pyvision-engine-"));
  const made: Engine[] = [];
  const makeOne: EngineMaker = async (from) => {
    const another = await make(from);
    made.push(another);
    return another;
  };
  try {
    await check({ engine, make: makeOne, dir, tolerance });
  } finally {
    for (const another of made) await another.dispose();
    await rm(dir, { recursive: true });
  }
}

/** Whether the check found the promise broken, and did not merely break itself. */
function isMiss(error: unknown): boolean {
  return error instanceof assert.AssertionError || error instanceof PyVisionError;
}
