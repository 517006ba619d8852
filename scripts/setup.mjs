// Everything a fresh clone needs before its first command: Node packages, and a Python environment in the project. It
// runs before `npm ci`, so it may use Node's own modules only. A second call reads two stamps and says nothing.
import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { machineFault, commonFault, SetupError } from "./setup/command.mjs";
import { withLock } from "./setup/lock.mjs";
import { installNodePackages, nodePackagesAreReady } from "./setup/nodePackages.mjs";
import { environmentIsReady, installEnvironment } from "./setup/pythonEnvironment.mjs";
import { PROGRAM_ENVIRONMENT } from "./setup/pythonPackages.mjs";

export const projectRoot = dirname(dirname(fileURLToPath(import.meta.url)));

const OLDEST_NODE = /** @type {const} */ ([20, 19]);

/**
 * Brings `node_modules` and `.venv` up to date, and another Python environment if one is given. Lines about progress go
 * to stderr, so that a command's own output stays clean.
 * @param {Partial<import("./setup/nodePackages.mjs").SetupContext>} [options]
 * @param {import("./setup/pythonEnvironment.mjs").PythonEnvironment} [extra]
 * @throws {SetupError} with one sentence that names the remedy.
 */
export async function setup(options = {}, extra) {
  const context = {
    root: projectRoot,
    env: process.env,
    say: (/** @type {string} */ line) => void process.stderr.write(`[setup] ${line}\n`),
    ...options,
  };
  const { root } = context;
  checkNode(process.versions.node);
  const environments = extra === undefined ? [PROGRAM_ENVIRONMENT] : [PROGRAM_ENVIRONMENT, extra];
  if (nodePackagesAreReady(root) && environments.every((e) => environmentIsReady(root, e))) return;
  try {
    await withLock(join(root, ".setup-lock"), context.say, async () => {
      if (!nodePackagesAreReady(root)) await installNodePackages(context);
      for (const environment of environments)
        if (!environmentIsReady(root, environment)) await installEnvironment(context, environment);
    });
  } catch (error) {
    const fault = error instanceof SetupError ? undefined : commonFault(String(error));
    if (fault === "disk" || fault === "permission")
      throw machineFault(fault, `setting up ${root}`, String(error));
    throw error;
  }
}

/**
 * As `setup`, but a failure prints its one sentence and ends the process with exit code 1.
 * @param {import("./setup/pythonEnvironment.mjs").PythonEnvironment} [extra]
 */
export async function setupOrExit(extra) {
  try {
    await setup({}, extra);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`[setup] ${error.message}\n`);
    process.exit(1);
  }
}

/** @param {string} version */
export function checkNode(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new SetupError(
    `This is Node.js ${version}, but ${OLDEST_NODE.join(".")} or newer is needed: install one (https://nodejs.org) and run the same command again.`,
  );
}

const entry = process.argv[1];
if (entry !== undefined && realpathSync(entry) === fileURLToPath(import.meta.url)) await setupOrExit();
