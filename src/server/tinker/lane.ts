// The order of one model's requests: they are executed by their `seq_id`, counted from 1, one after the other, whatever
// order they arrive in; one that arrives early waits for those before it. A request that comes twice is done once: a client
// whose reply was lost sends the same body with the same number again.
import { HttpError } from "../http.ts";
import { userError } from "./errors.ts";

/** Early requests that may wait. */
const MAX_WAITING = 4096;
/** Numbers whose request is remembered. */
const REMEMBERED = 4096;

interface Known {
  readonly digest: string;
  /** Undefined for one that was refused. */
  readonly requestId: string | undefined;
}

export class Lane {
  private next = 1;
  private readonly known = new Map<number, Known>();
  private readonly waiting = new Map<number, { start: () => Promise<void>; fail: (error: Error) => void }>();
  private running = false;
  private closed: Error | undefined;

  /**
   * The request id of a request that has come before, when this is the same one.
   * @throws HttpError (409) when another one had the number
   */
  repeated(seq: number, digest: string): string | undefined {
    const known = this.known.get(seq);
    if (known?.requestId !== undefined && known.digest === digest) return known.requestId;
    if (known === undefined && seq >= this.next) {
      if (seq - this.next >= MAX_WAITING)
        throw new HttpError(
          `seq_id: must be less than ${this.next + MAX_WAITING}, as the next one to be executed is ${this.next}; ` +
            `got ${seq}`,
          { status: 400 },
        );
      return undefined;
    }
    const why =
      known === undefined
        ? "was executed long ago"
        : known.requestId === undefined
          ? "belongs to a request that was refused"
          : "was used by another request";
    throw new HttpError(`seq_id ${seq} ${why}; the next one to be executed is ${this.next}`, {
      status: 409,
      code: "seq_id_reused",
    });
  }

  /** Executes `run` when its turn comes. Only after `repeated` gave undefined. */
  enqueue<T>(seq: number, run: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.closed !== undefined) {
        reject(this.closed);
        return;
      }
      this.waiting.set(seq, { start: () => run().then(resolve, reject), fail: reject });
      void this.advance();
    });
  }

  remember(seq: number, digest: string, requestId: string): void {
    this.known.set(seq, { digest, requestId });
    for (const oldest of this.known.keys()) {
      if (this.known.size <= REMEMBERED) break;
      this.known.delete(oldest);
    }
  }

  /** A request that was refused: those after it do not wait for it. */
  refuse(seq: number): void {
    if (this.known.has(seq) || seq < this.next || seq - this.next >= MAX_WAITING) return;
    this.known.set(seq, { digest: "", requestId: undefined });
    this.waiting.set(seq, { start: () => Promise.resolve(), fail: () => undefined });
    void this.advance();
  }

  /** The number that everything waits for; undefined when it is there. */
  get gap(): number | undefined {
    return this.running || this.waiting.size === 0 || this.waiting.has(this.next) ? undefined : this.next;
  }

  /** What waits fails, and so does what comes; what runs goes on. */
  close(reason: string): void {
    this.closed ??= userError(reason);
    for (const { fail } of this.waiting.values()) fail(this.closed);
    this.waiting.clear();
  }

  private async advance(): Promise<void> {
    if (this.running) return;
    this.running = true;
    for (let entry = this.waiting.get(this.next); entry !== undefined; entry = this.waiting.get(this.next)) {
      this.waiting.delete(this.next);
      this.next++;
      await entry.start();
    }
    this.running = false;
  }
}
