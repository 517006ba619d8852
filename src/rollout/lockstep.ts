// Turns many concurrent episodes into batches for one sampler. `lockstep` waits until every joined episode either waits
// for sampling or has left, so the composition of each batch is a function of the episodes' contents alone, never of how
// long their Python took: the reproducible schedule. `eager` hands every request on at once and leaves it to the sampler
// to let it join those that are being computed: nobody waits for anybody's Python, but two runs differ.
import { PyVisionError } from "../core/errors.ts";
import type { Sampler, SampleRequest, SampleResult } from "../engines/engine.ts";

export type Schedule = "lockstep" | "eager";

export interface LockstepOptions {
  readonly schedule: Schedule;
  /** Most requests computed together: lockstep cuts a round into chunks in episode order. Default: no limit. */
  readonly maxBatch?: number;
}

interface Waiting {
  readonly index: number;
  readonly request: SampleRequest;
  readonly resolve: (result: SampleResult) => void;
  readonly reject: (error: unknown) => void;
}

export class LockstepSampler implements Sampler {
  private readonly joined = new Map<string, number>();
  private waiting: Waiting[] = [];
  private released: { readonly index: number; readonly sequenceId: string }[] = [];
  private busy = false;
  /** Eager requests that the sampler has. */
  private underWay = 0;
  private scheduled = false;
  private failure: Error | undefined;

  constructor(
    private readonly inner: Sampler,
    private readonly options: LockstepOptions,
  ) {
    const { maxBatch } = options;
    if (maxBatch !== undefined && !(Number.isInteger(maxBatch) && maxBatch >= 1))
      throw new PyVisionError(`maxBatch must be a whole number of at least 1, got ${maxBatch}`);
  }

  /** Announces an episode; lockstep batches wait for it until it leaves. Batches are sorted by `index`. */
  join(sequenceId: string, index: number): void {
    if (this.joined.has(sequenceId)) throw new PyVisionError(`internal: sequence ${sequenceId} joined twice`);
    this.joined.set(sequenceId, index);
  }

  /** The episode will sample no more. To replace it, join the next one first. */
  leave(sequenceId: string): void {
    this.joined.delete(sequenceId);
    if (this.joined.size === 0) this.passReleases();
    this.schedule();
  }

  /** Makes every waiting and later request reject, so that all episodes come to an end. */
  abort(error: unknown): void {
    this.failure ??= error instanceof Error ? error : new PyVisionError(String(error));
    const waiting = this.waiting;
    this.waiting = [];
    for (const entry of waiting) entry.reject(this.failure);
  }

  async sample(requests: readonly SampleRequest[]): Promise<readonly SampleResult[]> {
    return Promise.all(requests.map((request) => this.enqueue(request)));
  }

  /** Passed on just before the next batch (or when the last episode leaves), in episode order. */
  release(sequenceId: string): void {
    this.released.push({ index: this.joined.get(sequenceId) ?? Infinity, sequenceId });
  }

  private enqueue(request: SampleRequest): Promise<SampleResult> {
    const index = this.joined.get(request.sequenceId);
    if (index === undefined)
      return Promise.reject(
        new PyVisionError(`internal: sequence ${request.sequenceId} samples without having joined`),
      );
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      this.waiting.push({ index, request: withoutSpentKey(request), resolve, reject });
      this.schedule();
    });
  }

  /** Looks at the state after all callbacks of this moment have run. */
  private schedule(): void {
    if (this.scheduled || this.busy) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      if (this.options.schedule === "eager") this.handOn();
      else void this.runIfReady();
    });
  }

  private handOn(): void {
    this.passReleases();
    const room = (this.options.maxBatch ?? Infinity) - this.underWay;
    const ready = this.waiting.sort((a, b) => a.index - b.index).splice(0, Math.max(0, room));
    this.underWay += ready.length;
    for (const entry of ready)
      void this.runChunk([entry]).then(() => {
        this.underWay--;
        this.schedule();
      });
  }

  private async runIfReady(): Promise<void> {
    if (this.busy) return;
    const everyoneWaits = this.waiting.length === this.joined.size;
    if (this.waiting.length === 0 || !everyoneWaits) return;
    this.busy = true;
    this.passReleases();
    const round = this.waiting.sort((a, b) => a.index - b.index);
    this.waiting = [];
    const size = this.options.maxBatch ?? round.length;
    for (let at = 0; at < round.length; at += size) await this.runChunk(round.slice(at, at + size));
    this.busy = false;
    this.schedule();
  }

  /** A chunk's episodes go on (and run their Python) while the next chunk is sampled. */
  private async runChunk(chunk: readonly Waiting[]): Promise<void> {
    try {
      if (this.failure !== undefined) throw this.failure;
      const results = await this.inner.sample(chunk.map((entry) => entry.request));
      if (results.length !== chunk.length)
        throw new PyVisionError(
          `internal: sampler gave ${results.length} results for ${chunk.length} requests`,
        );
      chunk.forEach((entry, i) => entry.resolve(results[i] as SampleResult));
    } catch (error) {
      for (const entry of chunk) entry.reject(error);
      this.abort(error);
    }
  }

  private passReleases(): void {
    const released = this.released.sort((a, b) => a.index - b.index);
    this.released = [];
    for (const { sequenceId } of released) this.inner.release(sequenceId);
  }
}

/**
 * A group shares its prompt in the members' first turns. When an update between two turns has made the engine forget it, the
 * first later turn would otherwise stand for the prompt of all.
 */
function withoutSpentKey(request: SampleRequest): SampleRequest {
  if (!request.segments.some(({ type }) => type === "sampled")) return request;
  const { promptKey: _, ...rest } = request;
  return rest;
}
