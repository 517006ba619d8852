// A Python virtual environment inside the project with what requirements files pin, made or repaired when it is not what
// they say. Nothing is taken from, or put into, the user's own Python.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commonFault, machineFault, run, SetupError, tellingLine } from "./command.mjs";
import { seconds } from "./nodePackages.mjs";

/** @typedef {import("./nodePackages.mjs").SetupContext} SetupContext */

/**
 * @typedef {object} PythonEnvironment
 * @property {string} folder of the environment, inside the project
 * @property {readonly string[]} requirements files inside the project; together they say what is installed
 * @property {string} size what a person is told before the download
 * @property {string} importAll Python code that loads every package once
 * @property {string} loading what a person is told while it runs
 */

export const OLDEST_PYTHON = /** @type {const} */ ([3, 10]);
/** The newest Python that the pinned versions have wheels for. */
const NEWEST_WITH_WHEELS = "3.14";
const STAMP = "pyvision-stamp.json";
// -I: neither PYTHON* variables nor the user's own packages may leak in.
const ISOLATED = "-I";
const PRINT_VERSION = "import sys; print('%d.%d.%d' % sys.version_info[:3])";

/** @param {string} root @param {PythonEnvironment} environment @returns {string} the environment's interpreter */
export function environmentPython(root, { folder }) {
  return join(root, folder, "bin", "python");
}

/** @param {string} root @param {PythonEnvironment} environment */
function requirementsHash(root, { requirements }) {
  const hash = createHash("sha256");
  for (const file of requirements) hash.update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

/**
 * Reads the stamp only. It also records where the interpreter's link leads, so an operating system that replaced its
 * Python is noticed without starting one.
 * @param {string} root
 * @param {PythonEnvironment} environment
 */
export function environmentIsReady(root, environment) {
  try {
    const stamp = JSON.parse(readFileSync(join(root, environment.folder, STAMP), "utf8"));
    return (
      stamp.requirements === requirementsHash(root, environment) &&
      stamp.interpreter === realpathSync(environmentPython(root, environment))
    );
  } catch {
    return false;
  }
}

/**
 * Makes or repairs the environment.
 * @param {SetupContext} context
 * @param {PythonEnvironment} environment
 * @throws {SetupError}
 */
export async function installEnvironment(context, environment) {
  const { root, say } = context;
  const { folder } = environment;
  rmSync(join(root, folder, STAMP), { force: true });
  if (!(await venvWorks(context, environment))) await makeVenv(context, environment);
  await pipInstall(context, environment);
  if (!(await importsWork(context, environment)).isGood) {
    say("The Python packages do not load; making the environment anew …");
    await makeVenv(context, environment);
    await pipInstall(context, environment);
    const second = await importsWork(context, environment);
    if (!second.isGood) {
      throw new SetupError(
        `The installed Python packages do not load: see that a 64-bit CPython ${OLDEST_PYTHON.join(".")} to ${NEWEST_WITH_WHEELS} is first on the PATH, delete ${folder} and run the same command again (Python says: ${second.reason}).`,
      );
    }
  }
  const stamp = {
    requirements: requirementsHash(root, environment),
    interpreter: realpathSync(environmentPython(root, environment)),
  };
  writeFileSync(join(root, folder, STAMP), `${JSON.stringify(stamp)}\n`);
}

/**
 * @param {SetupContext} context
 * @param {PythonEnvironment} environment
 * @returns {Promise<boolean>} false as well for one left half made
 */
async function venvWorks({ root, env }, environment) {
  const python = environmentPython(root, environment);
  if (!existsSync(python)) return false;
  const version = await pythonVersion(python, root, env);
  if (version === undefined || !isNewEnough(version)) return false;
  return (await run(python, [ISOLATED, "-m", "pip", "--version"], { cwd: root, env })).code === 0;
}

/** @param {SetupContext} context @param {PythonEnvironment} environment */
async function makeVenv({ root, env, say }, { folder }) {
  const { command, version } = await findPython(root, env);
  const venv = join(root, folder);
  say(`Making a Python ${version} environment in ${folder} …`);
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
    `\`${command} -m venv ${folder}\` failed: put a working CPython first on the PATH, or name one in PYVISION_PYTHON, then run the same command again (Python says: ${reason}).`,
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

/** @param {SetupContext} context @param {PythonEnvironment} environment */
async function pipInstall({ root, env, say }, environment) {
  const { folder, requirements, size } = environment;
  say(`Installing the Python packages of ${requirements.join(" and ")} into ${folder} (${size}) …`);
  const startedMs = Date.now();
  // Wheels only: a build from source would ask for compilers and say so in a thousand lines.
  const args = ["-m", "pip", "install", "--only-binary=:all:", "--no-input", "--disable-pip-version-check"];
  const pipEnv = { ...env, PIP_USER: "0", PIP_QUIET: "0" };
  const { code, output } = await run(
    environmentPython(root, environment),
    [ISOLATED, ...args, "--progress-bar=off", ...requirements.flatMap((file) => ["-r", file])],
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
  if (fault !== undefined)
    throw machineFault(fault, `installing Python packages into ${root}/${folder}`, reason);
  if (/No matching distribution/.test(output)) {
    throw new SetupError(
      `The package index has no wheel for this Python or this machine: use CPython ${OLDEST_PYTHON.join(".")} to ${NEWEST_WITH_WHEELS} (name it in PYVISION_PYTHON), delete ${folder} and run the same command again (pip says: ${reason}).`,
    );
  }
  throw new SetupError(
    `pip failed: run \`${folder}/bin/python -m pip install ${requirements.map((file) => `-r ${file}`).join(" ")}\` to see all of its output, then run the same command again (pip says: ${reason}).`,
  );
}

/** @param {SetupContext} context @param {PythonEnvironment} environment */
async function importsWork({ root, env, say }, environment) {
  say(environment.loading);
  const python = environmentPython(root, environment);
  const { code, output } = await run(python, [ISOLATED, "-c", environment.importAll], { cwd: root, env });
  return { isGood: code === 0, reason: tellingLine(output, /Error/) };
}
