// The command as a user meets it: a process, its streams and its exit code.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createRequire } from "node:module";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));
const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const root = mkdtempSync(join(tmpdir(), "pyvision-cli-"));
after(() => rmSync(root, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `pyvision` in an empty folder. */
function pyvision(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["--import", tsx, main, ...args], { cwd: root }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe("pyvision", { concurrency: 2 }, () => {
  test("--help names every command on stdout", async () => {
    const { code, stdout, stderr } = await pyvision("--help");
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^Usage: pyvision \[options\] \[command\]/);
    const named = [...stdout.slice(stdout.indexOf("Commands:")).matchAll(/^ {2}(\w+) /gm)].map(
      ([, name]) => name,
    );
    const offered = [
      "doctor",
      "train",
      "sft",
      "synth",
      "pretrain",
      "eval",
      "evaluate",
      "rollout",
      "ask",
      "serve",
      "exec",
      "tasks",
      "data",
      "compare",
      "study",
      "view",
      "export",
      "bench",
    ];
    assert.deepEqual(named, [...offered, "help"]);
  });

  test("no command is no default action: help on stderr and exit code 2", async () => {
    const { code, stdout, stderr } = await pyvision();
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^Usage: pyvision/);
  });

  test("train --help explains --set, --run and --overwrite", async () => {
    const { code, stdout } = await pyvision("train", "--help");
    assert.equal(code, 0);
    for (const option of ["--set <key=value>", "--run <dir>", "--overwrite"])
      assert.ok(stdout.includes(option), option);
  });

  test("an unknown key is one clear message with exit code 2 and makes no run", async () => {
    writeFileSync(join(root, "bad.yaml"), "reward:\n  toolcall: 0\n");
    const { code, stdout, stderr } = await pyvision("train", "bad.yaml", "--run", "made");
    assert.deepEqual([code, stdout], [2, ""]);
    assert.equal(
      stderr,
      "error: bad.yaml: unknown key reward.toolcall (value 0); nearest valid name: reward.toolCall\n",
    );
  });

  test("--set is repeatable and its mistakes name it", async () => {
    writeFileSync(join(root, "empty.yaml"), "");
    const { code, stderr } = await pyvision("sft", "empty.yaml", "--set", "seed=1", "--set", "train.stepz=3");
    assert.equal(code, 2);
    assert.equal(
      stderr,
      "error: --set train.stepz=3: unknown key train.stepz (value 3); nearest valid name: train.steps\n",
    );
  });

  test("--debug adds the stack", async () => {
    const { code, stderr } = await pyvision("pretrain", "nowhere.yaml", "--debug");
    assert.equal(code, 2);
    assert.match(stderr, /^error: ConfigError: config file nowhere\.yaml cannot be read: ENOENT.*\n\s+at /);
  });

  test("a misspelt command or option is answered with the nearest one", async () => {
    const command = await pyvision("trian", "empty.yaml");
    assert.equal(command.code, 2);
    assert.match(command.stderr, /unknown command 'trian'\n\(Did you mean train\?\)/);
    const option = await pyvision("train", "empty.yaml", "--sett", "a=1");
    assert.equal(option.code, 2);
    assert.match(option.stderr, /unknown option '--sett'\n\(Did you mean --set\?\)/);
  });

  test("--run into a folder that holds something is refused before any work", async () => {
    const { code, stderr } = await pyvision("train", "empty.yaml", "--run", ".");
    assert.equal(code, 2);
    assert.match(stderr, /^error: --run .*: already holds files \(.*\); name an empty or new directory\n$/);
  });
});
