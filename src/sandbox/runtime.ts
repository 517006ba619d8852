// The contract of the Python tool: a runtime opens sessions; a session runs cells one after another with lasting state.
import type { RgbImage } from "../core/image.ts";
import type { ToolResult } from "../core/trajectory.ts";

export interface SessionOptions {
  /** Become `image_clue_0`, `image_clue_1`, ... (PIL images) in the session. */
  readonly images: readonly RgbImage[];
  /** Paths of video files; become `video_clue_0`, `video_clue_1`, ..., readers with decord's interface. Default none. */
  readonly videos?: readonly string[];
}

export interface PythonSession {
  /**
   * Runs one cell. Never rejects for what the code did (that is the outcome); rejects with SandboxError only when the
   * runtime itself is broken. Calls on one session are serial.
   */
  run(code: string): Promise<ToolResult>;
  /** Ends the process. Idempotent. */
  close(): Promise<void>;
}

/**
 * What stands between model-written code and the machine. `limits`: a process of its own with limits on time, memory,
 * file size and open files, an empty environment and no way to gain privileges; it has the user's own rights, so it can
 * read the user's files, write where the user can, and reach the network.
 */
export type IsolationLevel = "limits";

export interface PythonRuntime {
  /** Of every session. */
  readonly isolation: IsolationLevel;
  /** @throws SandboxError when no session comes up; DataError, before any cell, for a video that cannot be read. */
  open(options: SessionOptions): Promise<PythonSession>;
  /** Ends every session and process of this runtime. */
  close(): Promise<void>;
}
