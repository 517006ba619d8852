// What is measured of both sides alike. Each side takes its times itself, as near to the caller as it can.

export interface Call {
  readonly ms: number;
  /** `lost`: the process is gone, or nothing came within the time limit. */
  readonly outcome: "ok" | "error" | "lost";
  /** More about an outcome that is not ok. */
  readonly detail: string;
  readonly stdout: string;
  readonly figures: number;
  /** Part of `ms` that went into turning figures into pixels, where they come coded. */
  readonly decodeMs?: number;
}

export interface Batch {
  readonly ms: number;
  readonly calls: number;
  readonly failed: number;
}

export interface Closing {
  readonly ms: number;
  /** Below the number of sessions when the time allowed was over. */
  readonly closed: number;
}

/** One of the two contestants, with the picture of `PICTURE` in every session. */
export interface Side<S> {
  /** A session with a picture that no other session has, until its first call has answered. */
  start(code: string): Promise<{ readonly session: S; readonly ms: number }>;
  /** Sessions at once, eight with one picture: rollouts of one prompt. */
  open(count: number): Promise<{ readonly sessions: readonly S[]; readonly ms: number }>;
  run(session: S, code: string, limitSeconds?: number): Promise<Call>;
  /** As many trajectories as sessions at once, each of `turns` calls one after another. */
  trajectories(sessions: readonly S[], code: string, turns: number): Promise<Batch>;
  close(sessions: readonly S[], limitSeconds: number): Promise<Closing>;
  /** Ends sessions without measuring. */
  discard(sessions: readonly S[]): Promise<void>;
  /** The topmost of its processes, this program not included. */
  roots(): number[];
  /** CPU time so far of all its processes, living and ended, the side of the caller included. */
  cpuSeconds(): number;
  end(): Promise<void>;
}
