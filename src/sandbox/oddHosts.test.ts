// Hosts that are not as one thinks of them: odd folders, odd interpreters, modules that print, a zygote that dies. Each
// costs at most a clear error.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { DataError, SandboxError } from "../core/errors.ts";
import { eventually } from "../core/testTime.ts";
import { startPythonRuntime } from "./forkServer.ts";
import { defaultPython } from "./settings.ts";
import { printed, runCells, runtimeForTests, UNISOLATED, withoutBubblewrap } from "./testRuntime.ts";

const folder = mkdtempSync(join(tmpdir(), "odd-hosts-"));
after(() => rmSync(folder, { recursive: true }));

function sitePackages(): string {
  const find = "import numpy, os; print(os.path.dirname(os.path.dirname(numpy.__file__)))";
  return spawnSync(defaultPython(), ["-c", find]).stdout.toString().trim();
}

/** A program of its own that uses the runtime: what it printed, and how long after the last line it lived. */
async function inProgram(
  body: string,
  env: NodeJS.ProcessEnv = {},
): Promise<{ out: string; lingeredMs: number }> {
  const server = new URL("./forkServer.ts", import.meta.url).href;
  const program = `const { startPythonRuntime } = await import(${JSON.stringify(server)});\n${body}`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program], {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let [out, last] = ["", 0];
  child.stdout
    .setEncoding("utf8")
    .on("data", (chunk: string) => ([out, last] = [out + chunk, performance.now()]));
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(code, 0, out);
  return { out, lingeredMs: performance.now() - last };
}

const USE = `
const session = await runtime.open({ images: [] });
const { stdout } = await session.run("print('here')");
await runtime.close();
console.log(stdout.trim());`;

test("a program that has closed its runtime ends at once, whatever spares were on their way", async () => {
  const { out, lingeredMs } = await inProgram(`const runtime = await startPythonRuntime();${USE}`);
  assert.equal(out, "here\n");
  assert.ok(lingeredMs < 15_000, `${lingeredMs} ms`); // it was 20 s
});

test("a temporary folder whose name is too long for a socket", async () => {
  const long = join(folder, "x".repeat(100));
  mkdirSync(long);
  const { out } = await inProgram(`const runtime = await startPythonRuntime();${USE}`, { TMPDIR: long });
  assert.equal(out, "here\n");
});

test("a module that prints while it is loaded says it to nobody", async () => {
  const packages = join("/var/tmp", `odd-hosts-${process.pid}`);
  mkdirSync(packages);
  after(() => rmSync(packages, { recursive: true }));
  writeFileSync(join(packages, "talkative.py"), "print('Hello', flush=True)\nprint('and', end=' ')\nx = 7\n");
  const runtime = await runtimeForTests({ packageFolders: [packages], preload: ["talkative"] });
  assert.equal(runtime.isolation.level, "namespaces", runtime.isolation.shortfalls.join("; "));
  const [result] = await runCells(runtime, ["import sys, talkative\nsys.__stdout__.flush()\ntalkative.x"]);
  assert.deepEqual([result?.outcome, result?.stdout], [{ type: "ok" }, "7\n"]);
});

test("a module whose loading starts threads is refused: what they hold could not be forked", async () => {
  const packages = join("/var/tmp", `odd-hosts-threads-${process.pid}`);
  mkdirSync(packages);
  after(() => rmSync(packages, { recursive: true }));
  writeFileSync(join(packages, "busy.py"), "import threading, time\nthreading.Thread(target=time.sleep, args=[600], daemon=True).start()\n"); // prettier-ignore
  await assert.rejects(startPythonRuntime({ packageFolders: [packages], preload: ["busy"] }), {
    name: "SandboxError",
    message: /^python\.packages: loading them must not start threads, but 1 run/,
  });
});

test("video names that no file can have cost that session and no other", async () => {
  const runtime = await runtimeForTests();
  const other = await runtime.open({ images: [] });
  await printed(other, "x = 1");
  for (const name of ["/tmp/a\0b.mp4", "/tmp/a\ud800.mp4", "/tmp", "/dev/zero"])
    await assert.rejects(runtime.open({ images: [], videos: [name] }), DataError, JSON.stringify(name));
  assert.equal(await printed(other, "x"), "1\n");
});

test("a zygote that dies while sessions open: they come from the next one", async () => {
  const runtime = await runtimeForTests({ ...UNISOLATED, spareSessions: 0 });
  const session = await runtime.open({ images: [] });
  const zygote = Number(await printed(session, "import os\nos.getppid()"));
  const opening = Promise.all([1, 2, 3, 4].map(() => runtime.open({ images: [] })));
  process.kill(zygote, "SIGKILL");
  const began = performance.now();
  for (const opened of await opening) assert.match(await printed(opened, "1"), /^1\n$/);
  assert.ok(performance.now() - began < 60_000);
});

test("a runtime whose interpreter is away for a moment works again when it is back, and closes in any case", async () => {
  const python = join(folder, "python");
  writeFileSync(python, `#!/bin/sh\nexec ${defaultPython()} "$@"\n`, { mode: 0o755 });
  const runtime = await startPythonRuntime({ ...UNISOLATED, python, spareSessions: 0 });
  const session = await runtime.open({ images: [] });
  const zygote = Number(await printed(session, "import os\nos.getppid()"));
  rmSync(python);
  process.kill(zygote, "SIGKILL");
  await eventually(() => spawnSync("kill", ["-0", String(zygote)]).status !== 0);
  await assert.rejects(runtime.open({ images: [] }), SandboxError);
  writeFileSync(python, `#!/bin/sh\nexec ${defaultPython()} "$@"\n`, { mode: 0o755 });
  assert.equal(await printed(await runtime.open({ images: [] }), "1"), "1\n");
  await runtime.close();
});

test("an interpreter by a path from the working directory", async () => {
  const runtime = await runtimeForTests({ python: relative(process.cwd(), defaultPython()) });
  assert.equal(runtime.isolation.level, "namespaces", runtime.isolation.shortfalls.join("; "));
});

for (const launcher of ["bubblewrap", "worker"] as const)
  test(
    `an interpreter below /tmp is seen, though sessions have their scratch folder there: ${launcher}`,
    { skip: launcher === "bubblewrap" && withoutBubblewrap },
    async () => {
      const home = mkdtempSync("/tmp/odd-hosts-venv-");
      after(() => rmSync(home, { recursive: true }));
      assert.equal(spawnSync(defaultPython(), ["-m", "venv", "--without-pip", home]).status, 0);
      writeFileSync(join(home, "secret"), "for nobody");
      const packageFolders = [sitePackages()];
      const runtime = await runtimeForTests({
        python: join(home, "bin", "python"),
        packageFolders,
        launchers: [launcher],
      });
      const [result] = await runCells(runtime, [
        // Modules that were not loaded before, so that they are looked for now.
        `import os, colorsys, xmlrpc\nprint(os.getcwd(), os.listdir('.'), sorted(os.listdir('/tmp')))\nopen(${JSON.stringify(join(home, "secret"))})`,
      ]);
      // Besides, the project's own folder, where it lies below /tmp.
      const shown = [
        "session",
        ...[home, process.cwd()].flatMap((path) => /^\/tmp\/([^/]+)/.exec(path)?.[1] ?? []),
      ];
      assert.equal(
        result?.stdout,
        `/tmp/session [] ${JSON.stringify(shown.sort()).replaceAll('"', "'").replaceAll(",", ", ")}\n`,
      );
      assert.equal(result?.outcome.type, "pythonError");
    },
  );

test("of the folder an interpreter is installed in, only its own parts are seen", async () => {
  const home = join("/var/tmp", `odd-hosts-home-${process.pid}`);
  after(() => rmSync(home, { recursive: true, force: true }));
  assert.equal(
    spawnSync(defaultPython(), ["-m", "venv", "--without-pip", "--system-site-packages", home]).status,
    0,
  );
  writeFileSync(join(home, "secret"), "for nobody");
  const runtime = await runtimeForTests({
    python: join(home, "bin", "python"),
    packageFolders: [sitePackages()],
  });
  assert.equal(runtime.isolation.level, "namespaces", runtime.isolation.shortfalls.join("; "));
  const [result] = await runCells(runtime, [`import os, sys\nprint(sys.prefix == ${JSON.stringify(home)}, sorted(os.listdir(sys.prefix)))\nopen(${JSON.stringify(join(home, "secret"))})`]); // prettier-ignore
  assert.match(result?.stdout ?? "", /^True \['bin', 'lib'(, 'lib64')?(, 'matplotlib')?, 'pyvenv\.cfg'\]\n$/);
  assert.equal(result?.outcome.type, "pythonError");
});

test("a program's own modules are found, also by names that the runtime uses itself", async () => {
  const runtime = await runtimeForTests();
  const [, result] = await runCells(runtime, [
    "for name in ('helper', 'session', 'video', 'cell'): open(name + '.py', 'w').write(f'name = {name!r}')",
    "import helper, session, video, cell\nhelper.name, session.name, video.name, cell.name",
  ]);
  assert.equal(result?.stdout, "('helper', 'session', 'video', 'cell')\n");
});

test("nothing of the host's settings is left in a session", async () => {
  const runtime = await runtimeForTests();
  const [result] = await runCells(runtime, ["import sys\nprint(sys.argv, len(sys.orig_argv))"]);
  assert.equal(result?.stdout, "[''] 1\n");
});
