// For the parity tests of the trackers: a Python with the real TensorBoard, MLflow and W&B, and programs run in it.
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ConfigError } from "../../core/errors.ts";
import { layeredPython } from "../../engines/embedded/parity/layeredPython.ts";
import { lockRun, type RunLock } from "../runLock.ts";

const FOLDER = ".venv-trackers";
const SAID_AFTER_MS = 5000;
/** Far more than making it takes: who has not let go by then was another machine's, and is gone. */
const LIMIT_MS = 15 * 60_000;

/**
 * Made at first use, by the first of the test files that run at once; the others wait for it.
 * @returns its interpreter
 * @throws ConfigError when another has not let go of it for 15 minutes; the message names the remedy
 */
export async function trackersPython(): Promise<string> {
  const lock = await lockWhenFree(fileURLToPath(new URL(`../../../${FOLDER}-lock`, import.meta.url)));
  try {
    return await layeredPython(
      {
        folder: FOLDER,
        requirements: "requirements-trackers.txt",
        oldestPython: 10,
        what: "TensorBoard, MLflow and W&B (130 MB to download)",
      },
      (line) => process.stderr.write(`${line}\n`),
    );
  } finally {
    lock.release();
  }
}

async function lockWhenFree(dir: string): Promise<RunLock> {
  mkdirSync(dir, { recursive: true });
  const since = performance.now();
  for (let said = false; ; await sleep(200))
    try {
      return lockRun(dir, "lock of the trackers' Python");
    } catch (error) {
      const waitedMs = performance.now() - since;
      if (!(error instanceof ConfigError) || waitedMs > LIMIT_MS) throw error;
      if (!said && waitedMs > SAID_AFTER_MS) {
        process.stderr.write(`waiting up to ${LIMIT_MS / 60_000} minutes: ${error.message}\n`);
        said = true;
      }
    }
}

/** Runs a program of this folder and reads the JSON it prints. @throws Error with what it said when it failed */
export async function readWithPython(
  python: string,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const path = fileURLToPath(new URL(program, import.meta.url));
  const child = spawn(python, [path, ...args], { env: { ...process.env, ...env } });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0) throw new Error(`${program} failed (${code}): ${stderr.slice(-3000)}`);
  return JSON.parse(stdout) as unknown;
}
