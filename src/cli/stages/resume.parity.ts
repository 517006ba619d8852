// 25 kills at moments drawn from a seed: inside rollouts, Python calls, optimiser steps and checkpoint writes, and anywhere.
// Some runs are killed once, others again and again; all end as the run that nobody killed, bit for bit.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { randomStream } from "../../core/random.ts";
import { type Ended, type Kill, killAndContinue, newTally, phases, runChild, trainArgs } from "./testKills/kills.ts"; // prettier-ignore

const SEED = Number(process.env["PYVISION_KILL_SEED"] ?? 0);
const root = mkdtempSync(join(tmpdir(), "pyvision-kills-"));
after(() => rmSync(root, { recursive: true, force: true }));

const A = "anywhere";
const AGAIN_AND_AGAIN: readonly (readonly Kill["phase"][])[] = [
  ["rollout", "checkpoint", "python", "optimiser", A],
  ["checkpoint", "optimiser", "rollout", "python", "checkpoint"],
  ["python", A, "checkpoint", "rollout", "optimiser"],
];
const ONCE: readonly Kill["phase"][] = [
  ...(["rollout", "python", "optimiser", "optimiser", "checkpoint", "checkpoint", A, A, A, A] as const),
];

describe("killed and continued", () => {
  const tally = newTally();
  const expected = join(root, "reference", "run");
  let reference: Ended;
  before(async () => {
    reference = await runChild(root, trainArgs(expected));
    assert.equal(reference.code, 0, reference.stderr);
  });

  [...AGAIN_AND_AGAIN, ...ONCE.map((phase) => [phase])].forEach((chain, i) =>
    test(`${chain.join(", ")}: the run ends as one that nobody killed`, async () => {
      const folder = join(root, String(i));
      mkdirSync(folder);
      const random = randomStream(SEED, "kills", i);
      await killAndContinue({ folder, reference, expected, random, tally }, chain);
    }),
  );

  test("each kind of moment was hit at least twice", (context) => {
    context.diagnostic(`25 kills inside: ${JSON.stringify(tally)} (seed ${SEED})`);
    for (const phase of phases) assert.ok(tally[phase] >= 2, `${phase}: ${tally[phase]}`);
  });
});
