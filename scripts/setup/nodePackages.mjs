// The npm half of the set-up: node_modules is what package-lock.json says. A stamp with the lock file's hash makes the
// second call cheap; without a stamp, npm's own record of what it installed is compared, so that a hand-made `npm ci` or
// `npm install` is not repeated.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commonFault, machineFault, run, SetupError, tellingLine } from "./command.mjs";

/** @typedef {{ root: string, env: NodeJS.ProcessEnv, say: (line: string) => void }} SetupContext */

const STAMP = ".pyvision-lock-hash";

/** @param {string} root @returns {boolean} */
export function nodePackagesAreReady(root) {
  const lockFile = join(root, "package-lock.json");
  // Installed as somebody's dependency: npm leaves the lock file out, and has already placed what we need.
  if (!existsSync(lockFile)) return true;
  const modules = join(root, "node_modules");
  const lock = readFileSync(lockFile);
  const hash = createHash("sha256").update(lock).digest("hex");
  const stamp = join(modules, STAMP);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === hash) return true;
  const record = join(modules, ".package-lock.json");
  if (!existsSync(record) || !holdsEveryPackage(lock.toString("utf8"), readFileSync(record, "utf8")))
    return false;
  try {
    writeFileSync(stamp, hash);
  } catch {
    // A read-only node_modules is still a good one; the comparison is only repeated next time.
  }
  return true;
}

/**
 * Whether npm's record of an installation has every package of the lock file at its version. Optional packages may be
 * absent (they are for other platforms), and so may those only for development (`npm ci --omit=dev`).
 * @param {string} lockText
 * @param {string} recordText
 */
export function holdsEveryPackage(lockText, recordText) {
  let wanted, installed;
  try {
    wanted = JSON.parse(lockText).packages;
    installed = JSON.parse(recordText).packages;
  } catch {
    return false;
  }
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === "") return true;
    const found = installed[path];
    if (found === undefined) return Boolean(entry.optional || entry.dev || entry.devOptional);
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

/**
 * Runs `npm ci`.
 * @param {SetupContext} context
 * @throws {SetupError}
 */
export async function installNodePackages({ root, env, say }) {
  say("Installing the Node packages of package-lock.json (about 180 MB to download, 400 MB on disk) …");
  const startedMs = Date.now();
  // No package here needs its install script, and ONNX Runtime's would look for CUDA files on the network.
  const npmEnv = { ...env, ONNXRUNTIME_NODE_INSTALL: "skip" };
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const npmCli = env["npm_execpath"];
  const isNpm = npmCli !== undefined && /npm-cli\.[cm]?js$/.test(npmCli);
  const options = { cwd: root, env: npmEnv };
  const result = isNpm
    ? await run(process.execPath, [npmCli, ...args], options)
    : await run("npm", args, options);
  if (result.code !== 0) throw explain(result, root);
  rmSync(join(root, "node_modules", STAMP), { force: true });
  if (!nodePackagesAreReady(root)) {
    throw new SetupError(
      "npm ended well but node_modules is not what package-lock.json says: delete node_modules and run the same command again.",
    );
  }
  say(`Node packages are ready (${seconds(startedMs)}).`);
}

/** @param {number} startedMs */
export function seconds(startedMs) {
  return `${((Date.now() - startedMs) / 1000).toFixed(1)} s`;
}

/** @param {{ code: number | undefined, output: string }} result @param {string} root */
function explain({ code, output }, root) {
  if (code === undefined && /ENOENT/.test(output)) {
    return new SetupError(
      "npm was not found on the PATH: install Node.js 20.19 or newer with npm (https://nodejs.org).",
    );
  }
  const reason = tellingLine(output, /reason:|ENOSPC|EACCES|EROFS|E40\d|EUSAGE|can only install/);
  const fault = commonFault(output);
  if (fault === "network") {
    return new SetupError(
      `The npm registry cannot be reached: check the network, the proxy (HTTPS_PROXY) or \`npm config get registry\`, then run the same command again (npm says: ${reason}).`,
    );
  }
  if (fault !== undefined) return machineFault(fault, `installing Node packages into ${root}`, reason);
  return new SetupError(
    `\`npm ci\` failed: run it by hand in ${root} to see all of its output, then run the same command again (npm says: ${reason}).`,
  );
}
