// Requests that are answered later: each has an id, and its client asks for the result until it is there. Results are kept
// a while after they were fetched, since a reply may be lost on its way, and are bounded in time and in bytes.
import type { ForwardBackwardOutput, SampleOutput } from "../../engines/tinker/protocol/wire.ts";
import { HttpError } from "../http.ts";
import { type FailureBody, failureBody } from "./errors.ts";

export type Payload =
  | { readonly type: "json"; readonly body: Readonly<Record<string, unknown>> }
  | { readonly type: "forwardBackward"; readonly output: ForwardBackwardOutput }
  | { readonly type: "sample"; readonly output: SampleOutput };

export type Outcome = Payload | { readonly type: "failure"; readonly body: FailureBody };

export interface FuturesOptions {
  /** Tells the ids of this run of the server from those of others. */
  readonly run: string;
  /** Milliseconds of a steady clock. */
  readonly now: () => number;
  /** How long a result waits for its client. */
  readonly keepMs: number;
  /** How long it stays after it was fetched. */
  readonly keepFetchedMs: number;
  /** Of all finished results together, about. */
  readonly maxBytes: number;
  /** Requests that are not finished. */
  readonly maxPending: number;
  /** Told of failures that are not the client's. */
  readonly onFailure: (error: unknown) => void;
}

export interface FutureDetails {
  /** Whose it is. */
  readonly sessionId?: string | undefined;
  /** Why it does not go on, to be told to its client. */
  readonly waitsFor?: () => string | undefined;
}

interface Future extends FutureDetails {
  readonly id: string;
  outcome: Outcome | undefined;
  fetched: boolean;
  bytes: number;
  expiresAt: number;
  readonly settled: Promise<void>;
}

export class Futures {
  private readonly pending = new Map<string, Future>();
  /** The one finished longest ago first. */
  private readonly finished = new Map<string, Future>();
  private bytes = 0;
  private issued = 0;

  constructor(private readonly options: FuturesOptions) {}

  get pendingCount(): number {
    return this.pending.size;
  }

  /** An id for work that may not have begun. @throws HttpError (429) when too many are pending */
  open(work: (id: string) => Promise<Payload>, details: FutureDetails = {}): string {
    if (this.pending.size >= this.options.maxPending)
      throw new HttpError(
        `${this.pending.size} requests are waiting already; send this one again when some are done`,
        { status: 429, code: "too_many_requests" },
      );
    const id = `${this.options.run}-${++this.issued}`;
    let settle = (): void => undefined;
    const settled = new Promise<void>((resolve) => (settle = resolve));
    const future: Future = {
      ...details,
      id,
      outcome: undefined,
      fetched: false,
      bytes: 0,
      expiresAt: Infinity,
      settled,
    };
    this.pending.set(id, future);
    const finish = (outcome: Outcome): void => {
      this.finish(future, outcome);
      settle();
    };
    void work(id).then(finish, (error: unknown) => {
      const body = failureBody(error);
      if (body.category === "server") this.options.onFailure(error);
      finish({ type: "failure", body });
    });
    return id;
  }

  /** Whether its result is there or will be. */
  has(id: string): boolean {
    this.sweep();
    return this.pending.has(id) || this.finished.has(id);
  }

  /**
   * Waits for the outcome, at most so long. @returns undefined when it is not there yet
   * @throws HttpError: 404 for an id that was never given, 410 for a result that is gone
   */
  async outcome(id: string, holdMs: number, signal: AbortSignal): Promise<Outcome | undefined> {
    this.sweep();
    const future = this.pending.get(id) ?? this.finished.get(id);
    if (future === undefined) throw this.unknown(id);
    if (future.outcome === undefined) await within(future.settled, holdMs, signal);
    if (future.outcome === undefined) return undefined;
    future.fetched = true;
    future.expiresAt = Math.min(future.expiresAt, this.options.now() + this.options.keepFetchedMs);
    return future.outcome;
  }

  /** Whether its client has asked for the outcome since it was there; those that are gone were fetched, or never will be. */
  wasFetched(id: string): boolean {
    if (this.pending.has(id)) return false;
    return this.finished.get(id)?.fetched ?? true;
  }

  /** Of one that is there. */
  sessionOf(id: string): string | undefined {
    return (this.pending.get(id) ?? this.finished.get(id))?.sessionId;
  }

  /** Why a pending one does not go on. */
  reason(id: string): string | undefined {
    return this.pending.get(id)?.waitsFor?.();
  }

  private finish(future: Future, outcome: Outcome): void {
    future.outcome = outcome;
    future.bytes = sizeOf(outcome);
    future.expiresAt = this.options.now() + this.options.keepMs;
    this.pending.delete(future.id);
    this.finished.set(future.id, future);
    this.bytes += future.bytes;
    this.sweep();
  }

  /** Forgets what has waited too long, and the oldest beyond the limit. */
  private sweep(): void {
    const now = this.options.now();
    for (const future of this.finished.values()) {
      const expired = future.expiresAt <= now;
      if (!expired && this.bytes <= this.options.maxBytes) continue;
      // The newest result always reaches its client.
      if (!expired && this.finished.size === 1) break;
      this.finished.delete(future.id);
      this.bytes -= future.bytes;
    }
  }

  private unknown(id: string): HttpError {
    const [, run, number] = /^([0-9a-f]+)-(\d+)$/.exec(id) ?? [];
    if (run === undefined || (run === this.options.run && Number(number) > this.issued))
      return new HttpError(`there is no request ${JSON.stringify(id.slice(0, 80))}`, { status: 404 });
    const why =
      run === this.options.run
        ? "its result was kept for a while and is gone"
        : "it belongs to an earlier run of this server";
    return new HttpError(`request ${id}: ${why}; send the request again`, { status: 410, code: "gone" });
  }
}

function sizeOf(outcome: Outcome): number {
  switch (outcome.type) {
    case "json":
    case "failure":
      return JSON.stringify(outcome.body).length;
    case "forwardBackward":
      return outcome.output.outputs.reduce(
        (sum, tensors) =>
          sum + Object.values(tensors).reduce((n, { data }) => n + data.byteLength + 100, 100),
        100,
      );
    case "sample": {
      const { sequences, promptLogprobs = [] } = outcome.output;
      return sequences.reduce(
        (sum, { tokens }) => sum + 16 * tokens.length + 100,
        16 * promptLogprobs.length,
      );
    }
    default:
      return outcome satisfies never;
  }
}

/** Ends at whatever comes first; a signal rejects. */
function within(settled: Promise<void>, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      resolve();
    };
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(end, ms);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
    void settled.then(end);
  });
}
