// Runs one outside program for the set-up and keeps what it printed, because npm, pip and venv say why they failed in
// many lines of which a person needs one.
import { spawn } from "node:child_process";

/** A set-up that cannot go on: the message is one sentence with the remedy, and is all that the user is shown. */
export class SetupError extends Error {}

/**
 * Runs a program to its end.
 * @param {string} file
 * @param {readonly string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv }} options
 * @returns {Promise<{ code: number | undefined, output: string }>} stdout and stderr as they came; `code` is undefined
 *   when the program does not exist or died of a signal.
 */
export function run(file, args, { cwd, env }) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const keep = (/** @type {Buffer} */ chunk) => {
      output += chunk.toString("utf8");
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", (error) => resolve({ code: undefined, output: `${output}${error.message}\n` }));
    child.on("close", (code) => resolve({ code: code ?? undefined, output }));
  });
}

/**
 * The faults that any installer can meet, told apart by its output.
 * @param {string} output
 * @returns {"disk" | "permission" | "network" | undefined}
 */
export function commonFault(output) {
  if (/ENOSPC|No space left on device|EDQUOT|Disk quota exceeded/i.test(output)) return "disk";
  if (/EACCES|EPERM|EROFS|Permission denied|Read-only file system/.test(output)) return "permission";
  const network =
    /ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|Connection refused|NewConnectionError|ConnectTimeout|Read timed out|NameResolutionError|Name or service not known|Temporary failure in name resolution|Max retries exceeded|ProxyError|SSLError|CERTIFICATE_VERIFY_FAILED|CERT_HAS_EXPIRED|SELF_SIGNED_CERT|UNABLE_TO_(GET|VERIFY)/i;
  return network.test(output) ? "network" : undefined;
}

/**
 * The sentence for a fault of the machine, the same for npm and pip.
 * @param {"disk" | "permission"} fault
 * @param {string} what what was being done, as "installing ... into ..."
 * @param {string} reason the tool's own line
 */
export function machineFault(fault, what, reason) {
  const remedy =
    fault === "disk"
      ? "the disk is full: free about 1 GB, then run the same command again"
      : "this user may not write there: make the directory writable for you, then run the same command again";
  return new SetupError(`While ${what}, ${remedy} (${reason}).`);
}

/**
 * The one line of an installer's output that says why it failed.
 * @param {string} output
 * @param {RegExp} isTelling lines that name the cause best
 */
export function tellingLine(output, isTelling) {
  const lines = output
    .split(/\r?\n/)
    .map((line) => line.replace(/^npm (error|ERR!)\s?/, "").trim())
    .filter((line) => line !== "" && !/^A complete log of this run|^\S*debug-\d*\.log$/.test(line));
  const line =
    lines.findLast((candidate) => isTelling.test(candidate)) ?? lines.at(-1) ?? "it printed nothing";
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}
