// The launcher must be indistinguishable from the program it starts: exit code, death by signal, signals passed on, and
// the directory it was called from.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { projectRoot } from "./setup.mjs";

const dir = realpathSync(mkdtempSync(join(tmpdir(), "pyvision-launch-")));
after(() => rmSync(dir, { recursive: true, force: true }));

/** Launches a TypeScript program from a directory outside the project, in a session without a terminal. */
function launched(name, source) {
  writeFileSync(join(dir, name), source);
  const url = pathToFileURL(join(projectRoot, "scripts/launch.mjs")).href;
  const script = `const { launch } = await import(${JSON.stringify(url)}); await launch(process.argv.slice(1));`;
  const args = ["--input-type=module", "-e", script, "--", name, "--set", "a=b c"];
  return spawn(process.execPath, args, { cwd: dir, stdio: ["ignore", "pipe", "pipe"], detached: true });
}

/** @returns {Promise<{ code: number | null, signal: string | null, stdout: string }>} */
function ended(child) {
  let stdout = "";
  child.stdout.on("data", (chunk) => (stdout += chunk));
  return new Promise((resolve) => child.on("close", (code, signal) => resolve({ code, signal, stdout })));
}

test("exit code, arguments and directory are the program's own", async () => {
  const source =
    "console.log(JSON.stringify([process.argv.slice(2), process.cwd()])); process.exitCode = 7 as number;";
  const { code, stdout } = await ended(launched("code.ts", source));
  assert.deepEqual(JSON.parse(stdout), [["--set", "a=b c"], dir]);
  assert.equal(code, 7);
});

test("a program that dies of a signal takes the launcher with it in the same way", async () => {
  const source = 'process.kill(process.pid, "SIGKILL" as NodeJS.Signals);';
  assert.equal((await ended(launched("dies.ts", source))).signal, "SIGKILL");
});

for (const name of /** @type {const} */ (["SIGTERM", "SIGINT"])) {
  test(`${name} reaches the program once, which may end as it likes`, async () => {
    const source = `let count: number = 0;
      process.on("${name}", () => { count++; setTimeout(() => { console.log(count); process.exit(3); }, 100); });
      setInterval(() => {}, 1000);
      console.log("ready");`;
    const child = launched("waits.ts", source);
    child.stdout.once("data", () => child.kill(name));
    assert.deepEqual(await ended(child), { code: 3, signal: null, stdout: "ready\n1\n" });
  });
}

test("a filter that no test file matches is an error that names it", async () => {
  const args = [join(projectRoot, "scripts/test.mjs"), "nowhere-at-all"];
  const child = spawn(process.execPath, args, { cwd: dir, stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const code = await new Promise((resolve) => child.on("close", resolve));
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^No test file has "nowhere-at-all" in its path: give a part of a path such as "agent"/,
  );
});
