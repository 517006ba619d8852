// 25 kills at moments drawn from a seed: inside rollouts, Python calls, optimiser steps and checkpoint writes, and anywhere.
// Some runs are killed once, others again and again; all end as the run that nobody killed, bit for bit.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { randomStream } from "../../core/random.ts";
import { assertSameRun, type Ended, type Kill, killAndContinue, newTally, phases, runChild, trainArgs } from "./testKills/kills.ts"; // prettier-ignore

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

/** The two stages before RL, small. */
const COLD_START = [
  "pretrain.steps=3",
  "pretrain.batchSize=4",
  "pretrain.saveEvery=1",
  "sft.demonstrations=12",
  "sft.batchSize=6",
  "sft.saveEvery=1",
].flatMap((setting) => ["--set", setting]);

test("--from-scratch: killed while it pretrains, fine-tunes and reinforces, each stage goes on where it was", async () => {
  const args = (name: string): string[] =>
    trainArgs(join(root, name, "run"), "--from-scratch", ...COLD_START);
  const whole = await runChild(root, args("scratch-whole"));
  assert.equal(whole.code, 0, whole.stderr);
  const said: string[] = [];
  // At the third checkpoint of pretrain's; the second of sft's, behind the last of pretrain's; the third of RL's.
  for (const occurrence of [3, 3, 6]) {
    const kill = { phase: "checkpoint", occurrence, delayMs: 0, wholeGroup: true } as const;
    const killed = await runChild(root, args("scratch-killed"), kill);
    assert.equal(killed.signal, "SIGKILL", killed.stderr);
    said.push(...(/\w+: going on after step \d/.exec(killed.stderr) ?? []));
  }
  const last = await runChild(root, args("scratch-killed"));
  assert.equal(last.code, 0, last.stderr);
  said.push(...(/\w+: going on after step \d/.exec(last.stderr) ?? []));
  assert.deepEqual(said, [
    "pretrain: going on after step 2",
    "sft: going on after step 1",
    "train: going on after step 1",
  ]);
  assertSameRun(join(root, "scratch-killed", "run"), join(root, "scratch-whole", "run"));
});

describe("killed and continued", () => {
  const tally = newTally();
  const expected = join(root, "reference", "run");
  let reference: Ended;
  before(async () => {
    reference = await runChild(root, trainArgs(expected));
    assert.equal(reference.code, 0, reference.stderr);
  });

  [...AGAIN_AND_AGAIN, ...ONCE.map((phase) => [phase])].forEach((chain, i) => {
    test(`${chain.join(", ")}: the run ends as one that nobody killed`, async () => {
      const folder = join(root, String(i));
      mkdirSync(folder);
      const random = randomStream(SEED, "kills", i);
      await killAndContinue({ folder, reference, expected, random, tally }, chain);
    });
  });

  test("each kind of moment was hit at least twice", (context) => {
    const { inside, goneOnAfter } = tally;
    context.diagnostic(`25 kills inside: ${JSON.stringify(inside)} (seed ${SEED})`);
    context.diagnostic(`runs went on after steps ${[...goneOnAfter].sort().join(" ")}`);
    for (const phase of phases) assert.ok(inside[phase] >= 2, `${phase}: ${inside[phase]}`);
    // Steps differ with the machine's speed, as far as kills at any moment and their successors do.
    const steps = new Set(goneOnAfter.filter((step) => step > 0));
    assert.ok(steps.size >= 2, `runs went on after ${steps.size} different steps`);
  });
});
