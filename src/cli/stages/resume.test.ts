// A training run that is killed in the middle of a rollout, a Python call, an optimiser step and a checkpoint goes on with the
// same command, and ends bit for bit as one that nobody killed. (resume.parity.ts does it 25 times.)
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { randomStream } from "../../core/random.ts";
import { assertSameRun, type Ended, type Kill, killAndContinue, newTally, type Phase, phases, runChild, trainArgs } from "./testKills/kills.ts"; // prettier-ignore

const root = mkdtempSync(join(tmpdir(), "pyvision-resume-"));
after(() => rmSync(root, { recursive: true, force: true }));

describe("a run that was interrupted", { concurrency: 2 }, () => {
  const expected = join(root, "reference", "run");
  let reference: Ended;
  before(async () => {
    reference = await runChild(root, trainArgs(expected));
    assert.equal(reference.code, 0, reference.stderr);
  });

  test("five kills in one run, in the middle of everything: it ends as one that nobody killed", async (context) => {
    const tally = newTally();
    const folder = join(root, "kills");
    mkdirSync(folder);
    const random = randomStream(0, "five kills");
    const chain = ["rollout", "checkpoint", "python", "optimiser", "checkpoint"] as const;
    await killAndContinue({ folder, reference, expected, random, tally }, chain);
    const hit = phases.filter((phase) => tally.inside[phase] > 0);
    assert.ok(hit.length >= 3, JSON.stringify(tally));
    assert.ok(Math.max(...tally.goneOnAfter) >= 2, JSON.stringify(tally));
    context.diagnostic(JSON.stringify(tally));
  });

  test("Ctrl-C finishes the step and saves it; a checkpoint that is damaged then is passed over; it ends the same", async () => {
    const folder = join(root, "stopped");
    const dir = join(folder, "run");
    mkdirSync(folder);
    const stopped = await runChild(folder, trainArgs(dir), at("optimiser", 3, ["SIGINT"]));
    assert.equal(stopped.code, 130, stopped.stderr);
    assert.match(
      stopped.stderr,
      /Ctrl-C: stopping when this step is done and saved; Ctrl-C again stops at once/,
    );
    const told = /is saved up to step (\d) of train, and the same command goes on from there/;
    const step = Number(told.exec(stopped.stderr)?.[1]);
    assert.ok(step === 1 || step === 2, stopped.stderr);
    assert.deepEqual(stopped.orphans, []);
    assert.ok(!existsSync(join(dir, "lock.json")) && !existsSync(join(dir, "summary.json")));

    const other = await runChild(folder, trainArgs(dir, "--set", "seed=1"));
    assert.equal(other.code, 2);
    assert.match(
      other.stderr,
      /holds a run that is not over, and that was begun otherwise: seed was 0, now 1\./,
    );

    const newest = `step-00000${step}`;
    truncateSync(join(dir, "checkpoints", newest, "optimizer.safetensors"), 1000);
    const last = await runChild(folder, trainArgs(dir));
    assert.equal(last.code, 0, last.stderr);
    assert.match(
      last.stderr,
      /optimizer\.safetensors has 1000 bytes and was written with \d+; it is damaged and cannot be used; using the one before/,
    );
    assert.match(last.stderr, new RegExp(`train: going on after step ${step - 1}\n`));
    rmSync(join(dir, "checkpoints", `damaged-${newest}`), { recursive: true });
    assertSameRun(dir, expected);
    const { resumed } = JSON.parse(readFileSync(join(dir, "summary.json"), "utf8")) as { resumed: number };
    assert.equal(resumed, 1);
  });

  test("Ctrl-C twice stops at once, SIGTERM as Ctrl-C; both leave nothing behind, and it ends the same", async () => {
    const folder = join(root, "twice");
    const dir = join(folder, "run");
    mkdirSync(folder);
    const twice = await runChild(folder, trainArgs(dir), at("rollout", 12, ["SIGINT", "SIGINT"]));
    assert.equal(twice.code, 130, twice.stderr);
    assert.doesNotMatch(twice.stderr, /is saved up to step/);
    assert.deepEqual(twice.orphans, []);
    const terminated = await runChild(folder, trainArgs(dir), at("python", 2, ["SIGTERM", "SIGTERM"]));
    assert.equal(terminated.code, 130, terminated.stderr);
    assert.match(terminated.stderr, /SIGTERM: stopping[^]*is saved up to step \d of train/);
    const last = await runChild(folder, trainArgs(dir));
    assert.equal(last.code, 0, last.stderr);
    assertSameRun(dir, expected);
  });
});

function at(phase: Phase, occurrence: number, signals: readonly NodeJS.Signals[]): Kill {
  return { phase, occurrence, delayMs: 0, wholeGroup: false, signals };
}
