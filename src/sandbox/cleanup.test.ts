// Nothing is left running or lying about: after close, after the host's end of any kind, and between sessions.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { SandboxError } from "../core/errors.ts";
import { startPythonRuntime } from "./forkServer.ts";
import { eventually, printed, processesWith, runtimeForTests } from "./testRuntime.ts";

const DAEMONS = `
import os, subprocess
subprocess.Popen(["sleep", "1000"])
subprocess.Popen(["sleep", "1000"], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        import time
        time.sleep(1000)
    os._exit(0)
os.wait()
os.makedirs("a/b"); open("a/b/c", "w").write("x")
print(os.getcwd())`;

test("close ends every process, also daemons, and removes the folder", async () => {
  const runtime = await startPythonRuntime({});
  const image = { width: 2, height: 1, data: new Uint8Array(6) };
  const sessions = await Promise.all([1, 2, 3].map(() => runtime.open({ images: [image] })));
  const folders = await Promise.all(sessions.map((session) => printed(session, DAEMONS)));
  const root = dirname(folders[0] ?? "");
  assert.ok(processesWith(root).length >= 1 + 3 * 4, processesWith(root).join(" "));
  await runtime.close();
  assert.deepEqual(processesWith(root), []);
  assert.equal(existsSync(root), false);
  await assert.rejects(
    runtime.open({ images: [] }),
    (error) => error instanceof SandboxError && /closed/.test(error.message),
  );
});

test("closing one session ends what it started and removes its folder; the others go on", async () => {
  const runtime = await runtimeForTests();
  const [first, second] = [await runtime.open({ images: [] }), await runtime.open({ images: [] })];
  const folder = (await printed(first, DAEMONS)).trim();
  assert.equal(await printed(second, "x = 1\nx"), "1\n");
  await first.close();
  await first.close();
  await eventually(() => processesWith(folder).length === 0 && !existsSync(folder));
  assert.equal(await printed(second, "x"), "1\n");
});

test("an image shared by sessions is one file, gone with the last of them", async () => {
  const runtime = await runtimeForTests();
  const image = { width: 2, height: 1, data: Uint8Array.from([1, 2, 3, 4, 5, 6]) };
  const sessions = await Promise.all([1, 2, 3].map(() => runtime.open({ images: [image, image] })));
  const root = dirname((await printed(sessions[0] ?? assert.fail(), "import os\nprint(os.getcwd())")).trim());
  const files = (): string[] => readdirSync(root).filter((name) => name.endsWith(".rgb"));
  assert.equal(files().length, 1);
  await sessions[0]?.close();
  await sessions[1]?.close();
  assert.equal(files().length, 1);
  await sessions[2]?.close();
  await eventually(() => files().length === 0);
});

/** A host that opens a session with daemons in it, prints its folder, and then ends as told. */
async function hostThat(end: string): Promise<{ root: string; code: number | null; signal: string | null }> {
  const program = `
    const { startPythonRuntime } = await import(${JSON.stringify(new URL("./forkServer.ts", import.meta.url).href)});
    const runtime = await startPythonRuntime({});
    const session = await runtime.open({ images: [] });
    const { stdout } = await session.run(${JSON.stringify(DAEMONS)});
    process.stdout.write(stdout);
    ${end}`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program], {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.once("close", (...how) => resolve(how)),
  );
  assert.match(out, /^\/.*\/s1\n$/);
  return { root: dirname(out.trim()), code, signal };
}

const ENDS: readonly [name: string, end: string, how: [number | null, string | null]][] = [
  [
    "killed",
    "process.kill(process.pid, 'SIGKILL'); await new Promise(() => setInterval(() => {}, 1000));",
    [null, "SIGKILL"],
  ],
  [
    "process.exit in the middle of a call",
    "void session.run('while True: pass'); setTimeout(() => process.exit(5), 100); await new Promise(() => {});",
    [5, null],
  ],
  ["the program's end without close", "", [0, null]],
];
for (const [name, end, [code, signal]] of ENDS)
  test(`nothing is left after the host's end: ${name}`, async () => {
    const host = await hostThat(end);
    assert.deepEqual([host.code, host.signal], [code, signal]);
    await eventually(() => processesWith(host.root).length === 0 && !existsSync(host.root));
  });

test("an interpreter that cannot be used is a SandboxError with the remedy", async () => {
  const fails = (options: object, message: RegExp): Promise<void> =>
    assert.rejects(
      startPythonRuntime(options),
      (error) => error instanceof SandboxError && message.test(error.message),
    );
  await fails(
    { python: "/nowhere/python" },
    /^python: there is no interpreter \/nowhere\/python; give the path of a Python .* "npm start"/,
  );
  await fails({ python: "/bin/false" }, /could not start the tool runtime \(it ended without a word\)/);
  await fails({ maxConcurrent: 0 }, /^maxConcurrent: must be a positive integer, got 0$/);
});

test("a wrong matplotlib setting is named with the nearest right one, and numpy is not blamed", async () => {
  const refused = (matplotlibRc: Record<string, unknown>, message: string): Promise<void> =>
    assert.rejects(startPythonRuntime({ matplotlibRc }), { name: "SandboxError", message });
  await refused(
    { "figure.figsize": [1, 1], "figure.dpii": 50 },
    'python.matplotlibRc: matplotlib has no setting "figure.dpii"; did you mean "figure.dpi"?',
  );
  await refused(
    { "@": 1 },
    'python.matplotlibRc: matplotlib has no setting "@"; matplotlib.rcParams.keys() lists them all',
  );
  await refused(
    { "figure.dpi": "fine" },
    'python.matplotlibRc: "figure.dpi" must have a value that matplotlib takes, got "fine" ' +
      "(Could not convert 'fine' to float)",
  );
});

test("the runtime tells what its sessions are isolated by", async () => {
  assert.equal((await runtimeForTests()).isolation, "limits");
});
