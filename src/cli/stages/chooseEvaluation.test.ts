// Which folder an evaluation writes: the same settings go on, others begin another or are refused by name.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import { ConfigError } from "../../core/errors.ts";
import type { EvaluationRun } from "../../evaluation/evaluationRun.ts";
import { parseConfig } from "../../runs/config.ts";
import { chooseEvaluation, type ChooseEvaluationOptions } from "./chooseEvaluation.ts";

const top = mkdtempSync(join(tmpdir(), "pyvision-choose-"));
after(() => rmSync(top, { recursive: true, force: true }));
let roots = 0;
const newRoot = (): string => join(top, String(roots++));

const evaluation: EvaluationRun = {
  version: 1,
  repeats: 1,
  weights: { "model.safetensors": "ab" },
  available: 5,
  title: "V*",
  positions: [0, 1, 2],
  isolation: "",
};
const config = parseConfig("name: eval-vstar", "test");

function choose(more: Partial<ChooseEvaluationOptions>): { name: string; said: string } {
  const { run, lock, said } = chooseEvaluation({ config, evaluation, anew: false, ...more });
  lock.release();
  return { name: basename(run.path), said };
}

const refuses = (what: () => unknown, message: RegExp): void =>
  assert.throws(what, (error: Error) => error instanceof ConfigError && message.test(error.message));

test("without --out: the newest of its name with the same settings, else the next number", () => {
  const root = newRoot();
  assert.match(choose({ root }).said, /^evaluation in /);
  assert.deepEqual(choose({ root }), {
    name: "eval-vstar",
    said: `continuing ${join(root, "eval-vstar")} (--new begins anew)`,
  });
  assert.equal(choose({ root, config: { ...config, seed: 1 } }).name, "eval-vstar-2");
  assert.equal(choose({ root, evaluation: { ...evaluation, repeats: 2 } }).name, "eval-vstar-3");
  assert.equal(choose({ root, evaluation: { ...evaluation, weights: {} } }).name, "eval-vstar-4");
  assert.equal(choose({ root }).name, "eval-vstar");
  assert.equal(choose({ root, anew: true }).name, "eval-vstar-5");
});

test("--out: goes on with the same settings, names what differs, and replaces with --new", () => {
  const dir = newRoot();
  choose({ dir });
  assert.match(choose({ dir }).said, /^continuing /);
  refuses(
    () =>
      choose({
        dir,
        config: { ...config, seed: 1 },
        evaluation: { ...evaluation, repeats: 2, weights: {}, positions: [1] },
      }),
    /^--out .*: holds an evaluation that was begun otherwise: seed was 0, now 1; --repeats was 1, now 2; the files of the checkpoint are not what they were; the items are not what they were \(3, now 1\)\./,
  );
  writeFileSync(join(dir, "items.jsonl"), "old");
  choose({ dir, anew: true, config: { ...config, seed: 1 } });
  assert.match(choose({ dir, config: { ...config, seed: 1 } }).said, /^continuing /);
});

test("answers whose evaluation.json is lost or damaged are not continued; without answers it is written anew", () => {
  const [root, dir] = [newRoot(), newRoot()];
  for (const where of [{ root }, { dir }]) {
    choose(where);
    const path = "dir" in where ? dir : join(root, "eval-vstar");
    const file = join(path, "evaluation.json");
    const written = readFileSync(file, "utf8");
    rmSync(file);
    assert.match(choose(where).said, /^continuing /);
    assert.equal(readFileSync(file, "utf8"), written);
    writeFileSync(join(path, "items.jsonl"), "{}\n");
    assert.match(choose(where).said, /^continuing /);
    writeFileSync(file, written.slice(0, 20));
    refuses(
      () => choose(where),
      /^\/.*evaluation\.json: .* is damaged; put it back, or give --new to begin anew$/,
    );
    rmSync(file);
    refuses(() => choose(where), /evaluation\.json: .* is missing;.*--new/);
    assert.match(choose({ ...where, anew: true }).said, /^evaluation in /);
  }
  assert.equal(choose({ root, config: { ...config, seed: 5 } }).name, "eval-vstar-3");
});

test("--out: a folder of something else stays as it is, with and without --new", () => {
  const dir = newRoot();
  mkdirSync(dir);
  writeFileSync(join(dir, "thesis.tex"), "");
  for (const anew of [false, true])
    refuses(
      () => choose({ dir, anew }),
      /^--out .*: already holds files \(thesis\.tex\); name another directory, or one that is empty$/,
    );
});

test("one process at a time", () => {
  const dir = newRoot();
  const { lock } = chooseEvaluation({ config, evaluation, anew: false, dir });
  refuses(() => choose({ dir }), /^--out .*: process \d+ is writing this run/);
  lock.release();
  choose({ dir });
});
