// Starts a TypeScript program, or Node's test runner, under tsx as a child process, and behaves as if it were that child:
// same exit code, same death by signal, signals passed on.
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { constants } from "node:os";

// V8 counts the memory of typed arrays as its own, and from the limit it starts with collects several times a
// second while a policy is sampled. This one saves a fifth of the main process's CPU time (docs/decisions.md).
const heap = "--initial-old-space-size=512";

/**
 * @param {readonly string[]} args what follows `node --import tsx`
 * @param {{ cwd?: string }} [options]
 * @returns {Promise<never>} ends this process when the child has ended
 */
export async function launch(args, { cwd = process.cwd() } = {}) {
  // Resolved here, so that the command works from any directory.
  const tsx = import.meta.resolve("tsx");
  const env = { ...process.env };
  delete env["NODE_TEST_CONTEXT"];
  // The fourth is a pipe that nobody writes to: it closes when this process is gone, however it went (src/cli/lifeline.ts).
  env["PYVISION_LIFELINE"] = "3";
  const stdio = /** @type {const} */ (["inherit", "inherit", "inherit", "pipe"]);
  const child = spawn(process.execPath, [heap, "--import", tsx, ...args], { cwd, env, stdio });
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    process.on(signal, () => {
      // Ctrl-C reaches the child by itself; passed on too, it would count as pressed twice.
      if (signal !== "SIGINT" || !hasTerminal()) child.kill(signal);
    });
  }
  const { code, signal } = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal }));
  });
  if (signal !== null) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    // Not every signal ends Node at once, and none may end it well.
    process.exit(128 + constants.signals[signal]);
  }
  process.exit(code);
}

function hasTerminal() {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}
