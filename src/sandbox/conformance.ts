// One suite of what every Python runtime promises, whatever stands behind it. A promise that a runtime cannot keep is a
// gap with a reason: its test then asserts that the behaviour is missing indeed, so that no gap outlives its cause.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { PyVisionError } from "../core/errors.ts";
import { DEADLINES } from "./conformance/deadlines.ts";
import { LANGUAGE } from "./conformance/language.ts";
import { OUTPUT } from "./conformance/output.ts";
import { PICTURES } from "./conformance/pictures.ts";
import type { Case, World } from "./conformance/case.ts";
import { SESSIONS } from "./conformance/sessions.ts";
import type { PythonRuntime } from "./runtime.ts";

export { CONFORMANCE_OPTIONS } from "./conformance/case.ts";

interface Group {
  readonly name: string;
  readonly cases: readonly Case[];
  /** How many are checked side by side. */
  readonly atOnce: number;
}

const GROUPS: readonly Group[] = [
  { name: "cells", cases: [...LANGUAGE, ...OUTPUT, ...PICTURES], atOnce: 1 },
  { name: "deadlines", cases: DEADLINES, atOnce: 4 }, // most of it is waiting
  { name: "sessions", cases: SESSIONS, atOnce: 1 },
];
const CASES: readonly Case[] = GROUPS.flatMap(({ cases }) => cases);

/**
 * Registers the suite.
 * @param start starts a runtime with CONFORMANCE_OPTIONS; the suite closes it
 * @param gaps reasons by the names of promises that are not kept
 */
export function defineConformance(
  name: string,
  start: () => Promise<PythonRuntime>,
  gaps: Readonly<Record<string, string>> = {},
): void {
  const unknown = Object.keys(gaps).filter((gap) => !CASES.some((one) => one.name === gap));
  if (unknown.length > 0)
    throw new Error(
      `gaps: there is no promise named "${unknown.join('", "')}"; src/sandbox/conformance has them all`,
    );
  describe(`${name} keeps the contract`, () => {
    let runtime: PythonRuntime | undefined;
    before(async () => (runtime = await start()));
    after(() => runtime?.close());
    const world = (): World => {
      assert.ok(runtime, "the runtime did not start");
      return { runtime, start };
    };
    const define = ({ name: promise, check }: Case): void => {
      const reason = gaps[promise];
      if (reason === undefined) void test(promise, () => check(world()));
      else
        void test(`gap: ${promise}: ${reason}`, async () => {
          await assert.rejects(
            check(world()),
            isMiss,
            `the promise "${promise}" is kept: take it out of the gaps`,
          );
        });
    };
    for (const group of GROUPS)
      describe(group.name, { concurrency: group.atOnce }, () => group.cases.forEach(define));
  });
}

/** Whether the check found the promise broken, and did not merely break itself. */
function isMiss(error: unknown): boolean {
  return error instanceof assert.AssertionError || error instanceof PyVisionError;
}
