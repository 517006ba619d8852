// Between a run and one tracker: a bounded queue that a worker empties. The run only ever appends to the queue, so that a
// slow, broken or absent tracker costs it nothing; what does not fit is dropped, oldest first, and counted.
import type { MetricsRecord } from "../metrics.ts";
import type { TrackerClock } from "./clock.ts";
import {
  TrackerError,
  type Consequence,
  type MetricsUpdate,
  type Opened,
  type Outcome,
  type TrackedRun,
  type Tracker,
  type Update,
} from "./tracker.ts";

export interface FeedLimits {
  /** Metrics waiting; one a step. */
  readonly metrics: number;
  /** Images, histograms and texts waiting. */
  readonly media: number;
  /** Bytes of images waiting. */
  readonly imageBytes: number;
  /** Between attempts: the first wait, doubled up to the longest. */
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
}

export const defaultLimits: FeedLimits = {
  metrics: 10_000,
  media: 500,
  imageBytes: 64 * 2 ** 20,
  firstWaitMs: 1_000,
  longestWaitMs: 60_000,
};

/** What came of a tracker, for summary.json. */
export interface TrackerReport {
  readonly type: string;
  /** Absent when it could never be opened. */
  readonly where?: string;
  /** Updates that arrived: metrics of a step, an image, a histogram, a text each count one. */
  readonly written: number;
  /** Updates that never will. */
  readonly dropped: number;
  /** Attempts that failed, those that passed later included. */
  readonly failures: number;
  readonly lastError?: string;
}

export interface FeedOptions {
  readonly tracker: Tracker;
  readonly run: TrackedRun;
  /** Images of a step that this tracker wants. */
  readonly images: number;
  readonly clock: TrackerClock;
  readonly limits?: FeedLimits;
  /** Metrics of the run so far, for what the tracker lacks of them. */
  history(): readonly MetricsRecord[];
  opened(opened: Opened): void;
  /** The metrics of this step arrived. */
  confirmed(step: number): void;
  warn(text: string): void;
}

export class Feed {
  readonly #options: FeedOptions;
  readonly #limits: FeedLimits;
  readonly #queue: Update[] = [];
  readonly #ended = new AbortController();
  /** Aborted when no more comes, so that a wait for the next attempt is cut short. */
  readonly #closing = new AbortController();
  readonly #warned = new Set<string>();
  #wake: (() => void) | undefined;
  #outcome: Outcome = "finished";
  #stopped = false;
  #busy = false;
  #where: string | undefined;
  #written = 0;
  #dropped = 0;
  #failures = 0;
  #lastError: string | undefined;
  readonly #worker: Promise<void>;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#limits = options.limits ?? defaultLimits;
    this.#worker = this.#work();
  }

  offer(update: Update): void {
    if (update.type === "image" && update.index >= this.#options.images) return;
    if (this.#stopped || this.#closing.signal.aborted) {
      this.#dropped++;
      return;
    }
    this.#queue.push(update);
    this.#keepBounds(update);
    this.#wake?.();
  }

  /** Waits for what is queued, at most so long; then ends it all. */
  async finish(outcome: Outcome, limitMs: number): Promise<TrackerReport> {
    const { clock, tracker, warn } = this.#options;
    this.#outcome = outcome;
    this.#closing.abort();
    this.#wake?.();
    const arrived = new AbortController();
    const ended = this.#worker.then(() => arrived.abort());
    await Promise.race([ended, clock.sleep(limitMs, arrived.signal)]);
    if (!arrived.signal.aborted) {
      this.#stopped = true;
      const lost = this.#queue.length + (this.#busy ? 1 : 0);
      this.#dropped += lost;
      this.#queue.length = 0;
      if (lost > 0)
        warn(
          `${tracker.type}: ${lost} updates had not arrived ${limitMs / 1000} s after the end and were given up; ` +
            "metrics.jsonl has all metrics",
        );
      this.#ended.abort();
    }
    return {
      type: tracker.type,
      ...(this.#where !== undefined && { where: this.#where }),
      written: this.#written,
      dropped: this.#dropped,
      failures: this.#failures,
      ...(this.#lastError !== undefined && { lastError: this.#lastError }),
    };
  }

  async #work(): Promise<void> {
    const { tracker, run, clock } = this.#options;
    const signal = this.#ended.signal;
    const opened = await this.#persist(() => tracker.open(run, signal).catch(finalUnlessPassing));
    if (opened === undefined) return this.#stop();
    this.#where = opened.where;
    for (const text of opened.warnings ?? []) this.#failed(new Error(text), "skip");
    this.#quietly(() => this.#options.opened(opened));
    for (const update of this.#missing(opened.lastStep)) {
      if (this.#stopped) break;
      await this.#deliver(update);
    }
    while (!this.#stopped) {
      const update = this.#queue.shift();
      if (update !== undefined) {
        // Steps that an interrupted run had taken there already.
        if (update.step === 0 || update.step > opened.lastStep) await this.#deliver(update);
      } else if (this.#closing.signal.aborted) break;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if (!signal.aborted) await this.#persist(() => tracker.close(this.#outcome, clock.now()));
  }

  /** Metrics of steps before the resumed one that the tracker never got, or got taken back. */
  #missing(lastStep: number): MetricsUpdate[] {
    const { history, run, clock } = this.#options;
    if (run.resumeFrom <= lastStep) return [];
    try {
      return history()
        .filter(({ step }) => step > lastStep && step <= run.resumeFrom)
        .map((record) => metricsUpdate(record, clock.now()));
    } catch (error) {
      this.#failed(error, "skip");
      return [];
    }
  }

  async #deliver(update: Update): Promise<void> {
    this.#busy = true;
    const done = await this.#persist(async () => {
      await this.#options.tracker.write(update);
      return true;
    });
    this.#busy = false;
    if (this.#ended.signal.aborted) return;
    if (done === undefined) {
      this.#dropped++;
      return;
    }
    this.#written++;
    if (update.type === "metrics") this.#quietly(() => this.#options.confirmed(update.step));
  }

  /** Tries until it works or cannot; undefined: it cannot. */
  async #persist<T>(action: () => Promise<T>): Promise<T | undefined> {
    const { clock } = this.#options;
    let waitMs = this.#limits.firstWaitMs;
    while (!this.#ended.signal.aborted) {
      try {
        return await action();
      } catch (error) {
        if (this.#ended.signal.aborted) return undefined;
        const then = error instanceof TrackerError ? error.then : "skip";
        this.#failed(error, then);
        if (then === "stop") this.#stop();
        if (then !== "retry") return undefined;
        const closing = this.#closing.signal;
        if (closing.aborted) await clock.sleep(this.#limits.firstWaitMs, this.#ended.signal);
        else await clock.sleep(waitMs, closing);
        waitMs = Math.min(2 * waitMs, this.#limits.longestWaitMs);
      }
    }
    return undefined;
  }

  #failed(error: unknown, then: Consequence): void {
    const { tracker, warn } = this.#options;
    const text = error instanceof Error ? error.message : String(error);
    this.#failures++;
    this.#lastError = text;
    // One warning for each way to fail; the same failure with another number in it is the same.
    const kind = `${then} ${text.replace(/\d+/g, "0")}`;
    if (this.#warned.has(kind) || this.#warned.size >= 5) return;
    this.#warned.add(kind);
    const consequence = {
      retry: "tried again until it passes",
      skip: "this is left out there, and the run goes on",
      stop: "nothing more goes there, and the run goes on",
    }[then];
    warn(`${tracker.type}: ${text} (${consequence}; this kind of failure is not repeated here)`);
  }

  #stop(): void {
    this.#stopped = true;
    this.#dropped += this.#queue.length;
    this.#queue.length = 0;
  }

  /** What the run does with news of the tracker must not end the tracker. */
  #quietly(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#failed(error, "skip");
    }
  }

  #keepBounds({ type }: Update): void {
    const isMetrics = type === "metrics";
    const alike = this.#queue.filter((update) => (update.type === "metrics") === isMetrics);
    const bytes = alike.reduce((sum, update) => sum + (update.type === "image" ? update.png.length : 0), 0);
    const most = isMetrics ? this.#limits.metrics : this.#limits.media;
    if (alike.length <= most && bytes <= this.#limits.imageBytes) return;
    const oldest =
      alike.length > most ? alike[0] : (alike.find((update) => update.type === "image") ?? alike[0]);
    this.#queue.splice(this.#queue.indexOf(oldest as Update), 1);
    this.#dropped++;
    this.#failed(
      new TrackerError("skip", `more than ${alike.length - 1} updates wait; the oldest are dropped`),
      "skip",
    );
  }
}

/** Without having been opened nothing can arrive. */
function finalUnlessPassing(error: unknown): never {
  if (error instanceof TrackerError && error.then === "retry") throw error;
  throw new TrackerError("stop", error instanceof Error ? error.message : String(error), { cause: error });
}

/** What is no number (a text) has no place in a curve. */
export function metricsUpdate({ step, ...rest }: MetricsRecord, timeMs: number): MetricsUpdate {
  const values = Object.fromEntries(
    Object.entries(rest)
      .filter((entry): entry is [string, number] => typeof entry[1] === "number")
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  return { type: "metrics", step, timeMs, values };
}
