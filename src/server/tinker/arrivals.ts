// Requests whose bodies are being read. Others wait for them, to be computed together; one that has stopped coming is not
// waited for.

/** Silence after which a body counts as one that does not come. */
const STALLED_MS = 100;

export interface Arrival {
  /** Some of it has come. */
  progress(): void;
  /** It is there, or has failed. */
  end(): void;
}

export class Arrivals {
  /** When each last had some bytes. */
  private readonly last = new Map<symbol, number>();

  /** @param now milliseconds of a steady clock */
  constructor(private readonly now: () => number) {}

  /** Whether one is on its way. */
  get any(): boolean {
    const since = this.now() - STALLED_MS;
    return [...this.last.values()].some((at) => at > since);
  }

  begin(): Arrival {
    const key = Symbol("arrival");
    this.last.set(key, this.now());
    return {
      progress: () => void this.last.set(key, this.now()),
      end: () => void this.last.delete(key),
    };
  }
}
