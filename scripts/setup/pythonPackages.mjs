// The Python half of the set-up: a virtual environment in the project, with what requirements.txt pins. The model's
// programs run in it, so nothing is taken from, or put into, the user's own Python.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commonFault, machineFault, run, SetupError, tellingLine } from "./command.mjs";
import { seconds } from "./nodePackages.mjs";

/** @typedef {import("./nodePackages.mjs").SetupContext} SetupContext */

export const OLDEST_PYTHON = /** @type {const} */ ([3, 10]);
/** The newest Python that requirements.txt has wheels for. */
const NEWEST_WITH_WHEELS = "3.14";
const STAMP = "pyvision-stamp.json";
// -I: neither PYTHON* variables nor the user's own packages may leak in.
const ISOLATED = "-I";
const PRINT_VERSION = "import sys; print('%d.%d.%d' % sys.version_info[:3])";
/** Imports everything once, which also makes matplotlib's font list (some seconds, once for each user). */
const IMPORT_ALL = "import numpy, PIL.Image, av, matplotlib; matplotlib.use('agg'); import matplotlib.pyplot";

/** @param {string} root @returns {string} the interpreter of the project's environment */
export function venvPython(root) {
  return join(root, ".venv", "bin", "python");
}

/** @param {string} root */
function requirementsHash(root) {
  return createHash("sha256")
    .update(readFileSync(join(root, "requirements.txt")))
    .digest("hex");
}

/**
 * Reads the stamp only. It also records where the interpreter's link leads, so an operating system that replaced its
 * Python is noticed without starting one.
 * @param {string} root
 */
export function pythonPackagesAreReady(root) {
  try {
    const stamp = JSON.parse(readFileSync(join(root, ".venv", STAMP), "utf8"));
    return (
      stamp.requirements === requirementsHash(root) && stamp.interpreter === realpathSync(venvPython(root))
    );
  } catch {
    return false;
  }
}

/**
 * Makes or repairs `.venv`.
 * @param {SetupContext} context
 * @throws {SetupError}
 */
export async function installPythonPackages(context) {
  const { root, say } = context;
  rmSync(join(root, ".venv", STAMP), { force: true });
  if (!(await venvWorks(context))) await makeVenv(context);
  await pipInstall(context);
  if (!(await importsWork(context)).isGood) {
    say("The Python packages do not load; making the environment anew …");
    await makeVenv(context);
    await pipInstall(context);
    const second = await importsWork(context);
    if (!second.isGood) {
      throw new SetupError(
        `The installed Python packages do not load: see that a 64-bit CPython ${OLDEST_PYTHON.join(".")} to ${NEWEST_WITH_WHEELS} is first on the PATH, delete .venv and run the same command again (Python says: ${second.reason}).`,
      );
    }
  }
  const stamp = { requirements: requirementsHash(root), interpreter: realpathSync(venvPython(root)) };
  writeFileSync(join(root, ".venv", STAMP), `${JSON.stringify(stamp)}\n`);
}

/** @param {SetupContext} context @returns {Promise<boolean>} false as well for one left half made */
async function venvWorks({ root, env }) {
  const python = venvPython(root);
  if (!existsSync(python)) return false;
  const version = await pythonVersion(python, root, env);
  if (version === undefined || !isNewEnough(version)) return false;
  return (await run(python, [ISOLATED, "-m", "pip", "--version"], { cwd: root, env })).code === 0;
}

/** @param {SetupContext} context */
async function makeVenv({ root, env, say }) {
  const { command, version } = await findPython(root, env);
  const venv = join(root, ".venv");
  say(`Making a Python ${version} environment in .venv …`);
  rmSync(venv, { recursive: true, force: true });
  const { code, output } = await run(command, [ISOLATED, "-m", "venv", venv], { cwd: root, env });
  if (code === 0) return;
  rmSync(venv, { recursive: true, force: true });
  const reason = tellingLine(output, /Error|No module named/);
  const fault = commonFault(output);
  if (fault === "disk" || fault === "permission") throw machineFault(fault, `making ${venv}`, reason);
  if (/ensurepip|No module named '?venv/.test(output)) {
    throw new SetupError(
      `Python ${version} has no venv module: install it (Debian and Ubuntu: \`sudo apt install python3-venv\`), then run the same command again.`,
    );
  }
  throw new SetupError(
    `\`${command} -m venv .venv\` failed: put a working CPython first on the PATH, or name one in PYVISION_PYTHON, then run the same command again (Python says: ${reason}).`,
  );
}

/**
 * The first interpreter that is new enough: PYVISION_PYTHON if set, else python3, else a python3.N by name.
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 */
async function findPython(root, env) {
  const oldest = OLDEST_PYTHON.join(".");
  const named = env["PYVISION_PYTHON"];
  const commands = named
    ? [named]
    : ["python3", "python3.13", "python3.12", "python3.11", "python3.14", "python3.10"];
  let tooOld;
  for (const command of commands) {
    const version = await pythonVersion(command, root, env);
    if (version === undefined) continue;
    if (isNewEnough(version)) return { command, version };
    tooOld ??= { command, version };
  }
  if (tooOld !== undefined) {
    throw new SetupError(
      `${tooOld.command} is Python ${tooOld.version}, but ${oldest} or newer is needed: install one (https://www.python.org/downloads) and put it on the PATH, or name it in PYVISION_PYTHON.`,
    );
  }
  if (named)
    throw new SetupError(`PYVISION_PYTHON is ${named}, which does not run as a Python: correct or unset it.`);
  throw new SetupError(
    `python3 was not found on the PATH: install Python ${oldest} or newer (Debian and Ubuntu: \`sudo apt install python3 python3-venv\`; macOS: \`brew install python\`), then run the same command again.`,
  );
}

/** @param {string} command @param {string} cwd @param {NodeJS.ProcessEnv} env */
async function pythonVersion(command, cwd, env) {
  const { code, output } = await run(command, [ISOLATED, "-c", PRINT_VERSION], { cwd, env });
  return code === 0 ? /^\d+\.\d+\.\d+/m.exec(output)?.[0] : undefined;
}

/** @param {string} version */
function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > OLDEST_PYTHON[0] || (major === OLDEST_PYTHON[0] && minor >= OLDEST_PYTHON[1]);
}

/** @param {SetupContext} context */
async function pipInstall({ root, env, say }) {
  say(
    "Installing the Python packages of requirements.txt into .venv (about 80 MB to download, 300 MB on disk) …",
  );
  const startedMs = Date.now();
  // Wheels only: a build from source would ask for compilers and say so in a thousand lines.
  const args = ["-m", "pip", "install", "--only-binary=:all:", "--no-input", "--disable-pip-version-check"];
  const pipEnv = { ...env, PIP_USER: "0", PIP_QUIET: "0" };
  const { code, output } = await run(
    venvPython(root),
    [ISOLATED, ...args, "--progress-bar=off", "-r", "requirements.txt"],
    { cwd: root, env: pipEnv },
  );
  if (code === 0) return say(`Python packages are ready (${seconds(startedMs)}).`);
  const reason = tellingLine(output, /^ERROR:/);
  const fault = commonFault(output);
  if (fault === "network") {
    throw new SetupError(
      `The Python package index cannot be reached: check the network, the proxy (HTTPS_PROXY) or PIP_INDEX_URL, then run the same command again (pip says: ${reason}).`,
    );
  }
  if (fault !== undefined) throw machineFault(fault, `installing Python packages into ${root}/.venv`, reason);
  if (/No matching distribution/.test(output)) {
    throw new SetupError(
      `The package index has no wheel for this Python or this machine: use CPython ${OLDEST_PYTHON.join(".")} to ${NEWEST_WITH_WHEELS} (name it in PYVISION_PYTHON), delete .venv and run the same command again (pip says: ${reason}).`,
    );
  }
  throw new SetupError(
    `pip failed: run \`.venv/bin/python -m pip install -r requirements.txt\` to see all of its output, then run the same command again (pip says: ${reason}).`,
  );
}

/** @param {SetupContext} context */
async function importsWork({ root, env, say }) {
  say("Loading the Python packages once (this also builds matplotlib's font list) …");
  const { code, output } = await run(venvPython(root), [ISOLATED, "-c", IMPORT_ALL], { cwd: root, env });
  return { isGood: code === 0, reason: tellingLine(output, /Error/) };
}
