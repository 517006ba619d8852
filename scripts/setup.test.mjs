// The set-up against machines that lack something. Each test works in a temporary copy with a PATH of its own, so nothing
// is downloaded and the project's own environment stays as it is.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { clearTimeout, setTimeout } from "node:timers";
import { checkNode, projectRoot } from "./setup.mjs";
import { holdsEveryPackage } from "./setup/nodePackages.mjs";

/** @type {string[]} */
const temporary = [];
after(() => temporary.forEach((dir) => rmSync(dir, { recursive: true, force: true })));

/** A copy of the set-up in a directory of its own, whose Node packages count as installed. */
function project() {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "pyvision-setup-")));
  temporary.push(root);
  cpSync(join(projectRoot, "scripts"), join(root, "scripts"), { recursive: true });
  writeFileSync(join(root, "requirements.txt"), "numpy==2.3.5\n");
  writeFileSync(join(root, "package.json"), '{ "name": "copy", "version": "1.0.0", "type": "module" }\n');
  const lock = '{ "name": "copy", "version": "1.0.0", "lockfileVersion": 3, "packages": {} }\n';
  writeFileSync(join(root, "package-lock.json"), lock);
  mkdirSync(join(root, "node_modules"));
  writeFileSync(join(root, "node_modules/.package-lock.json"), lock);
  mkdirSync(join(root, "path"));
  return root;
}

/** Puts a program of that name on the copy's PATH. */
function program(root, name, script) {
  const file = join(root, "path", name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}

/**
 * A python3 that makes an environment without downloading anything: its `-m venv` lays down a link to itself, and every
 * call of pip is written down in pip.log.
 */
function fakePython(root, { version = "3.11.2", pip = "true" } = {}) {
  const venv = `/bin/mkdir -p "$4/bin"; /bin/ln -s "$ROOT/path/python3" "$4/bin/python"`;
  program(
    root,
    "python3",
    `case "$3" in
  *version_info*) echo ${version};;
  venv) echo venv >> "$ROOT/calls.log"; ${venv};;
  pip) case "$4" in install) echo pip >> "$ROOT/calls.log"; ${pip};; esac;;
esac`,
  );
}

/**
 * @param {(stderr: string) => void} [heard] told what it has said so far
 * @returns {Promise<{ code: number | null, stderr: string, stdout: string }>}
 */
function runSetup(root, env = {}, heard = undefined) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ["scripts/setup.mjs"], {
      cwd: root,
      env: { PATH: join(root, "path"), HOME: root, ROOT: root, ...env },
    });
    let stderr = "";
    let stdout = "";
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
      heard?.(stderr);
    });
    child.stdout.on("data", (chunk) => (stdout += chunk));
    child.on("close", (code) => resolve({ code, stderr, stdout }));
  });
}

function calls(root) {
  const log = join(root, "calls.log");
  return existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [];
}

const lastLine = (text) => text.trim().split("\n").at(-1);

test("without python3 the set-up names the packages to install", async () => {
  const { code, stderr } = await runSetup(project());
  assert.equal(code, 1);
  assert.equal(
    stderr,
    "[setup] python3 was not found on the PATH: install Python 3.10 or newer (Debian and Ubuntu: " +
      "`sudo apt install python3 python3-venv`; macOS: `brew install python`), then run the same command again.\n",
  );
});

test("a python3 that is too old is named with its version", async () => {
  const root = project();
  fakePython(root, { version: "3.8.10" });
  const { code, stderr } = await runSetup(root);
  assert.equal(code, 1);
  assert.equal(
    stderr,
    "[setup] python3 is Python 3.8.10, but 3.10 or newer is needed: install one (https://www.python.org/downloads) " +
      "and put it on the PATH, or name it in PYVISION_PYTHON.\n",
  );
  assert.deepEqual(calls(root), []);
});

test("beside a python3 that is too old, a newer one under its own name is taken", async () => {
  const root = project();
  fakePython(root);
  program(root, "python3.12", readFileSync(join(root, "path/python3"), "utf8"));
  program(root, "python3", "echo 3.9.6");
  const { stderr } = await runSetup(root);
  assert.match(stderr, /Making a Python 3\.11\.2 environment/);
});

test("Debian without python3-venv gets the apt command, and no half-made .venv stays", async () => {
  const root = project();
  const message = "The virtual environment was not created successfully because ensurepip is not available.";
  program(
    root,
    "python3",
    `case "$3" in *version_info*) echo 3.11.2;; *) /bin/mkdir -p "$4/bin"; echo "${message}"; exit 1;; esac`,
  );
  const { code, stderr } = await runSetup(root);
  assert.equal(code, 1);
  assert.equal(
    lastLine(stderr),
    "[setup] Python 3.11.2 has no venv module: install it (Debian and Ubuntu: `sudo apt install python3-venv`), " +
      "then run the same command again.",
  );
  assert.equal(existsSync(join(root, ".venv")), false);
});

test("an unreachable Python index is one sentence with pip's own last error", async () => {
  const root = project();
  // pip is the real one, of the project's environment; only the index is out of reach.
  const pip = join(projectRoot, ".venv/bin/python");
  writeFileSync(join(root, "requirements.txt"), "pyvision-absent==1.0\n");
  mkdirSync(join(root, ".venv/bin"), { recursive: true });
  writeFileSync(join(root, ".venv/bin/python"), `#!/bin/sh\nexec "${pip}" "$@"\n`, { mode: 0o755 });
  const env = { PIP_INDEX_URL: "http://127.0.0.1:9", PIP_RETRIES: "1", PIP_CONFIG_FILE: "/dev/null" };
  const { code, stderr } = await runSetup(root, env);
  assert.equal(code, 1);
  assert.equal(
    lastLine(stderr),
    "[setup] The Python package index cannot be reached: check the network, the proxy (HTTPS_PROXY) or " +
      "PIP_INDEX_URL, then run the same command again (pip says: ERROR: No matching distribution found for " +
      "pyvision-absent==1.0).",
  );
});

test("an unreachable npm registry is one sentence with npm's own reason", async () => {
  const root = project();
  const packages = {
    "": { dependencies: { leftover: "1.0.0" } },
    "node_modules/leftover": { version: "1.0.0" },
  };
  writeFileSync(join(root, "package.json"), JSON.stringify({ dependencies: { leftover: "1.0.0" } }));
  writeFileSync(join(root, "package-lock.json"), JSON.stringify({ lockfileVersion: 3, packages }));
  const { code, stderr } = await runSetup(root, {
    PATH: process.env.PATH,
    npm_config_registry: "http://127.0.0.1:9/",
    npm_config_fetch_retries: "0",
    npm_config_cache: join(root, "cache"),
  });
  assert.equal(code, 1);
  assert.match(
    lastLine(stderr),
    /^\[setup\] The npm registry cannot be reached: .*\(npm says: .*ECONNREFUSED 127\.0\.0\.1:9\)\.$/,
  );
});

test("a second environment has its own folder, files and stamp, and is made anew when one of its files changes", async () => {
  const root = project();
  fakePython(root);
  writeFileSync(join(root, "requirements-a.txt"), "torch==2.13.0\n");
  writeFileSync(join(root, "requirements-b.txt"), "ipykernel==7.0.0\n");
  const environment = {
    folder: ".venv-extra",
    requirements: ["requirements-a.txt", "requirements-b.txt"],
    size: "some",
    importAll: "import torch",
    loading: "Loading",
  };
  const program = `
    import { setup } from "./scripts/setup.mjs";
    await setup({}, ${JSON.stringify(environment)});`;
  const run = () =>
    spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      cwd: root,
      env: { PATH: join(root, "path"), HOME: root, ROOT: root },
      encoding: "utf8",
    });
  const first = run();
  assert.equal(first.status, 0, first.stderr);
  assert.match(
    first.stderr,
    /packages of requirements-a\.txt and requirements-b\.txt into \.venv-extra \(some\)/,
  );
  assert.deepEqual(calls(root), ["venv", "pip", "venv", "pip"], "the project's own environment comes first");
  assert.equal(run().stderr, "");
  writeFileSync(join(root, "requirements-b.txt"), "ipykernel==7.0.1\n");
  assert.equal(run().status, 0);
  assert.deepEqual(calls(root), ["venv", "pip", "venv", "pip", "pip"]);
});

test("a full disk is told as such, with about how much is needed", async () => {
  const root = project();
  fakePython(root, { pip: 'echo "ERROR: [Errno 28] No space left on device"; exit 1' });
  const { code, stderr } = await runSetup(root);
  assert.equal(code, 1);
  assert.equal(
    lastLine(stderr),
    `[setup] While installing Python packages into ${root}/.venv, the disk is full: free about 1 GB, then run the ` +
      "same command again (ERROR: [Errno 28] No space left on device).",
  );
});

test("the second call is silent and starts no program", async () => {
  const root = project();
  fakePython(root);
  const first = await runSetup(root);
  assert.equal(first.code, 0, first.stderr);
  assert.equal(first.stdout, "");
  assert.deepEqual(calls(root), ["venv", "pip"]);
  // Without a PATH, any program it tried to start would fail.
  rmSync(join(root, "calls.log"));
  const second = await runSetup(root, { PATH: "/nowhere" });
  assert.deepEqual(second, { code: 0, stderr: "", stdout: "" });
  assert.deepEqual(calls(root), []);
});

test("new requirements are installed into the same environment", async () => {
  const root = project();
  fakePython(root);
  await runSetup(root);
  writeFileSync(join(root, "requirements.txt"), "numpy==2.3.6\n");
  assert.equal((await runSetup(root)).code, 0);
  assert.deepEqual(calls(root), ["venv", "pip", "pip"]);
});

test("an environment whose interpreter is gone is made anew", async () => {
  const root = project();
  fakePython(root);
  await runSetup(root);
  rmSync(join(root, ".venv/bin/python"));
  symlinkSync("/nowhere/python3", join(root, ".venv/bin/python"));
  assert.equal((await runSetup(root)).code, 0);
  assert.deepEqual(calls(root), ["venv", "pip", "venv", "pip"]);
});

test("two calls at once make one environment", async () => {
  const root = project();
  // The first is not done before the second says that it waits, however late that one starts.
  fakePython(root, { pip: 'while [ ! -e "$ROOT/go" ]; do /bin/sleep 0.05; done' });
  const go = () => writeFileSync(join(root, "go"), "");
  const heard = (/** @type {string} */ stderr) => stderr.includes("Another set-up") && go();
  const limit = setTimeout(go, 60_000);
  const results = await Promise.all([runSetup(root, {}, heard), runSetup(root, {}, heard)]);
  clearTimeout(limit);
  assert.deepEqual(
    results.map(({ code }) => code),
    [0, 0],
  );
  assert.deepEqual(calls(root), ["venv", "pip"]);
  assert.match(results.map(({ stderr }) => stderr).join(""), /Another set-up of this directory is under way/);
  assert.equal(existsSync(join(root, ".setup-lock")), false);
});

test("the lock of a set-up that was killed does not block the next", async () => {
  const root = project();
  fakePython(root);
  mkdirSync(join(root, ".setup-lock"));
  const dead = spawn(process.execPath, ["-e", ""]);
  await new Promise((resolve) => dead.on("close", resolve));
  const owner = JSON.stringify({ pid: dead.pid, host: hostname() });
  writeFileSync(join(root, ".setup-lock/owner-killed.json"), owner);
  const { code, stderr } = await runSetup(root);
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stderr, /Another set-up/);
});

test("an older Node is refused by name, and the oldest that works is not", () => {
  assert.throws(() => checkNode("20.18.3"), /This is Node\.js 20\.18\.3, but 20\.19 or newer is needed/);
  assert.throws(() => checkNode("18.20.8"), /20\.19 or newer/);
  checkNode("20.19.0");
  checkNode("22.0.0");
});

test("npm's record counts as the lock file when only optional packages are absent", () => {
  const lock = (packages) => JSON.stringify({ packages });
  const wanted = lock({
    "": { name: "root" },
    "node_modules/a": { version: "1.0.0", integrity: "sha512-a" },
    "node_modules/b": { version: "2.0.0", optional: true },
  });
  const a = { version: "1.0.0", integrity: "sha512-a" };
  assert.equal(holdsEveryPackage(wanted, lock({ "node_modules/a": a })), true);
  assert.equal(holdsEveryPackage(wanted, lock({})), false);
  assert.equal(holdsEveryPackage(wanted, lock({ "node_modules/a": { ...a, version: "1.0.1" } })), false);
  assert.equal(holdsEveryPackage(wanted, lock({ "node_modules/a": { ...a, integrity: "sha512-z" } })), false);
  assert.equal(
    holdsEveryPackage(wanted, lock({ "node_modules/a": a, "node_modules/b": { version: "2.0.1" } })),
    false,
  );
  assert.equal(holdsEveryPackage(wanted, "half a fi"), false);
});

test("a change of the lock file makes the stamp stale", async () => {
  const root = project();
  fakePython(root);
  await runSetup(root);
  const stamp = readFileSync(join(root, "node_modules/.pyvision-lock-hash"), "utf8");
  const lock = readFileSync(join(root, "package-lock.json"));
  assert.equal(stamp, createHash("sha256").update(lock).digest("hex"));
  writeFileSync(
    join(root, "package-lock.json"),
    JSON.stringify({ lockfileVersion: 3, packages: { "node_modules/new": { version: "1.0.0" } } }),
  );
  const { code, stderr } = await runSetup(root);
  assert.equal(code, 1);
  assert.equal(
    lastLine(stderr),
    "[setup] npm was not found on the PATH: install Node.js 20.19 or newer with npm (https://nodejs.org).",
  );
});
