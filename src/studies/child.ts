// One run as a process of its own: `pyvision STAGE CONFIG --run DIR`, its output in a log. It has its own process group, so that
// Ctrl-C in the terminal reaches the study alone, which passes it on once; and it holds a pipe of the study's (lifeline.ts), so
// that it ends when the study is killed.
import { spawn } from "node:child_process";
import { closeSync, existsSync, readFileSync } from "node:fs";
import { isLocked } from "../runs/runLock.ts";
import type { StudyRun } from "./grid.ts";
import type { RunOutcome } from "./pool.ts";
import type { StudyFolder } from "./runFolder.ts";

const TSX = import.meta.resolve("tsx");
/** A process of a study that was killed notices it between two computations. */
const LOCK_PATIENCE_MS = 120_000;
const POLL_MS = 200;

export interface RunningChild {
  readonly outcome: Promise<RunOutcome>;
  /** Finishes its step, saves, and ends. */
  stop(): void;
}

/**
 * @param main the program that is `pyvision`, a TypeScript file
 * @param onResume told that the run was killed and is continued once more
 */
export function startRun(
  run: StudyRun,
  folder: StudyFolder,
  main: string,
  onResume: (signal: string) => void,
): RunningChild {
  let stopped = false;
  let kill: () => void = () => undefined;
  const attempt = (): Promise<RunOutcome & { readonly signal?: string }> =>
    new Promise((resolve) => {
      const log = folder.appendLog(run.digest);
      const args = [
        ...process.execArgv.filter((flag) => flag.startsWith("--initial-old-space-size")), // scripts/launch.mjs
        "--import",
        TSX,
        main,
        run.stage,
        folder.writeConfig(run),
        "--run",
        folder.runDir(run.digest),
      ];
      const env: NodeJS.ProcessEnv = { ...process.env, PYVISION_LIFELINE: "3" };
      delete env["NODE_TEST_CONTEXT"];
      const child = spawn(process.execPath, args, {
        detached: true,
        env,
        stdio: ["ignore", log, log, "pipe"],
      });
      closeSync(log);
      kill = () => child.kill("SIGTERM");
      if (stopped) kill();
      child.on("error", (error) =>
        resolve({ type: "failed", reason: `could not be started: ${error.message}` }),
      );
      child.on("close", (code, signal) => {
        if (code === 0 && folder.isFinished(run)) resolve({ type: "done" });
        else if (stopped) resolve({ type: "stopped" });
        else if (signal !== null) resolve({ type: "failed", reason: `killed by ${signal}`, signal });
        else
          resolve({
            type: "failed",
            reason: lastWords(folder.logPath(run.digest)) ?? `exit code ${code ?? "?"}`,
          });
      });
    });
  const all = async (): Promise<RunOutcome> => {
    if (!(await unlocked(folder.runDir(run.digest), () => stopped)))
      return stopped
        ? { type: "stopped" }
        : { type: "failed", reason: "another process writes its directory; wait for it, or stop it" };
    const first = await attempt();
    if (first.type !== "failed" || first.signal === undefined) return first;
    // Nobody asked for it: memory that ran out, or a person. What it had saved is whole.
    onResume(first.signal);
    return attempt();
  };
  return {
    outcome: all(),
    stop: () => {
      if (stopped) return;
      stopped = true;
      kill();
    },
  };
}

/** Waits for a run of a study that was killed to end. */
async function unlocked(dir: string, stopped: () => boolean): Promise<boolean> {
  for (let waited = 0; isLocked(dir); waited += POLL_MS) {
    if (waited >= LOCK_PATIENCE_MS || stopped()) return false;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return true;
}

/** The last error that the log tells of. */
function lastWords(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const lines = readFileSync(path, "utf8").trimEnd().split("\n").slice(-20);
  return lines.findLast((line) => line.startsWith("error: "))?.slice("error: ".length);
}
