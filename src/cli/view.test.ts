import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startTestRun } from "../viewer/testRun.ts";

const root = mkdtempSync(join(tmpdir(), "pyvision-view-"));
after(() => rmSync(root, { recursive: true, force: true }));
const bin = fileURLToPath(new URL("../../bin/pyvision.mjs", import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** @param onLine may end the program once it has said something */
function pyvision(args: readonly string[], onLine?: (out: string, stop: () => void) => void): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, ...args], { cwd: root });
    let out = "";
    let err = "";
    child.stdout.on("data", (part: Buffer) => {
      out += part.toString();
      onLine?.(out, () => child.kill("SIGINT"));
    });
    child.stderr.on("data", (part: Buffer) => (err += part.toString()));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

test("view serves a run until Ctrl-C", async () => {
  const run = startTestRun(join(root, "run"), { groups: 2, members: 2, stored: 4 });
  await run.step();
  let status: Promise<number> | undefined;
  const ended = await pyvision(["view", run.dir, "--port", "0"], (out, stop) => {
    const url = /viewer: (http:\/\/127\.0\.0\.1:\d+\/)\n/.exec(out)?.[1];
    if (url === undefined || status !== undefined) return;
    status = fetch(`${url}api/runs/run`).then((response) => response.status);
    void status.finally(stop);
  });
  assert.equal(await status, 200);
  assert.equal(ended.code, 0);
});

test("view --export writes one file and says how large it is", async () => {
  const run = startTestRun(join(root, "exported"), { groups: 2, members: 2, stored: 4 });
  for (let i = 0; i < 3; i++) await run.step();
  const args = [
    "view",
    run.dir,
    "--export",
    join(root, "out.html"),
    "--steps",
    "2-3",
    "--max-trajectories",
    "6",
  ];
  const { code, out } = await pyvision(args);
  assert.equal(code, 0);
  assert.match(out, /out\.html: 0\.\d MB with 6 of 8 stored trajectories and \d pictures/);
  assert.match(readFileSync(join(root, "out.html"), "utf8"), /^<!doctype html>/);
});

test("what cannot be done is said, with the remedy", async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["view", "nowhere"], /view nowhere: holds no run/],
    [["view", "--export", "x.html"], /--export: name the runs to export/],
    [["view", "--steps", "3"], /--steps: goes with --export FILE/],
    [["view", "--steps", "5-3"], /Must be one step or a range such as 10-20/],
    [["view", "--port", "70000"], /Must be a whole number from 0 to 65535/],
  ];
  for (const [args, message] of cases) {
    const { code, err } = await pyvision(args);
    assert.match(err, message);
    assert.equal(code, 2, args.join(" "));
  }
});
