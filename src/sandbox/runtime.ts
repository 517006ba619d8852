// The contract of the Python tool: a runtime opens sessions; a session runs cells one after another with lasting state.
import type { RgbImage } from "../core/image.ts";
import type { ToolResult } from "../core/trajectory.ts";

export interface SessionOptions {
  /** Become `image_clue_0`, `image_clue_1`, ... (PIL images) in the session. */
  readonly images: readonly RgbImage[];
  /** Paths of video files; become `video_clue_0`, `video_clue_1`, ..., readers with decord's interface. Default none. */
  readonly videos?: readonly string[];
}

/** Limits of time in milliseconds, positive integers. */
export interface CallLimits {
  /** Time the call may take: execution, rendering of figures and transfer. */
  readonly callTimeoutMs: number;
  /** A program that ignores the interruption at `callTimeoutMs` is killed this much later. */
  readonly hardKillGraceMs: number;
}

export interface PythonSession {
  /**
   * Runs one cell. Never rejects for what the code did (that is the outcome); rejects with SandboxError only when the
   * runtime itself is broken, or a limit is none. Calls on one session are serial.
   * @param limits of this call; what is left out is as the runtime's options say
   */
  run(code: string, limits?: Partial<CallLimits>): Promise<ToolResult>;
  /** Ends the process. Idempotent. */
  close(): Promise<void>;
}

/**
 * What stands between model-written code and the machine, best first.
 * - `namespaces`: own user, mount, process, network, IPC and host name spaces for every session, a read-only system with
 *   nothing of the user's in it, a private scratch folder with a quota, a system call filter, limits.
 * - `lite`: the system call filter, limits, and Landlock in the place of a file system of its own.
 * - `remote`: another machine's business; what it isolates is that machine's choice.
 * - `process`: a process of its own with limits, and no isolation: the user's own rights, files and network.
 */
export const ISOLATION_LEVELS = ["namespaces", "lite", "remote", "process"] as const;
export type IsolationLevel = (typeof ISOLATION_LEVELS)[number];

export interface Isolation {
  /** As the canary programs found it at the start, not as it was asked for. */
  readonly level: IsolationLevel;
  /** Who sets the outer layer: "bubblewrap", "worker", "landlock", "none", or a remote server's kind. */
  readonly by: string;
  /** One sentence for every better way that was tried and why it did not hold; empty at the best level. */
  readonly shortfalls: readonly string[];
}

export interface PythonRuntime {
  /** Of every session. */
  readonly isolation: Isolation;
  /** @throws SandboxError when no session comes up; DataError, before any cell, for a video that cannot be read. */
  open(options: SessionOptions): Promise<PythonSession>;
  /** Ends every session and process of this runtime. */
  close(): Promise<void>;
}
