// How long-running work tells a person where it is. Loops of every room receive one of these; the terminal behind it
// is src/runs/progress.ts, and nothing else writes to stdout or stderr.

/** One piece of work that takes a while. */
export interface Progress {
  /** Sets how much is done (in the unit of the total), with a short note such as "accuracy 0.62". */
  update(done: number, note?: string): void;
  /** Adds to what is done; 1 by default. */
  advance(by?: number, note?: string): void;
  /** Ends the work: the bar goes away. Idempotent. */
  end(note?: string): void;
}

export interface Reporter {
  /** A result, for stdout: tables, a trajectory, a path. May hold several lines. */
  print(text: string): void;
  /** What is going on, for stderr. */
  info(text: string): void;
  /** Something the user should look at. */
  warn(text: string): void;
  /**
   * Begins a piece of work; `total` undefined when its size is not known. `unit` is a plural: "steps", "tasks". `before` of
   * it were done earlier, and do not count when the rate is told.
   */
  start(label: string, total?: number, unit?: string, before?: number): Progress;
}

/** Says nothing; for tests and for callers that do not care. */
export const silentReporter: Reporter = {
  print: () => {},
  info: () => {},
  warn: () => {},
  start: () => ({ update: () => {}, advance: () => {}, end: () => {} }),
};
