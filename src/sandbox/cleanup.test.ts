// Nothing is left running or lying about: after close, after the host's end of any kind, and between sessions.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { SandboxError } from "../core/errors.ts";
import { eventually } from "../core/testTime.ts";
import { startPythonRuntime } from "./forkServer.ts";
import { printed, processesWith, runtimeForTests, UNISOLATED, withoutBubblewrap } from "./testRuntime.ts";

/** Leaves behind what it can at its level and prints its folder. */
const PRINTS_FOLDER = "print(os.getcwd())";
const LITTER = `
import os, threading
threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True).start()
os.makedirs("a/b"); open("a/b/c", "w").write("x")
${PRINTS_FOLDER}`;
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
  const runtime = await startPythonRuntime(UNISOLATED);
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

for (const launcher of ["bubblewrap", "worker", "landlock"] as const)
  test(`close ends every process and removes every folder: ${launcher}`, needs(launcher), async () => {
    const runtime = await startPythonRuntime({ launchers: [launcher] });
    const image = { width: 2, height: 1, data: new Uint8Array(6) };
    const sessions = await Promise.all([1, 2, 3].map(() => runtime.open({ images: [image] })));
    await Promise.all(sessions.map((session) => printed(session, LITTER)));
    assert.ok(leftovers().processes.length >= 1 + 3);
    await runtime.close();
    await eventually(isClean);
  });

test("closing one session ends what it started and removes its folder; the others go on", async () => {
  const runtime = await runtimeForTests(UNISOLATED);
  const [first, second] = [await runtime.open({ images: [] }), await runtime.open({ images: [] })];
  const folder = (await printed(first, DAEMONS)).trim();
  assert.equal(await printed(second, "x = 1\nx"), "1\n");
  await first.close();
  await first.close();
  await eventually(() => processesWith(folder).length === 0 && !existsSync(folder));
  assert.equal(await printed(second, "x"), "1\n");
});

test("an image shared by sessions is one file, gone with the last of them", async () => {
  const runtime = await runtimeForTests(UNISOLATED);
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

/** What runtimes of this file and of its hosts have left: their folders are made here and named on command lines. */
const temporary = mkdtempSync(join(tmpdir(), "pyvision-cleanup-"));
process.env["TMPDIR"] = temporary;
after(() => rmSync(temporary, { recursive: true }));

function needs(launcher: string): { skip?: string } {
  return launcher === "bubblewrap" && withoutBubblewrap !== false ? { skip: withoutBubblewrap } : {};
}

function leftovers(): { processes: number[]; folders: string[] } {
  const folders = readdirSync(temporary).filter((name) => name.startsWith("pyvision-")); // tsx keeps a cache there
  return { processes: processesWith(temporary), folders };
}

function isClean(): boolean {
  const { processes, folders } = leftovers();
  return processes.length === 0 && folders.length === 0;
}

/** A host that opens a session with daemons or threads in it, prints its folder, and then ends as told. */
function hostThat(options: string, litter: string, end: string): Promise<Host> {
  return host(`
    const runtime = await startPythonRuntime(${options});
    const session = await runtime.open({ images: [] });
    const { stdout } = await session.run(${JSON.stringify(litter)});
    process.stdout.write(stdout);
    ${end}`);
}

interface Host {
  readonly out: string;
  readonly code: number | null;
  readonly signal: string | null;
}

/** A process that runs these lines, which have startPythonRuntime. */
async function host(lines: string): Promise<Host> {
  const program = `
    const { startPythonRuntime } = await import(${JSON.stringify(new URL("./forkServer.ts", import.meta.url).href)});
    ${lines}`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program], {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.once("close", (...how) => resolve(how)),
  );
  return { out, code, signal };
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
for (const [name, end, how] of ENDS) {
  test(`nothing is left after the host's end: ${name}`, async () => {
    const { out, code, signal } = await hostThat(JSON.stringify(UNISOLATED), DAEMONS, end);
    assert.match(out, /^\/.*\/s\d+\n$/);
    const root = dirname(out.trim());
    assert.deepEqual([code, signal], how);
    await eventually(() => processesWith(root).length === 0 && !existsSync(root));
  });
  for (const launcher of ["bubblewrap", "worker", "landlock"])
    test(`nothing is left after the host's end: ${name}, ${launcher}`, needs(launcher), async () => {
      const { code, signal } = await hostThat(JSON.stringify({ launchers: [launcher] }), LITTER, end);
      assert.deepEqual([code, signal], how);
      await eventually(isClean);
    });
}

for (const launcher of ["bubblewrap", "worker", "landlock"])
  test(
    `nothing is left of a host that is killed while it tests the isolation: ${launcher}`,
    needs(launcher),
    async () => {
      const { code, signal } = await host(`
      const { readdirSync } = await import("node:fs");
      setInterval(() => {
        if (readdirSync(process.env.TMPDIR).some((name) => name.endsWith("-canary"))) process.kill(process.pid, "SIGKILL");
      }, 1);
      await startPythonRuntime(${JSON.stringify({ launchers: [launcher] })});
      process.exit(0);`);
      assert.deepEqual([code, signal], [null, "SIGKILL"]);
      await eventually(isClean);
    },
  );

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
  await fails({ maxConcurrent: 0 }, /^maxConcurrent: must be a whole number of at least 1, got 0$/);
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

test("the best level holds here, by either way of making namespaces", async () => {
  assert.deepEqual((await runtimeForTests()).isolation, {
    level: "namespaces",
    by: withoutBubblewrap === false ? "bubblewrap" : "worker",
    shortfalls: withoutBubblewrap === false ? [] : [`bubblewrap: ${withoutBubblewrap}`],
  });
  const own = await runtimeForTests({ launchers: ["worker"] });
  assert.deepEqual(own.isolation, { level: "namespaces", by: "worker", shortfalls: [] });
  const lite = await runtimeForTests({ launchers: ["landlock"] });
  assert.deepEqual(lite.isolation, { level: "lite", by: "landlock", shortfalls: [] });
});

test("a level that is too low is refused, with the reason and the remedy", async () => {
  const message =
    'python.leastIsolation: no level of at least "namespaces" holds here (landlock gives lite, none gives process); ' +
    "allow user namespaces for this user, or accept a lower level in the config";
  await assert.rejects(
    startPythonRuntime({ launchers: ["landlock", "none"], leastIsolation: "namespaces" }),
    { name: "SandboxError", message },
  );
});
