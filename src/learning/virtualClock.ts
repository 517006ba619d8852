// Time that passes only when everybody waits, for tests of things that happen side by side: exact, and without waiting.
export class VirtualClock {
  private timeMs = 0;
  private sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];

  now(): number {
    return this.timeMs;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((wake) => {
      this.sleepers.push({ atMs: this.timeMs + ms, wake });
    });
  }

  /** Lets time pass until the work is done. @throws when it waits for something that never comes */
  async run<T>(work: Promise<T>): Promise<T> {
    let ended = false;
    const end = (): void => {
      ended = true;
    };
    work.then(end, end);
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve)); // all that can happen now has happened
      if (ended) return work;
      const next = this.sleepers.reduce<number>((first, { atMs }) => Math.min(first, atMs), Infinity);
      if (next === Infinity) throw new Error(`nothing happens after ${this.timeMs} ms`);
      this.timeMs = next;
      const due = this.sleepers.filter(({ atMs }) => atMs === next);
      this.sleepers = this.sleepers.filter(({ atMs }) => atMs !== next);
      // One after the other, each with all that follows from it.
      for (const { wake } of due) {
        wake();
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }
}
